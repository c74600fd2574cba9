/// Access: who sends a request, and what that allows.
///
/// A token comes by one of three carriers, tried in this order: `authorization: Bearer`, the query
/// parameter `authorization` (Mercure 0.x only), a cookie. What is wrong with it is answered in the
/// forms of RFC 6750; but an EventSource closes for ever on anything but 200, so where a fresh
/// token may come by itself (an expired cookie) a stream is *parked* instead.
///
/// Owner   server::Shared. Thread  any; it does not change.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/token.h"
#include "gateway/base/clock.h"
#include "gateway/http/message.h"
#include "gateway/http/uri.h"
#include "gateway/server/subjects.h"

namespace sluice::server {

/// Which version of the Mercure protocol is spoken.
enum class Mercure {
  any,  ///< Whichever a request uses.
  v0,
  v1,
};

/// What becomes of a stream whose token is no longer good, or has gone.
enum class Fallback {
  park,       ///< 200, a `retry` line, end: its client comes back, perhaps with a new one.
  reject,     ///< 401.
  anonymous,  ///< Public events only, where anonymous subscribers are allowed.
};

struct AccessOptions {
  Mercure protocol = Mercure::any;          ///< The versions that are spoken.
  std::string public_url;                   ///< The hub's, as clients know it; may be empty.
  bool anonymous = false;                   ///< Subscribers need no token.
  Fallback expired_token = Fallback::park;  ///< In a cookie or the query; in a header: 401.
  Fallback lost_token = Fallback::park;     ///< A reconnect without the cookie it had before.
  std::string cookie = "mercureAuthorization";
  std::string cookie_v1 = "__Secure-mercure_access_token";
  std::vector<std::string> publish_origins;         ///< Whose pages may publish with a cookie.
  std::vector<std::string> publisher_certificates;  ///< Names of clients' that publish.
};

enum class Carrier { none, header, query, cookie };

struct Bearer {
  Carrier carrier = Carrier::none;
  auth::Grants grants;              ///< Empty without a token.
  std::size_t fingerprint = 0;      ///< Of the token: tells it from others, in this process.
  std::optional<TimePoint> ends{};  ///< When its token is no longer accepted.
  std::optional<std::string> set_cookie{};  ///< To be sent with the answer.
  std::string token{};                      ///< As it was sent; of relayed requests only.
};

struct Denial {
  int status = 401;
  std::string text;   ///< For a person.
  std::string error;  ///< RFC 6750 §3.1; empty when there was no token.
  bool park = false;  ///< Of a stream: 200, `retry`, end.
};

/// A challenge that says what is wrong (RFC 6750 §3).
[[nodiscard]] std::string with_error(std::string challenge, std::string_view error,
                                     std::string_view description = {});

class Access {
 public:
  Access(const AccessOptions& options, const auth::Verifier& publishers,
         const auth::Verifier& subscribers, const Subjects& subjects, const Clock& clock)
      : options_(options),
        publishers_(publishers),
        subscribers_(subscribers),
        subjects_(subjects),
        clock_(clock) {}

  /// `is_reconnect`: a browser comes back by itself, with a Last-Event-ID.
  tl::expected<Bearer, Denial> subscriber(const http::Request& request, const http::Form& query,
                                          bool is_reconnect) const;
  tl::expected<Bearer, Denial> publisher(const http::Request& request,
                                         const http::Form& query) const;
  /// Of a request for a route, by the keys that this one goes by; its token need not be of Mercure.
  /// Carrier::none: there is no token. `park` of a denial: an expired one, where those are parked.
  tl::expected<Bearer, Denial> relayed(const http::Request& request, const http::Form& query,
                                       const auth::Verifier& verifier) const;
  /// A page of another site can make a browser send what it has of ours along: only pages of our
  /// own origin and of those listed may publish with it.
  [[nodiscard]] bool may_publish_from(const http::Request& request) const;
  /// The names of the cookies that are looked at, in that order.
  [[nodiscard]] std::vector<std::string_view> cookies() const;
  /// For a person without a token: where one may stand; `by_query`: in the query, too.
  [[nodiscard]] std::string carriers(bool by_query) const;

  /// The `www-authenticate` of a refusal.
  [[nodiscard]] std::string challenge(const http::Request& request, const Denial& denial) const;
  /// Adds the `www-authenticate` of a 401, of a 403, or of a 400 that is about the token.
  void add_challenge(const http::Request& request, const Denial& denial,
                     http::Headers& headers) const;

 private:
  struct Found {
    Carrier carrier = Carrier::none;
    std::string_view token;
  };
  [[nodiscard]] Found find(const http::Request& request, const http::Form& query) const;
  [[nodiscard]] std::string metadata_url(const http::Request& request) const;
  [[nodiscard]] tl::expected<Bearer, Denial> verify(const Found& found,
                                                    const auth::Verifier& verifier) const;
  [[nodiscard]] tl::expected<Bearer, Denial> verify_mercure(const Found& found,
                                                            const auth::Verifier& verifier) const;
  [[nodiscard]] std::optional<Denial> check_version(const Found& found, bool is_v1) const;
  [[nodiscard]] tl::expected<Bearer, Denial> without_token(const http::Request& request,
                                                           bool is_reconnect) const;
  [[nodiscard]] tl::expected<Bearer, Denial> fall_back(Fallback fallback, Denial denial) const;

  const AccessOptions& options_;
  const auth::Verifier& publishers_;
  const auth::Verifier& subscribers_;
  const Subjects& subjects_;
  const Clock& clock_;
};

}  // namespace sluice::server
