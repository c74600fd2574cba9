/// RedisWork: what a Redis server has done so far, as it tells by INFO.
///
/// Thread  one; it waits for the answer, which takes Redis a tenth of a millisecond.
/// Errors  a server that does not answer within seconds ends the program.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::bench {

struct RedisWork {
  std::uint64_t commands = 0;  ///< Those of scripts too.
  std::uint64_t in_bytes = 0;
  std::uint64_t out_bytes = 0;
  std::uint64_t cpu_ns = 0;  ///< Of all its threads.

  /// Of the server at that port of 127.0.0.1; nothing for port 0.
  static RedisWork now(std::uint16_t port);
  static RedisWork parse(std::string_view info);

  RedisWork operator-(const RedisWork& before) const {
    return {commands - before.commands, in_bytes - before.in_bytes, out_bytes - before.out_bytes,
            cpu_ns - before.cpu_ns};
  }
};

}  // namespace sluice::bench
