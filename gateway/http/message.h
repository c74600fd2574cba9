/// Request and Response: the heads of messages, alike for HTTP/1.1 and HTTP/2.
///
/// A Request that reaches a Service is well-formed: h1 and h2 have refused what RFC 9110, 9112 and
/// 9113 call malformed, and what smuggling needs (`notes` of the limits in ARCHITECTURE.md).
/// Thread  plain values.
#pragma once

#include <string>
#include <string_view>

#include "gateway/http/headers.h"

namespace sluice::http {

struct Request {
  std::string method{};     ///< "GET"; case-sensitive.
  std::string scheme{};     ///< "https" or "http".
  std::string authority{};  ///< `:authority`, or `host`; never with userinfo.
  std::string path{};       ///< Origin form, as sent, before '?'; begins with '/'. Not decoded.
  std::string query{};      ///< As sent, after '?', without it. Not decoded.
  Headers headers{};        ///< Without pseudo-fields and connection-specific fields.
  bool has_body = false;    ///< False: on_body() will not be called, only on_body_end().
};

struct Response {
  int status = 200;
  Headers headers{};  ///< Without framing fields (content-length, transfer-encoding, connection).
};

/// What the client of a request that is malformed or too large is answered instead.
struct Refusal {
  int status = 400;
  std::string_view reason;  ///< Static; for a person to read.
};

/// "Not Found" for 404; empty for a code that has no name here. For HTTP/1.1 and error bodies.
std::string_view reason_phrase(int status);

}  // namespace sluice::http
