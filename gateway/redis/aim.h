/// Aim: where Redis is and who we are there, as the options say it.
///
/// Thread  any; plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/redis/options.h"
#include "gateway/redis/place.h"

namespace sluice::redis {

/// At Redis; at a sentinel it is another one.
struct Login {
  std::string user;
  std::string password;  ///< Empty: none.
  std::uint32_t database = 0;
};

struct Aim {
  Place server = {};                  ///< The URL's, if there are no sentinels.
  std::vector<Place> sentinels = {};  ///< Whom to ask for the server.
  Login login = {};
  bool is_tls = false;
  std::string name = {};  ///< For the log: "redis.example:6379".
};

constexpr std::uint16_t kSentinelPort = 26'379;

/// Errc::invalid: the name of an option, and a sentence.
Result<Aim> aim_of(const LinkOptions& options);

}  // namespace sluice::redis
