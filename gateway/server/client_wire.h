/// What the client commands send and print, without a network.
///
/// Thread  any; plain values.
/// Errors  Errc::invalid with a sentence that says what would be right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/server/client.h"
#include "gateway/sse/parser.h"

namespace sluice::server {

struct Url {
  bool is_tls = false;
  std::string host;  ///< Without brackets.
  std::uint16_t port = 0;
  std::string path;   ///< Begins with '/'.
  std::string query;  ///< Without '?'; may be empty.

  /// Its host is this machine: the state directory's token and certificate may fit.
  [[nodiscard]] bool is_local() const;
  /// "localhost:8443", "[::1]:8443".
  [[nodiscard]] std::string authority() const;
};

/// http and https only. A port that is not given is the scheme's.
Result<Url> parse_url(std::string_view text);

/// One publish request.
struct Post {
  std::string target;  ///< Path and query.
  std::string content_type;
  std::string body;
};

/// The base of a hub and …/.well-known/mercure take a form; …/events/TOPIC takes the bare data.
Result<Post> make_post(const Url& url, const PublishCommand& command, std::string data);
/// All of stdin as one stream: to …/events/TOPIC, or to the hub, where each event names its topics.
/// The target alone.
Result<std::string> make_stream(const Url& url, const PublishCommand& command);
/// A JSON array of events, each with its own topics.
Result<Post> make_batch(const Url& url, const PublishCommand& command, std::string json);
/// Path and query to subscribe at. An address that is neither of the hub's is taken as it is.
Result<std::string> make_subscription(const Url& url, const SubscribeCommand& command);

/// The answer to a publish request, one id per line.
[[nodiscard]] std::string printed_ids(const std::string& answer, bool is_batch);
/// An event as text/event-stream, or as a line of JSON: {"id", "type", "data"}.
[[nodiscard]] std::string printed(const sse::Message& message, bool json);

}  // namespace sluice::server
