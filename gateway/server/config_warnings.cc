#include "gateway/server/config_warnings.h"

#include <algorithm>
#include <functional>
#include <string>

#include <fmt/format.h>

#include "gateway/relay/path.h"
#include "gateway/relay/route_match.h"

namespace sluice::server {
namespace {

using relay::RouteOptions;

bool is_guarded(const RouteAccess& access) {
  return access.token == TokenUse::required || !access.call.url.empty();
}

/// They may have a host in common.
bool overlap(const std::string& one, const std::string& other) {
  const auto example = [](const std::string& pattern) {
    return pattern.starts_with("*.") ? "x" + pattern.substr(1) : pattern;
  };
  return relay::match_host(one, example(other)) || relay::match_host(other, example(one));
}

template <class Fits>
bool have_common(const std::vector<std::string>& one, const std::vector<std::string>& other,
                 Fits fits) {
  if (one.empty() || other.empty()) return true;
  return std::any_of(one.begin(), one.end(), [&](const std::string& each) {
    return std::any_of(other.begin(), other.end(),
                       [&](const std::string& more) { return fits(each, more); });
  });
}

/// All requests for `path` that come so far.
bool takes_all_of(const RouteOptions& route, const std::string& path) {
  return relay::match_path(route.path, path) && route.hosts.empty() && route.methods.empty() &&
         route.match_headers.empty();
}

/// The first route that takes what `guarded` would, were it for `path`; none, or one that asks for
/// a token too: nothing to say.
const RouteOptions* way_round(const RelayOptions& relay, std::size_t guarded,
                              const std::string& path) {
  const RouteOptions& meant = relay.routes[guarded];
  for (std::size_t i = 0; i < relay.routes.size(); ++i) {
    const RouteOptions& other = relay.routes[i];
    if (is_guarded(relay.access[i])) {
      if (takes_all_of(other, path)) return nullptr;
      continue;
    }
    if (other.upstream == meant.upstream && relay::match_path(other.path, path) &&
        have_common(other.hosts, meant.hosts, overlap) &&
        have_common(other.methods, meant.methods, std::equal_to<>())) {
      return &other;
    }
  }
  return nullptr;
}

/// A route was to go there, and goes elsewhere.
void warn_of_unused(const Config& config, const Places& places, std::vector<Fault>& warnings) {
  const RelayOptions& relay = config.relay;
  for (std::size_t i = 0; i < relay.upstreams.size(); ++i) {
    const std::string key = fmt::format("upstream[{}]", i);
    const bool is_used =
        !places.contains(key) ||
        std::any_of(relay.routes.begin(), relay.routes.end(),
                    [&](const RouteOptions& route) { return route.upstream == i; }) ||
        std::any_of(relay.access.begin(), relay.access.end(), [&](const RouteAccess& access) {
          return !access.call.url.empty() && access.call.upstream == i;
        });
    if (is_used) continue;
    const Place place = place_of(places, {key});
    warnings.push_back(
        {config.file, place.line, place.column,
         fmt::format("warning: {}: no [[route]] goes to \"{}\"", key, relay.upstreams[i].name)});
  }
}

/// Each instance's window keeps to them; Redis, where clients from afar read, does not.
void warn_of_retention(const Config& config, const Places& places, std::vector<Fault>& warnings) {
  if (config.history.journal != Journal::redis) return;
  for (std::size_t i = 0; i < config.hub.rules.size(); ++i) {
    if (!config.hub.rules[i].has_retention()) continue;
    const std::string table = fmt::format("topic[{}]", i);
    const Place place =
        place_of(places, {table + ".max_events", table + ".max_bytes", table + ".max_age", table});
    warnings.push_back(
        {config.file, place.line, place.column,
         fmt::format(
             "warning: {}: the Redis journal keeps every topic as long as history.max_events, "
             "max_bytes and max_age say: clients that come back can be given more of \"{}\" "
             "than this [[topic]] allows. Publish it with a ttl instead, or give it a hub of "
             "its own",
             table, config.hub.rules[i].match)});
  }
}

}  // namespace

std::vector<Fault> warnings_of(const Config& config, const Places& places) {
  std::vector<Fault> warnings;
  warn_of_unused(config, places, warnings);
  warn_of_retention(config, places, warnings);
  const RelayOptions& relay = config.relay;
  for (std::size_t i = 0; i < relay.routes.size(); ++i) {
    const std::string& path = relay.routes[i].path;
    const bool is_exact = !relay::is_prefix_pattern(path) && !path.ends_with('/');
    if (!is_exact || !is_guarded(relay.access[i])) continue;
    const RouteOptions* other = way_round(relay, i, path + '/');
    if (other == nullptr) continue;
    const std::string key = fmt::format("route[{}].path", i);
    const Place place = place_of(places, {key, fmt::format("route[{}]", i)});
    warnings.push_back(
        {config.file, place.line, place.column,
         fmt::format("warning: {}: \"{}\" asks who it is, but \"{}/\" goes unasked by \"{}\", and "
                     "many applications serve both as one page; make the path \"{}*\", or guard "
                     "everything that is not meant for all",
                     key, path, path, other->path, path)});
  }
  return warnings;
}

}  // namespace sluice::server
