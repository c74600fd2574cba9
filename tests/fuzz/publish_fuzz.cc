/// What publishers send: a batch says what a JSON library reads in it; a stream is the same in
/// pieces of any size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "gateway/base/assert.h"
#include "gateway/server/publish_batch.h"
#include "gateway/server/publish_parser.h"

namespace sluice::server {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxBatch = 8;
constexpr std::size_t kMaxDepth = 200;  // The library's own dump() costs stack for each level.

void check_batch(const std::string& body) {
  const auto drafts = read_batch(body, {.epoch = "epoch000"}, kMaxBatch);
  if (!drafts) {
    SLUICE_ASSERT(!drafts.error().what.empty(), "an error that says nothing");
    return;
  }
  SLUICE_ASSERT(!drafts->empty() && drafts->size() <= kMaxBatch, "a batch beyond its limit");
  const auto brackets = std::count_if(body.begin(), body.end(), [](char c) { return c == '['; }) +
                        std::count_if(body.begin(), body.end(), [](char c) { return c == '{'; });
  if (static_cast<std::size_t>(brackets) > kMaxDepth) return;
  Json json = Json::parse(body);
  if (json.is_object()) json = Json::array({json});
  SLUICE_ASSERT(json.size() == drafts->size(), "another number of events than the library reads");
  for (std::size_t i = 0; i < drafts->size(); ++i) {
    const sse::Draft& draft = (*drafts)[i];
    const Json& topic = json[i]["topic"];
    SLUICE_ASSERT((topic.is_array() ? topic[0] : topic) == draft.topics.front(), "another topic");
    if (!json[i].contains("data")) {
      SLUICE_ASSERT(draft.data.empty(), "data out of nothing");
      continue;
    }
    const Json& data = json[i]["data"];
    SLUICE_ASSERT((data.is_string() ? data == draft.data : data == Json::parse(draft.data)),
                  "other data");
  }
}

/// The events of a text that comes in pieces of `size` bytes, and "!" where it is refused.
std::string parse(std::string_view text, std::size_t size) {
  PublishParser parser({}, 1'000);
  std::string seen;
  for (std::size_t at = 0; at < text.size(); at += size) {
    std::string_view piece = text.substr(at, size);
    while (!piece.empty()) {
      const auto event = parser.next(piece);
      if (!event) return seen + "!";
      if (!*event) continue;
      const Fields& fields = **event;
      for (const std::string& topic : fields.topics) seen += topic + '\n';
      seen += fields.data + '\n' + fields.id + '\n' + fields.type + '\n' + fields.key + '\n' +
              fields.retry.value_or("-") + fields.ttl.value_or("-") +
              (fields.is_private ? "p" : "") + '\n';
    }
  }
  return seen;
}

}  // namespace
}  // namespace sluice::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  const std::string text(data, data + size);
  sluice::server::check_batch(text);
  const std::string whole = sluice::server::parse(text, text.size() + 1);
  SLUICE_ASSERT(whole == sluice::server::parse(text, 1) && whole == sluice::server::parse(text, 7),
                "a stream in other pieces is another stream");
  return 0;
}
