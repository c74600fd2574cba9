#include "gateway/server/config_relay.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/relay/upstream_url.h"
#include "gateway/server/spelling.h"

namespace sluice::server {
namespace {

using relay::UpstreamOptions;

bool is_url(std::string_view text) {
  return text.find("://") != text.npos;
}

/// "http://host:1/a/b?c" at the '/' behind the authority.
std::pair<std::string, std::string> split_url(const std::string& url) {
  const std::size_t authority = url.find("://");
  const std::size_t end =
      authority == url.npos ? url.npos : url.find_first_of("/?#", authority + 3);
  if (end == url.npos) return {url, ""};
  return {url.substr(0, end), url.substr(end)};
}

class Setter {
 public:
  Setter(const Places& places, Config& config)
      : places_(places), config_(config), named_(config.relay.upstreams.size()) {}

  void set(Route route, std::size_t index);
  std::vector<Fault> faults() { return std::move(faults_); }

 private:
  void fault(std::initializer_list<std::string_view> keys, std::string message) {
    const Place place = place_of(places_, keys);
    faults_.push_back({config_.file, place.line, place.column, std::move(message)});
  }
  /// Index of the upstream, or none after a fault.
  std::optional<std::size_t> find(const Route& route, const std::string& table);
  std::optional<std::size_t> find_named(const std::string& name, const std::string& table);
  std::optional<std::size_t> find_or_add(std::vector<std::string> urls, relay::Wire wire,
                                         const std::string& key);
  void set_call(AuthCallOptions& call, const std::string& table);

  const Places& places_;
  Config& config_;
  const std::size_t named_;  ///< Upstreams that have a table; those behind are of URLs.
  std::vector<Fault> faults_;
};

void Setter::set(Route route, std::size_t index) {
  const std::string table = fmt::format("route[{}]", index);
  relay::RouteOptions& options = route.relay;
  options.upstream = find(route, table).value_or(0);
  for (std::string& host : options.hosts) host = to_lower(host);
  options.heartbeat_interval = route.heartbeat_interval.value_or(config_.heartbeat.interval);
  options.max_event_bytes =
      route.max_event_bytes.value_or(std::min(options.max_event_bytes, options.replay.bytes));
  options.on_disconnect = route.on_disconnect.value_or(
      options.replay.enabled ? relay::OnDisconnect::linger : relay::OnDisconnect::cancel);
  if (!route.access.call.url.empty()) set_call(route.access.call, table);
  config_.relay.routes.push_back(std::move(options));
  config_.relay.access.push_back(std::move(route.access));
}

std::optional<std::size_t> Setter::find(const Route& route, const std::string& table) {
  const std::string key = table + ".upstream";
  if (route.upstream.empty()) {
    fault({key, table},
          "this [[route]] has no upstream; add one, as in upstream = \"http://127.0.0.1:9000\"");
    return std::nullopt;
  }
  if (route.upstream.size() == 1 && !is_url(route.upstream.front())) {
    return find_named(route.upstream.front(), table);
  }
  return find_or_add(route.upstream, route.wire, key);
}

std::optional<std::size_t> Setter::find_named(const std::string& name, const std::string& table) {
  const std::string key = table + ".upstream";
  if (places_.contains(table + ".protocol")) {
    fault({table + ".protocol"},
          fmt::format("{}.protocol: belongs into the [[upstream]] \"{}\"", table, name));
  }
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < named_; ++i) {
    names.emplace_back(config_.relay.upstreams[i].name);
    if (names.back() == name) return i;
  }
  const std::string_view meant = nearest(name, names);
  fault({key}, fmt::format("{}: there is no [[upstream]] \"{}\"{}", key, name,
                           meant.empty() ? ", and a URL begins with http:// or https://"
                                         : fmt::format("; did you mean \"{}\"?", meant)));
  return std::nullopt;
}

std::optional<std::size_t> Setter::find_or_add(std::vector<std::string> urls, relay::Wire wire,
                                               const std::string& key) {
  for (std::string& url : urls) {
    if (!is_url(url) && urls.size() > 1) {
      fault({key},
            fmt::format("{}: \"{}\" is no URL, as in \"http://127.0.0.1:9000\"; several names "
                        "need an [[upstream]] with all `urls`",
                        key, url));
      return std::nullopt;
    }
    if (auto parsed = relay::parse_upstream_url(url); !parsed) {
      fault({key}, fmt::format("{}: {}", key, parsed.error().what));
      return std::nullopt;
    }
    if (url.ends_with('/')) url.pop_back();
  }
  auto& all = config_.relay.upstreams;
  const auto is_same = [&](const UpstreamOptions& each) {
    return each.urls == urls && each.wire == wire;
  };
  const auto found =
      std::find_if(all.begin() + static_cast<std::ptrdiff_t>(named_), all.end(), is_same);
  if (found != all.end()) return static_cast<std::size_t>(found - all.begin());
  UpstreamOptions made;
  made.name = fmt::format("{}", fmt::join(urls, ", "));
  if (wire != relay::Wire::any) made.name += wire == relay::Wire::h2 ? " (h2)" : " (http/1.1)";
  made.urls = std::move(urls);
  made.wire = wire;
  all.push_back(std::move(made));
  return all.size() - 1;
}

void Setter::set_call(AuthCallOptions& call, const std::string& table) {
  const std::string key = table + ".auth_url";
  const auto parts = split_url(call.url);
  const std::string& origin = parts.first;
  const std::string& rest = parts.second;
  if (rest.find('#') != rest.npos) {
    fault({key}, fmt::format("{}: \"{}\" has a '#', which is never sent", key, call.url));
    return;
  }
  const auto url = relay::parse_upstream_url(origin);
  if (!url) {
    fault({key}, fmt::format("{}: {}", key, url.error().what));
    return;
  }
  call.authority = url->authority;
  const std::size_t query = rest.find('?');
  call.path = rest.substr(0, query);
  if (call.path.empty()) call.path = "/";
  if (query != rest.npos) call.query = rest.substr(query + 1);
  const auto& all = config_.relay.upstreams;
  const auto has_it = [&](const UpstreamOptions& each) {
    return std::any_of(each.urls.begin(), each.urls.end(), [&](const std::string& other) {
      return other == origin || other == origin + "/";
    });
  };
  const auto named =
      std::find_if(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(named_), has_it);
  if (named != all.begin() + static_cast<std::ptrdiff_t>(named_)) {
    call.upstream = static_cast<std::size_t>(named - all.begin());
  } else {
    call.upstream = find_or_add({origin}, relay::Wire::any, key).value_or(0);
  }
}

}  // namespace

std::vector<Fault> set_routes(std::vector<Route> routes, const Places& places, Config& config) {
  Setter setter(places, config);
  for (std::size_t i = 0; i < routes.size(); ++i) setter.set(std::move(routes[i]), i);
  set_route_names(config.relay.routes);
  return setter.faults();
}

void set_route_names(std::vector<relay::RouteOptions>& routes) {
  std::set<std::string> taken;
  for (const auto& route : routes) taken.insert(route.name);
  for (auto& route : routes) {
    if (!route.name.empty()) continue;
    route.name = route.path;
    for (int n = 2; taken.contains(route.name); ++n)
      route.name = fmt::format("{} #{}", route.path, n);
    taken.insert(route.name);
  }
}

}  // namespace sluice::server
