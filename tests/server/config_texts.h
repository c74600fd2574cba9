/// Configuration files for the tests that read them, and what is read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/server/config.h"

namespace sluice::server {

using Lines = std::vector<std::string>;

/// The hub as the documentation shows it; `cert.pem` and `key.pem` are beside the file.
inline constexpr std::string_view kHub = R"([server]
workers = 1

[[listen]]
address = "127.0.0.1:0"

[[listen]]
address = "127.0.0.1:0"
tls = false

[admin]
address = "127.0.0.1:0"

[tls]
certificate = "cert.pem"
key = "key.pem"

[hub]
anonymous = true
publisher_keys = [{ alg = "HS256", secret = "a-contract-secret-of-32-bytes-or-more" }]
subscriber_keys = [{ alg = "HS256", secret = "a-contract-secret-of-32-bytes-or-more" }]
cors_origins = ["https://app.example"]

[history]
journal = "memory"
max_events = 100000
max_bytes = "256MiB"

[heartbeat]
interval = "15s"
)";

inline constexpr std::string_view kListen = "[[listen]]\naddress = \"127.0.0.1:0\"\ntls = false\n";

/// As little as can work: one listener without TLS, anonymous subscribers; then `more`.
inline std::string least(std::string_view more = "") {
  return "[[listen]]\naddress = \"127.0.0.1:0\"\ntls = false\n[hub]\nanonymous = true\n" +
         std::string(more);
}

/// A listener in lines 1 to 3, and `more` from line 4 on.
inline std::string with(std::string_view more) {
  return std::string(kListen) + std::string(more);
}

/// A route of "/app/*" in lines 4 to 6, and `more` of it from line 7 on.
inline std::string route(std::string_view more) {
  return with("[[route]]\npath = \"/app/*\"\nupstream = \"http://127.0.0.1:9000\"\n" +
              std::string(more));
}

inline Config config_of(const std::string& text) {
  auto config = parse(text, "/etc/sluice/sluice.toml");
  if (!config) FAIL(to_string(config.error().front()));
  return *config;
}

/// The options of a route with `more`.
inline relay::RouteOptions route_of(const std::string& more) {
  return config_of(route(more)).relay.routes.at(0);
}

/// Every fault as "LINE:COL: message".
inline Lines faults_of(const std::string& text) {
  Lines faults;
  const auto config = parse(text, "f");
  if (config) return faults;
  for (const Fault& fault : config.error()) faults.push_back(to_string(fault).substr(2));
  return faults;
}

/// The one fault of a route with `more`.
inline std::string fault_of(const std::string& more) {
  const Lines faults = faults_of(route(more));
  if (faults.size() != 1) return std::to_string(faults.size()) + " faults";
  return faults.front();
}

/// The same of a file of a listener and `more`.
inline std::string fault_in(const std::string& more) {
  const Lines faults = faults_of(with(more));
  if (faults.size() != 1) return std::to_string(faults.size()) + " faults";
  return faults.front();
}

}  // namespace sluice::server
