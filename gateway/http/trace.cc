#include "gateway/http/trace.h"

#include <algorithm>
#include <cstddef>

namespace sluice::http {
namespace {

// "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
constexpr std::size_t kTrace = 3;
constexpr std::size_t kTraceDigits = 32;
constexpr std::size_t kParent = kTrace + kTraceDigits + 1;
constexpr std::size_t kParentDigits = 16;
constexpr std::size_t kFlags = kParent + kParentDigits + 1;
constexpr std::size_t kEnd = kFlags + 2;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == text.npos;
}

bool is_valid(std::string_view text) {
  if (text.size() < kEnd) return false;
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace = text.substr(kTrace, kTraceDigits);
  const std::string_view parent = text.substr(kParent, kParentDigits);
  const bool has_dashes =
      text[kTrace - 1] == '-' && text[kParent - 1] == '-' && text[kFlags - 1] == '-';
  if (!has_dashes || !is_hex(version) || !is_hex(trace) || !is_hex(parent)) return false;
  if (!is_hex(text.substr(kFlags, 2)) || is_zero(trace) || is_zero(parent)) return false;
  // A later version may have more behind it.
  if (version == "ff") return false;
  return text.size() == kEnd || (version != "00" && text[kEnd] == '-');
}

}  // namespace

std::optional<std::string_view> trace_id(const Request& request) {
  const std::string* given = nullptr;
  for (const Field& field : request.headers) {
    if (field.name != "traceparent") continue;
    if (given != nullptr) return std::nullopt;
    given = &field.value;
  }
  if (given == nullptr || !is_valid(*given)) return std::nullopt;
  return std::string_view(*given).substr(kTrace, kTraceDigits);
}

}  // namespace sluice::http
