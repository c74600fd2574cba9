#include "gateway/redis/aim.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/redis/url.h"

namespace sluice::redis {
namespace {

Result<Aim> aim_by_sentinels(const LinkOptions& options) {
  Aim aim;
  aim.login = {.user = options.user, .password = options.password, .database = options.database};
  aim.is_tls = options.is_tls;
  aim.name = fmt::format("the master \"{}\" of its sentinels", options.master);
  for (const std::string& text : options.sentinels) {
    auto place = parse_place(text, kSentinelPort);
    if (!place) return fail(place.error().code, "history.sentinels: " + place.error().what);
    aim.sentinels.push_back(std::move(*place));
  }
  return aim;
}

}  // namespace

Result<Aim> aim_of(const LinkOptions& options) {
  if (!options.sentinels.empty()) return aim_by_sentinels(options);
  auto url = parse_redis_url(options.url);
  if (!url) return fail(url.error().code, "history.url: " + url.error().what);
  Aim aim{.server = {url->host, url->port},
          .login = {.user = options.user.empty() ? url->user : options.user,
                    .password = options.password.empty() ? url->password : options.password,
                    .database = url->database},
          .is_tls = url->is_tls};
  aim.name = aim.server.text();
  return aim;
}

}  // namespace sluice::redis
