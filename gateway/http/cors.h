/// Cors: which pages of other origins may read an answer, and the fields that tell their browser.
///
/// An EventSource whose answer lacks these fields is closed for ever, so they belong on every
/// answer, errors too (Fetch §3.2).
/// Owner   the server. Thread  any; it does not change.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.h"

namespace sluice::http {

struct CorsOptions {
  /// As a browser sends them: `https://app.example`, without a final '/'. "*" lets every page read,
  /// but never with credentials; an origin that is listed as well may send them.
  std::vector<std::string> origins;
  std::chrono::seconds max_age{86400};  ///< How long a browser may keep a preflight's answer.
  std::string methods = "GET, HEAD, POST, QUERY";  ///< Empty: whichever a preflight asks for.
  /// Of requests. Empty: whichever a preflight asks for.
  std::string request_headers =
      "authorization, cache-control, content-type, last-event-id, idempotency-key, prefer, "
      "x-requested-with";
  /// Of answers, that a page may read.
  std::string exposed = "last-event-id, mercure-last-event-id, link, idempotent-replayed";
};

class Cors {
 public:
  explicit Cors(CorsOptions options);

  /// True when `origin` is listed by its name: it may send cookies and tokens.
  [[nodiscard]] bool is_listed(std::string_view origin) const;
  /// Adds what the answer to `request` has to say; always `vary: origin`.
  void add_fields(const Request& request, Headers& answer) const;

  /// True for OPTIONS with an `access-control-request-method`.
  [[nodiscard]] static bool is_preflight(const Request& request);
  /// The answer to a preflight: 204, and what is allowed when the origin is.
  [[nodiscard]] Response preflight(const Request& request) const;

 private:
  /// Adds the fields common to both kinds of answer; false when the origin may read nothing.
  bool add_origin(const Request& request, Headers& answer) const;

  // Set in the constructor.
  const CorsOptions options_;
  const bool any_;  ///< "*" is listed.
};

}  // namespace sluice::http
