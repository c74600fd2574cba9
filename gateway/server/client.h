/// The client commands: publish and subscribe, over HTTP/1.1.
///
/// Thread  main; they block. subscribe() ends the process with status 0 on SIGINT and SIGTERM.
/// Errors  told on stderr in one line; the exit status is 1.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace sluice::server {

/// How to be let in. Without a token: $SLUICE_TOKEN, else, for this machine, the one in the state
/// directory. Without a CA: for this machine, the certificate in the state directory.
struct ClientAccess {
  std::string token;
  std::string token_file;
  std::string ca_file;
  bool insecure = false;  ///< Take any certificate.
};

struct PublishCommand {
  std::string url;  ///< The base, …/.well-known/mercure, or …/events/TOPIC.
  std::vector<std::string> topics;
  std::optional<std::string> data;  ///< None: all of stdin.
  std::string id;
  std::string type;
  std::optional<std::size_t> retry;  ///< Milliseconds.
  bool is_private = false;
  std::string key;
  std::string ttl;
  std::string idempotency_key;
  bool stream = false;     ///< stdin is text/event-stream, and goes out as one request.
  std::string batch_file;  ///< JSON; "-": stdin. Empty: none.
  ClientAccess access;
};

struct SubscribeCommand {
  std::string url;
  std::vector<std::string> topics;
  std::string last_event_id;
  bool json = false;
  std::optional<std::size_t> count;  ///< End after so many events.
  ClientAccess access;
};

/// What a GET of `target` answers, with 200; `address` is the listener's URL. A silence longer than
/// `patience` is an error that says so.
Result<std::string> fetch(const std::string& address, const std::string& target,
                          Millis patience = std::chrono::seconds(15));

int run(const PublishCommand& command);
int run(const SubscribeCommand& command);

}  // namespace sluice::server
