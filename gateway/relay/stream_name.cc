#include "gateway/relay/stream_name.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/base/random.h"

namespace sluice::relay {
namespace {

constexpr std::string_view kPrefix = "sl";
constexpr std::string_view kDigits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kRandom = 22;
constexpr std::size_t kLength = kPrefix.size() + kRandom;

}  // namespace

std::string make_stream_name() {
  std::string name(kPrefix);
  for (const char c : secret_bytes(kRandom)) {
    name += kDigits[static_cast<unsigned char>(c) % kDigits.size()];
  }
  return name;
}

bool is_stream_name(std::string_view text) {
  return text.size() == kLength && text.starts_with(kPrefix) &&
         std::all_of(text.begin(), text.end(), is_alnum);
}

std::string make_event_id(std::string_view stream, std::uint64_t number) {
  return fmt::format("{}-{}", stream, number);
}

std::optional<EventId> parse_event_id(std::string_view text) {
  if (text.size() < kLength + 2 || text[kLength] != '-') return std::nullopt;
  const std::string_view number = text.substr(kLength + 1);
  EventId id{.stream = text.substr(0, kLength)};
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), id.number);
  const bool is_number = error == std::errc{} && end == number.data() + number.size();
  if (!is_number || !is_stream_name(id.stream)) return std::nullopt;
  return id;
}

}  // namespace sluice::relay
