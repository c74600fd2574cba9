#include "gateway/sse/event_id.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "gateway/base/random.h"

namespace sluice::sse {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kEpochLength = 8;

}  // namespace

std::string make_epoch() {
  std::string epoch = secret_bytes(kEpochLength);
  for (char& c : epoch) c = kDigits[static_cast<unsigned char>(c) % kDigits.size()];
  return epoch;
}

std::string make_id(std::string_view epoch, Position position) {
  const fmt::format_int digits(position.value());
  std::string id;
  id.reserve(epoch.size() + 1 + digits.size());
  return id.append(epoch).append("-").append(digits.data(), digits.size());
}

std::optional<GatewayId> parse_id(std::string_view text) {
  if (text.size() < kEpochLength + 2 || text[kEpochLength] != '-') return std::nullopt;
  const std::string_view epoch = text.substr(0, kEpochLength);
  const bool is_epoch = std::all_of(
      epoch.begin(), epoch.end(), [](char c) { return kDigits.find(c) != std::string_view::npos; });
  const std::string_view number = text.substr(kEpochLength + 1);
  Position::rep position = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), position);
  if (!is_epoch || error != std::errc{} || end != number.data() + number.size()) {
    return std::nullopt;
  }
  return GatewayId{epoch, Position(position)};
}

}  // namespace sluice::sse
