/// The lines of the access log: what is said of a request, and how it is written so that nobody can
/// forge one.
///
/// A request's own words are cut to kMost… bytes, those of its Account when they are kept. What
/// looks like a credential is replaced (secrets.h). Thread  any; pure functions and plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/http/account.h"
#include "gateway/http/exchange.h"
#include "gateway/http/forwarded.h"
#include "gateway/server/access_log.h"

namespace sluice::server {

/// What a line says of the request itself.
struct AccessRequest {
  static constexpr std::size_t kMostPath = 2'048;
  static constexpr std::size_t kMostText = http::Account::kMostText;  ///< Of every other field.

  AccessRequest(const http::Request& request, const http::Exchange& exchange,
                const http::Networks& trusted);

  std::uint64_t connection;
  std::uint64_t stream;
  std::string client;  ///< The real one.
  std::string peer;    ///< Who is connected to us.
  std::string method;
  std::string scheme;
  std::string authority;
  std::string target;  ///< Path and query, without secrets.
  std::string_view protocol;
  bool is_tls;
  std::string user_agent;
  std::string referer;     ///< Without secrets.
  std::string request_id;  ///< What a trusted peer gave it.
  std::string trace;
};

/// What became of it.
struct AccessOutcome {
  enum class Stage : std::uint8_t { request, stream_start, stream_end } stage = Stage::request;
  int status = 0;  ///< 0: it was not answered.
  std::uint64_t bytes = 0;
  Duration duration{};
  std::optional<Duration> first_byte{};  ///< Until the answer's head.
  http::Progress progress{};             ///< Of a stream: at its end, but for `behind`.
  std::uint64_t worst_behind = 0;        ///< Events.
  Duration worst_wait{};                 ///< The longest that bytes waited for the client.
  http::Ending ending = http::Ending::none;
};

/// One line with its end.
[[nodiscard]] std::string access_line(AccessFormat format, WallTime at,
                                      const AccessRequest& request, const http::Account& account,
                                      const AccessOutcome& outcome);

}  // namespace sluice::server
