#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/h1/target.h"
#include "gateway/relay/path.h"
#include "gateway/server/config_relay.h"
#include "gateway/server/config_table_check.h"

namespace sluice::server {
namespace {

using relay::RouteOptions;

bool has_wildcard(std::string_view path) {
  return path.ends_with('*');
}

std::string_view fixed_part(std::string_view path) {
  return has_wildcard(path) ? path.substr(0, path.size() - 1) : path;
}

/// Of a route: begins with '/', a '*' at its end at most, and what a request's path may hold.
bool is_path_pattern(std::string_view text) {
  const std::string_view fixed = fixed_part(text);
  return fixed.starts_with('/') && std::all_of(fixed.begin(), fixed.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte > 0x20 && byte < 0x7f && c != '*' && c != '?' && c != '#' && c != '\\';
         });
}

/// "app.example", "*.app.example", "[::1]".
bool is_host_pattern(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.starts_with('[')) {
    return text.size() > 3 && text.ends_with(']') &&
           std::all_of(text.begin() + 1, text.end() - 1,
                       [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; });
  }
  return !text.empty() && text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '.' || c == '_';
  });
}

bool takes_host(std::string_view pattern, std::string_view other) {
  if (pattern == other) return true;
  return pattern.starts_with("*.") && other.size() > pattern.size() - 1 &&
         other.ends_with(pattern.substr(1));
}

/// Every element of `inner` is one of `outer`, of which none means all.
template <class Fits>
bool takes_all(const std::vector<std::string>& outer, const std::vector<std::string>& inner,
               Fits fits) {
  if (outer.empty()) return true;
  return !inner.empty() && std::all_of(inner.begin(), inner.end(), [&](const std::string& each) {
    return std::any_of(outer.begin(), outer.end(),
                       [&](const std::string& pattern) { return fits(pattern, each); });
  });
}

/// No request that fits `later` does not fit `earlier`.
bool hides(const RouteOptions& earlier, const RouteOptions& later) {
  const bool is_path_taken = has_wildcard(earlier.path)
                                 ? fixed_part(later.path).starts_with(fixed_part(earlier.path))
                                 : earlier.path == later.path;
  const auto is_header_taken = [&](const http::Field& field) {
    const std::string* other = later.match_headers.find(field.name);
    return other != nullptr && (field.value == "*" || field.value == *other);
  };
  return is_path_taken && takes_all(earlier.hosts, later.hosts, takes_host) &&
         takes_all(earlier.methods, later.methods, std::equal_to<>()) &&
         std::all_of(earlier.match_headers.begin(), earlier.match_headers.end(), is_header_taken);
}

bool has_method(const RouteOptions& route, std::string_view method) {
  return route.methods.empty() ||
         std::find(route.methods.begin(), route.methods.end(), method) != route.methods.end();
}

class RouteCheck final : TableCheck {
 public:
  using TableCheck::TableCheck;

  std::vector<Fault> run() {
    for (std::size_t i = 0; i < config_.relay.routes.size(); ++i) {
      look_at(fmt::format("route[{}]", i));
      const RouteOptions& route = config_.relay.routes[i];
      check_match(route, i);
      check_target(route);
      check_streams(route);
      check_token(config_.relay.access[i]);
      check_call(config_.relay.access[i]);
      check_cors(config_.relay.access[i]);
    }
    check_names();
    return std::move(faults_);
  }

 private:
  void check_prefix(const std::string& pattern);
  void check_match(const RouteOptions& route, std::size_t index);
  void check_reachable(const RouteOptions& route, std::size_t index);
  void check_target(const RouteOptions& route);
  void check_strip(const RouteOptions& route);
  void check_streams(const RouteOptions& route);
  void check_token(const RouteAccess& access);
  void check_call(const RouteAccess& access);
  void check_cors(const RouteAccess& access);
  void check_names();
};

/// Requests with such paths are refused wherever a route takes more than one path.
void RouteCheck::check_prefix(const std::string& pattern) {
  const std::string path = relay::canonical_path(fixed_part(pattern));
  if (relay::has_escaped_slash(path)) {
    fault("path", fmt::format("\"{}\" takes nothing: what has an escaped slash there is refused; "
                              "write it as a slash, or the whole path without '*'",
                              pattern));
  } else if (relay::is_ambiguous(path)) {
    fault("path",
          fmt::format("\"{}\" takes nothing: a path with a dot segment is refused", pattern));
  }
}

void RouteCheck::check_match(const RouteOptions& route, std::size_t index) {
  if (route.path.empty()) {
    if (is_given("path")) return;  // It is at fault, and that is told.
    fault_of_table(
        "this [[route]] has no path; add one, as in path = \"/app/*\", or \"/*\" for all");
    return;
  }
  if (!is_path_pattern(route.path)) {
    fault("path", fmt::format("\"{}\" is not a path, as in \"/app\", or \"/app/*\" for all that "
                              "begins so; a '*' stands at the end only",
                              route.path));
  } else if (has_wildcard(route.path)) {
    check_prefix(route.path);
  }
  for (const std::string& host : route.hosts) {
    if (is_host_pattern(host)) continue;
    fault("hosts",
          fmt::format("\"{}\" is not a host without scheme and port, as in \"app.example\" "
                      "or \"*.app.example\"",
                      host));
  }
  check_reachable(route, index);
}

void RouteCheck::check_reachable(const RouteOptions& route, std::size_t index) {
  for (std::size_t i = 0; i < index; ++i) {
    const RouteOptions& earlier = config_.relay.routes[i];
    if (earlier.path.empty() || !hides(earlier, route)) continue;
    const Place other = place_of(places_, {fmt::format("route[{}]", i)});
    // Where each hides the other, their order is not what is wrong.
    const std::string_view advice = hides(route, earlier)
                                        ? ", and this one all of that one's; one is too many"
                                        : "; put this one before it";
    fault("path",
          fmt::format("\"{}\" is never reached: the [[route]] of line {}, \"{}\", takes all "
                      "of its requests{}",
                      route.path, other.line, earlier.path, advice));
    return;
  }
}

void RouteCheck::check_strip(const RouteOptions& route) {
  const std::string& given = route.strip_prefix;
  const std::string strip = given.ends_with('/') ? given.substr(0, given.size() - 1) : given;
  const std::string_view fixed = fixed_part(route.path);
  if (!route.rewrite.empty()) {
    fault("strip_prefix", "a route has strip_prefix or rewrite, not both");
  } else if (!strip.starts_with('/')) {
    fault("strip_prefix",
          fmt::format("\"{}\" is not the beginning of a path, as in \"/app\"", given));
  } else if (fixed != strip && !fixed.starts_with(strip + "/")) {
    fault("strip_prefix",
          fmt::format("\"{}\" is not what the path, \"{}\", begins with", given, route.path));
  } else if (strip != given) {
    fault("strip_prefix", fmt::format("\"{}\" ends with a '/'; write \"{}\"", given, strip));
  } else if (fixed == strip && has_wildcard(route.path)) {
    fault("strip_prefix",
          fmt::format("\"{}\" would cut names in two; make the path \"{}/*\"", strip, strip));
  }
}

void RouteCheck::check_target(const RouteOptions& route) {
  if (!route.strip_prefix.empty() && !route.path.empty()) check_strip(route);
  if (!route.host.empty() && !h1::is_authority(route.host)) {
    fault("host", fmt::format("\"{}\" is not a host, as in \"app.example\" or "
                              "\"app.internal:8080\"",
                              route.host));
  }
  if (route.rewrite.empty()) return;
  if (!is_path_pattern(route.rewrite)) {
    fault("rewrite",
          fmt::format("\"{}\" is not a path, as in \"/v2\" or \"/v2/*\"", route.rewrite));
  } else if (has_wildcard(route.rewrite) && !has_wildcard(route.path)) {
    fault("rewrite", fmt::format("\"{}\" has a '*', and the path, \"{}\", has none to fill it with",
                                 route.rewrite, route.path));
  }
}

void RouteCheck::check_streams(const RouteOptions& route) {
  if (route.min_retry > route.max_retry) {
    fault("min_retry",
          fmt::format("{} is more than max_retry, {}", format_duration(route.min_retry),
                      format_duration(route.max_retry)));
  }
  const Millis head = route.first_byte_timeout;
  if (head > Millis(0) && route.early_after >= head) {
    fault("early_after",
          fmt::format("{} is not less than first_byte_timeout, {}: it would never come",
                      format_duration(route.early_after), format_duration(head)));
  }
  const bool is_kept = route.share.enabled || route.replay.enabled;
  if (route.on_disconnect == relay::OnDisconnect::linger && !route.replay.enabled) {
    fault("on_disconnect", "\"linger\" needs a `replay`: nothing would be kept for the client");
  }
  need(is_kept, "`share` or `replay`", {"slow", "max_event_bytes", "on_end"});
  if (route.share.enabled && !has_method(route, "GET")) {
    fault("share", "only answers to GET can be shared, and `methods` has no GET");
  }
  if (route.replay.post && !has_method(route, "POST")) {
    fault("replay.post", "`methods` has no POST");
  }
  if (route.replay.post && !has_method(route, "GET")) {
    fault("replay.post", "clients come back by GET, and `methods` has no GET");
  }
  if (route.share.late != relay::LateJoiner::events && is_given("share.late_events")) {
    fault("share.late_events", "is of no use without late = \"events\"");
  }
  if (is_kept && route.max_event_bytes > route.replay.bytes) {
    fault(route.replay.enabled ? "replay" : "max_event_bytes",
          fmt::format("replay.bytes, {}, does not hold one event of max_event_bytes, {}",
                      format_size(route.replay.bytes), format_size(route.max_event_bytes)));
  }
}

void RouteCheck::check_token(const RouteAccess& access) {
  const bool is_on = access.token != TokenUse::off;
  need(is_on, "token = \"required\" or \"optional\"", {"keys", "claims", "pass_token"});
  const HubAccess& hub = config_.access;
  const bool has_keys =
      access.has_own_keys() || !hub.subscriber_keys.empty() || !hub.subscriber_jwks.empty();
  if (is_on && !has_keys && !is_given("keys")) {
    fault("token",
          "there is no key to verify tokens with: give the route `keys`, or "
          "hub.subscriber_keys");
  }
}

void RouteCheck::check_call(const RouteAccess& access) {
  const AuthCallOptions& call = access.call;
  need(!call.url.empty(), "auth_url",
       {"auth_headers", "auth_copy", "auth_timeout", "auth_cache_entries"});
}

void RouteCheck::check_cors(const RouteAccess& access) {
  const bool is_own = access.cors_by == CorsBy::gateway;
  need(is_own, "cors = \"own\"", {"cors_origins", "cors_expose", "cors_max_age"});
  if (is_own && access.cors.origins.empty()) {
    fault("cors", "\"own\" needs `cors_origins`");
  }
  for (const std::string& origin : access.cors.origins) {
    if (origin == "*" || is_origin(origin)) continue;
    fault("cors_origins",
          fmt::format("\"{}\" is not an origin, as in \"https://app.example\"", origin));
  }
}

/// Metrics and logs tell routes by name.
void RouteCheck::check_names() {
  std::map<std::string_view, std::size_t> names;
  const auto& routes = config_.relay.routes;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    look_at(fmt::format("route[{}]", i));
    const auto [other, is_new] = names.emplace(routes[i].name, i);
    if (!is_new) fault("name", fmt::format("there is another [[route]] \"{}\"", other->first));
  }
}

}  // namespace

std::vector<Fault> check_routes(const Config& config, const Places& places) {
  return RouteCheck(config, places).run();
}

}  // namespace sluice::server
