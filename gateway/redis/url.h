/// RedisUrl: what the URL of a Redis server says.
///
/// Thread  any; plain values. Errors  Errc::invalid with a sentence that says what would be right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::redis {

/// "rediss://user:password@redis.example:6380/2", read.
struct RedisUrl {
  bool is_tls = false;
  std::string user;      ///< Percent-decoded, as the password is.
  std::string password;  ///< Empty: none.
  std::string host;      ///< A name, or an address without brackets.
  std::uint16_t port = 6379;
  std::uint32_t database = 0;
};
Result<RedisUrl> parse_redis_url(std::string_view text);

}  // namespace sluice::redis
