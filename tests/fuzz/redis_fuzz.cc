/// Redis: whatever it answers, and however that is cut, the end is the same; no more is held than
/// may be, and an entry of the stream is read without harm.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/assert.h"
#include "gateway/redis/entry.h"
#include "gateway/redis/refusal.h"

namespace sluice::redis {
namespace {

constexpr std::size_t kLimit = 4096;

void describe(ReplyView reply, std::string& text) {
  if (reply.is_nil()) text += '_';
  if (reply.is_error()) text += '!';
  text += std::to_string(reply.integer().value_or(0));
  text += reply.text();
  if (!reply.is_array()) return;
  text += '[';
  for (std::size_t i = 0; i < reply.size(); ++i) describe(reply[i], text);
  text += ']';
  SLUICE_ASSERT(reply[reply.size()].is_nil(), "something stands behind the end of a list");
}

void check_entry(ReplyView reply) {
  const auto entry = read_entry(reply, "epoch");
  if (!entry) return;
  SLUICE_ASSERT(entry->position != sse::Position(0), "an entry stands nowhere");
  SLUICE_ASSERT(place_of(reply) == entry->position, "an entry has two places");
  SLUICE_ASSERT(entry->mark != 0, "an entry has no mark");
  if (!entry->event) return;
  SLUICE_ASSERT(entry->epoch.empty(), "another epoch is an event");
  SLUICE_ASSERT(!entry->event->topics.empty(), "an event without a topic");
  SLUICE_ASSERT(entry->event->wire.ends_with("\n\n"), "an event without an end");
}

std::string outcome(std::string_view input, std::size_t step) {
  Decoder decoder(kLimit);
  std::string text;
  for (std::size_t at = 0; at < input.size(); at += step) {
    decoder.feed(std::as_bytes(std::span(input.substr(at, step))));
    for (;;) {
      const auto reply = decoder.next();
      if (!reply) return text + "bad";
      if (!reply->has_value()) break;
      SLUICE_ASSERT((*reply)->memory() <= kLimit, "an answer is larger than may be");
      describe(**reply, text);
      check_entry(**reply);
      for (std::size_t i = 0; i < (*reply)->size(); ++i) check_entry((**reply)[i]);
      if ((*reply)->is_error()) static_cast<void>(read_refusal((*reply)->text()));
    }
  }
  return text;
}

/// Whatever words hold, they are read as they were written.
void check_words(std::string_view input) {
  Words words{"WORD", input.substr(0, input.size() / 2)};
  words.add(input.substr(input.size() / 2));
  const std::string command = words.command();
  Decoder decoder;
  decoder.feed(std::as_bytes(std::span(command)));
  const auto reply = decoder.next();
  SLUICE_ASSERT(reply && reply->has_value(), "a command is no list of words");
  const std::string read = std::string((**reply)[1].text()) + std::string((**reply)[2].text());
  SLUICE_ASSERT(read == input, "words are read as other ones");
}

}  // namespace
}  // namespace sluice::redis

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  const std::string text(data, data + size);
  const std::string whole = sluice::redis::outcome(text, 16);
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}}) {
    const std::string cut = sluice::redis::outcome(text, step);
    SLUICE_ASSERT(cut == whole, "a cut changes what an answer says");
  }
  static_cast<void>(sluice::redis::outcome(text, std::max<std::size_t>(size, 1)));
  sluice::redis::check_words(text);
  return 0;
}
