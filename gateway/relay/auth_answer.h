/// AuthAnswer: what a call-out's answer means for the request that it was asked about.
///
///   2xx            it may pass, with the fields that the route copies
///   401, 403, 3xx  the client gets that: a challenge, a login page, or where to find one
///   all else       nobody said that it may pass: the client gets 502
///
/// Thread  plain values; pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/units.h"
#include "gateway/http/message.h"

namespace sluice::relay {

struct AuthAnswer {
  enum class Kind {
    allowed,
    denied,  ///< `status`, `fields` and `body` are for the client.
    failed,  ///< Nobody could say: `status`, and `body`, a text without form or line end.
  };
  Kind kind = Kind::failed;
  int status = 502;
  /// Allowed: those that are copied, with an empty value where the answer has none. Denied: those
  /// that the client gets.
  http::Headers fields;
  std::string body;
  Millis max_age{0};  ///< How long it holds for equal requests; 0: only for this one.
  std::string why{};  ///< Failed: for the log.
};

/// Of a denial; what is longer is left out.
inline constexpr std::size_t kMaxAuthBody = 64_KiB;

/// `copied`: in lower case. `body` is empty where it was too long.
AuthAnswer judge(const http::Response& head, std::string body, std::span<const std::string> copied);
/// `what`: for the client, who need not know `why`.
AuthAnswer auth_failure(int status, std::string_view what, std::string why);
/// How long an answer may be used again (RFC 9111 §5.2.2): `max-age` less `age`, a day at most; 0
/// with no-store, no-cache, `vary: *` or a cookie that it sets.
Millis freshness(const http::Response& head);

}  // namespace sluice::relay
