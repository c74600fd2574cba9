#include "gateway/sse/encoder.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/base/utf8.h"
#include "gateway/sse/line_end.h"

namespace sluice::sse {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLeastRetry{500};

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).push_back('\n');
}

/// Takes one line off the front; the rest is null when that was the last one.
std::string_view next_line(std::string_view& rest, bool& more) {
  const std::size_t end = find_line_end(rest);
  const std::string_view line = rest.substr(0, end);
  more = end != std::string_view::npos;
  if (more) {
    const bool is_crlf = rest[end] == '\r' && end + 1 < rest.size() && rest[end + 1] == '\n';
    rest.remove_prefix(end + (is_crlf ? 2 : 1));
  }
  return line;
}

constexpr std::string_view name_of(GapReason reason) {
  switch (reason) {
    case GapReason::evicted:
      return "evicted";
    case GapReason::epoch:
      return "epoch";
    case GapReason::unknown:
      return "unknown";
    case GapReason::dropped:
      return "dropped";
  }
  return "unknown";
}

/// Ids of odd characters are not repeated: they are a client's words, and this is JSON.
bool is_plain(std::string_view id) {
  return std::all_of(id.begin(), id.end(), [](char c) {
    return is_alnum(c) || c == '.' || c == '_' || c == ':' || c == '~' || c == '-';
  });
}

}  // namespace

std::string encode(const Block& block) {
  std::string out;
  out.reserve(block.data.size() + block.id.size() + block.type.size() + 48);
  if (!block.id.empty()) {
    append_field(out, "id", block.id);
  } else if (block.resets_id) {
    out += "id\n";
  }
  if (!block.type.empty()) append_field(out, "event", block.type);
  if (block.retry) out += retry_line(*block.retry);
  std::string_view rest = block.data;
  for (bool more = true; more;) append_field(out, "data", next_line(rest, more));
  out.push_back('\n');
  return out;
}

std::string retry_line(milliseconds retry) {
  return fmt::format("retry: {}\n", std::max(retry, kLeastRetry).count());
}

Result<void> check_text(std::string_view what, std::string_view text, std::size_t max) {
  if (text.size() > max) {
    return fail(Errc::invalid,
                fmt::format("{} is {} bytes long; at most {} are allowed", what, text.size(), max));
  }
  if (!is_utf8(text)) return fail(Errc::invalid, fmt::format("{} is not UTF-8", what));
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      return fail(Errc::invalid,
                  fmt::format("{} holds a control character (0x{:02x})", what, byte));
    }
  }
  if (!text.empty() && (text.front() == ' ' || text.back() == ' ')) {
    return fail(Errc::invalid, fmt::format("{} begins or ends with a blank", what));
  }
  return {};
}

std::string encode_gap(GapReason reason, std::string_view id, std::string_view last_event_id,
                       std::uint64_t missed) {
  const std::string_view echoed = is_plain(last_event_id) ? last_event_id : std::string_view();
  std::string data =
      fmt::format(R"({{"reason":"{}","last_event_id":"{}")", name_of(reason), echoed);
  if (missed > 0) fmt::format_to(std::back_inserter(data), R"(,"missed":{})", missed);
  data.push_back('}');
  return encode({.id = id, .type = "gap", .data = data, .retry = {}});
}

}  // namespace sluice::sse
