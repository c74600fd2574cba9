/// The SSE parser: any bytes, cut anywhere, give the same events, and none above the limit; where
/// no event is above it they are those of the standard's algorithm.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "gateway/base/assert.h"
#include "gateway/sse/parser.h"
#include "tests/sse/reference_parser.h"

namespace sluice::sse {
namespace {

constexpr std::size_t kMaxEvent = 256;

/// Everything that the parser reports about a stream, in order.
struct Report {
  std::string text;
  Parser parser{{.on_message = [this](Message&& message) { note(message); },
                 .on_retry = [this](auto wait) { text += "retry " + std::to_string(wait.count()); },
                 .on_overflow = [this] { text += "overflow"; }},
                kMaxEvent};

  void note(const Message& message) {
    SLUICE_ASSERT(message.data.size() <= kMaxEvent, "an event is larger than the limit");
    SLUICE_ASSERT(message.id.find_first_of("\r\n") == std::string::npos, "a line end in an id");
    SLUICE_ASSERT(message.type.find_first_of("\r\n") == std::string::npos, "a line end in a type");
    SLUICE_ASSERT(message.data.find('\r') == std::string::npos, "a CR in the data");
    text += "id " + message.id + " type " + message.type + " data " + message.data + '\n';
  }
  std::string end() { return text + "last " + parser.last_id(); }
};

/// What the parser sees when it is given `piece` bytes at a time, and no event is too large.
Interpretation parsed(std::string_view bytes, std::size_t piece) {
  Interpretation seen;
  Parser parser(
      {.on_message =
           [&](Message&& message) {
             seen.messages.push_back({message.type, message.id, message.data});
           },
       .on_retry =
           [&](auto wait) { seen.retries.push_back(static_cast<std::uint64_t>(wait.count())); },
       .on_overflow = {}});
  for (std::string_view rest = bytes; !rest.empty();
       rest.remove_prefix(std::min(piece, rest.size()))) {
    parser.feed(rest.substr(0, piece));
  }
  seen.last_id = parser.last_id();
  return seen;
}

/// The same of the reference, without what the parser does not tell.
Interpretation reference(std::string_view bytes) {
  Interpretation expected = interpret(bytes);
  expected.blank_lines = 0;
  expected.is_whole = true;
  // As browsers do with what they cannot count, the parser ignores it.
  constexpr auto kMost = std::numeric_limits<std::chrono::milliseconds::rep>::max();
  std::erase_if(expected.retries, [](std::uint64_t n) { return n > std::uint64_t{kMost}; });
  return expected;
}

}  // namespace
}  // namespace sluice::sse

/// The first byte says how long the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  if (size == 0) return 0;
  const std::string bytes(data + 1, data + size);
  const std::size_t piece = data[0] % 16U + 1;

  sluice::sse::Report whole;
  whole.parser.feed(bytes);
  sluice::sse::Report cut;
  for (std::string_view rest = bytes; !rest.empty();
       rest.remove_prefix(std::min(piece, rest.size()))) {
    cut.parser.feed(rest.substr(0, piece));
  }
  SLUICE_ASSERT(whole.end() == cut.end(), "the events depend on how the bytes were cut");
  SLUICE_ASSERT(sluice::sse::parsed(bytes, piece) == sluice::sse::reference(bytes),
                "the events are not those of the standard");
  return 0;
}
