#include "gateway/server/fault.h"

#include <fmt/format.h>

namespace sluice::server {

std::string to_string(const Fault& fault) {
  return fmt::format("{}:{}:{}: {}", fault.file, fault.line, fault.column, fault.message);
}

Place place_of(const Places& places, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (const auto at = places.find(key); at != places.end()) return at->second;
  }
  return {};
}

}  // namespace sluice::server
