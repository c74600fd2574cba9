#include "gateway/server/config_check.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/http/forwarded.h"
#include "gateway/hub/url.h"
#include "gateway/server/config_relay.h"
#include "gateway/server/journals.h"
#include "gateway/server/paths.h"

namespace sluice::server {
namespace {

class Checker {
 public:
  Checker(const Config& config, const Places& places) : config_(config), places_(places) {}

  std::vector<Fault> run() {
    check_listeners();
    check_networks();
    check_access();
    check_demo();
    check_journal();
    check_access_log();
    check_protocol();
    check_topics();
    check_sizes();
    check_times();
    return std::move(faults_);
  }

 private:
  void check_listeners();
  [[nodiscard]] std::optional<std::size_t> same_address(std::size_t listen) const;
  void check_networks();
  void check_access();
  void check_demo();
  void check_journal();
  void check_access_log();
  void check_protocol();
  void check_topics();
  void check_sizes();
  void check_times();

  void fault(std::initializer_list<std::string_view> keys, std::string message) {
    const Place place = place_of(places_, keys);
    faults_.push_back({config_.file, place.line, place.column, std::move(message)});
  }
  void check_order(std::string_view low, Millis low_value, std::string_view high,
                   Millis high_value) {
    if (low_value <= high_value) return;
    fault({low, high}, fmt::format("{}: {} is more than {}, {}", low, format_duration(low_value),
                                   high, format_duration(high_value)));
  }

  const Config& config_;
  const Places& places_;
  std::vector<Fault> faults_;
};

/// "HOST:PORT" with an IPv6 host in brackets; whether the host exists is found out at start.
bool is_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (!is_bracketed && host.find_first_of(":[]/ ") != host.npos) return false;
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  return parsed.ec == std::errc{} && parsed.ptr == end && port <= 65'535;
}

std::string wrong_address(std::string_view key, std::string_view address) {
  return fmt::format("{}: \"{}\" is not an address with a port, as in \"127.0.0.1:8443\"", key,
                     address);
}

/// An earlier [[listen]] with the address of that one; each gets another port for 0.
std::optional<std::size_t> Checker::same_address(std::size_t listen) const {
  const std::string& address = config_.listens[listen].address;
  if (address.ends_with(":0")) return std::nullopt;
  for (std::size_t i = 0; i < listen; ++i) {
    if (config_.listens[i].address == address) return i;
  }
  return std::nullopt;
}

void Checker::check_listeners() {
  if (config_.listens.empty()) {
    fault({}, "there is no [[listen]] table; add one with an address, as in \"127.0.0.1:8443\"");
  }
  for (std::size_t i = 0; i < config_.listens.size(); ++i) {
    const std::string table = fmt::format("listen[{}]", i);
    const std::string key = table + ".address";
    const std::string& address = config_.listens[i].address;
    if (address.empty()) {
      fault({key, table}, "this [[listen]] has no address; add one, as in \"127.0.0.1:8443\"");
    } else if (!is_address(address)) {
      fault({key}, wrong_address("listen.address", address));
    } else if (const auto other = same_address(i)) {
      fault({key},
            fmt::format("listen.address: the [[listen]] of line {} has \"{}\" already",
                        place_of(places_, {fmt::format("listen[{}]", *other)}).line, address));
    }
  }
  for (std::size_t i = 0; i < config_.listens.size(); ++i) {
    if (!config_.listens[i].proxy_protocol || !config_.relay.trusted_proxies.empty()) continue;
    fault(
        {fmt::format("listen[{}].proxy_protocol", i)},
        "listen.proxy_protocol: nobody may say who the clients are; name the balancers' networks, "
        "as in server.trusted_proxies = [\"10.0.0.0/8\"]");
  }
  if (!config_.admin.address.empty() && !is_address(config_.admin.address)) {
    fault({"admin.address"}, wrong_address("admin.address", config_.admin.address));
  }
}

void Checker::check_networks() {
  const auto check = [this](std::string_view key, const std::vector<std::string>& texts) {
    const auto networks = http::Networks::parse(texts);
    if (!networks) fault({key}, fmt::format("{}: {}", key, networks.error().what));
  };
  check("server.trusted_proxies", config_.relay.trusted_proxies);
  check("limits.exempt", config_.limits.address.exempt);
}

void Checker::check_access() {
  const HubAccess& access = config_.access;
  if (config_.has_hub() && !access.anonymous && access.subscriber_keys.empty() &&
      access.subscriber_jwks.empty()) {
    fault({"hub.subscriber_keys", "hub.anonymous", "hub"},
          "nobody could subscribe: set `hub.anonymous = true`, or give hub.subscriber_keys");
  }
  for (const std::string& origin : access.cors.origins) {
    if (origin == "*" || is_origin(origin)) continue;
    fault({"hub.cors_origins"},
          fmt::format("hub.cors_origins: \"{}\" is not an origin, as in \"https://app.example\": "
                      "scheme, host in lower case, port if any, and nothing after it",
                      origin));
  }
}

void Checker::check_demo() {
  if (config_.has_hub() || (!config_.demo.page && !config_.demo.feed)) return;
  fault({"demo.page", "demo.feed"}, "the demo needs the hub: set `hub.enabled = true`");
}

void Checker::check_journal() {
  const HistoryOptions& history = config_.history;
  if (history.journal != Journal::file) return;
  if (history.file.path.empty()) {
    fault({"history.path", "history.journal"},
          "history.path: the file journal needs a folder; add one, as in path = \"history\"");
  } else if (auto usable = check_history_folder(history.file.path); !usable) {
    fault({"history.path"}, "history.path: " + usable.error().what);
  }
}

void Checker::check_access_log() {
  auto usable = AccessLog::check(config_.access_log.file);
  if (!usable) fault({"access_log.file"}, "access_log.file: " + usable.error().what);
}

void Checker::check_protocol() {
  const std::string& url = config_.access.public_url;
  const auto parsed = hub::Url::parse(url);
  const bool is_good = parsed && (parsed->protocol == "https" || parsed->protocol == "http") &&
                       parsed->pathname == kHubPath && parsed->search.empty();
  if (!url.empty() && !is_good) {
    fault({"hub.public_url"}, fmt::format("hub.public_url: \"{}\" is not the URL of a hub, as in "
                                          "\"https://hub.example{}\"",
                                          url, kHubPath));
  }
  for (const std::string& origin : config_.access.publish_origins) {
    if (is_origin(origin)) continue;
    fault({"hub.publish_origins"},
          fmt::format("hub.publish_origins: \"{}\" is not an origin, as in \"https://app.example\"",
                      origin));
  }
}

void Checker::check_topics() {
  for (std::size_t i = 0; i < config_.hub.rules.size(); ++i) {
    const hub::TopicRule& rule = config_.hub.rules[i];
    const std::string table = fmt::format("topic[{}]", i);
    if (rule.match.empty()) {
      fault({table + ".match", table},
            "this [[topic]] says nothing of which topics; add match = "
            "\"prices/{symbol}\", or \"*\" for all");
    }
  }
}

void Checker::check_sizes() {
  const HubAccess& access = config_.access;
  if (access.max_event_bytes > access.max_body_bytes) {
    fault({"hub.max_event_bytes", "hub.max_body_bytes"},
          fmt::format("hub.max_event_bytes: {} does not fit into hub.max_body_bytes, {}",
                      format_size(access.max_event_bytes), format_size(access.max_body_bytes)));
  }
  const std::size_t kept = config_.history.file.retention.bytes;
  if (access.max_event_bytes > kept) {
    fault({"history.max_bytes", "hub.max_event_bytes"},
          fmt::format("history.max_bytes: {} does not hold one event of hub.max_event_bytes, {}",
                      format_size(kept), format_size(access.max_event_bytes)));
  }
  if (config_.limits.streams_per_connection > config_.h2.max_concurrent_streams) {
    fault({"limits.streams_per_connection", "limits.concurrent_streams"},
          fmt::format("limits.streams_per_connection: {} is more than limits.concurrent_streams, "
                      "{}; requests need a few more than streams",
                      config_.limits.streams_per_connection, config_.h2.max_concurrent_streams));
  }
  if (config_.h2.outbound_high > config_.h2.outbound_limit) {
    fault({"limits.outbound_high", "limits.outbound_limit"},
          fmt::format("limits.outbound_high: {} is more than limits.outbound_limit, {}",
                      config_.h2.outbound_high, config_.h2.outbound_limit));
  }
}

void Checker::check_times() {
  const RetryOptions& retry = config_.retry;
  check_order("retry.min", retry.min, "retry.max", retry.max);
  check_order("hub.jwks_min_interval", config_.access.jwks.min_interval, "hub.jwks_refresh",
              config_.access.jwks.refresh);
  check_order("retry.parked_min", retry.parked_min, "retry.parked_max", retry.parked_max);
  if (config_.heartbeat.jitter >= config_.heartbeat.interval) {
    fault({"heartbeat.jitter", "heartbeat.interval"},
          fmt::format("heartbeat.jitter: {} must be less than heartbeat.interval, {}; set both",
                      format_duration(config_.heartbeat.jitter),
                      format_duration(config_.heartbeat.interval)));
  }
  const Millis needed = config_.drain.delay + config_.drain.window;
  if (config_.drain.hard_limit < needed) {
    fault({"drain.hard_limit", "drain.window", "drain.delay"},
          fmt::format("drain.hard_limit: {} is less than drain.delay and drain.window together, {}",
                      format_duration(config_.drain.hard_limit), format_duration(needed)));
  }
}

}  // namespace

bool is_origin(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == text.npos || scheme == 0) return false;
  const std::string_view host = text.substr(scheme + 3);
  return !host.empty() && host.find_first_of("/?#@ *") == host.npos &&
         std::none_of(text.begin(), text.end(), is_upper);
}

std::vector<Fault> check(const Config& config, const Places& places) {
  std::vector<Fault> faults = Checker(config, places).run();
  for (auto* const more : {&check_upstreams, &check_routes, &check_redis}) {
    for (Fault& fault : more(config, places)) faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace sluice::server
