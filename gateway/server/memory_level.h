/// MemoryLevel: how much of limits.memory is in use, as far as anybody acts on it. Each level does
/// what those below it do, too; server/memory_budget.h says when.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::server {

enum class MemoryLevel : std::uint8_t {
  calm,
  no_replay,  ///< Streams that would read much of history are parked, or rest; live ones go on.
  shed,       ///< Idle connections and the slowest readers are sent away, to come back later.
  park,       ///< New streams are parked, few new connections are read; /readyz answers 503.
  full,  ///< No connection is accepted, no new one read; requests that would hold memory get 503.
};

inline constexpr std::array<std::string_view, 5> kMemoryLevels{"calm", "no replay", "shedding",
                                                               "parking", "full"};
inline std::string_view to_string(MemoryLevel level) {
  return kMemoryLevels[static_cast<std::size_t>(level)];
}

}  // namespace sluice::server
