// Upstream's addresses: literals at once, names from the resolver, again and again.
#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/relay/upstream.h"

namespace sluice::relay {
namespace {

constexpr Millis kAskAgain{1'000};

}  // namespace

Result<UpstreamUrl> parse_upstream_url(std::string_view text) {
  UpstreamUrl url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.is_tls = true;
    url.port = 443;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return fail(Errc::invalid,
                fmt::format("\"{}\" is no upstream's URL, as in \"http://127.0.0.1:9000\"", text));
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ \\") != std::string_view::npos) {
    return fail(Errc::invalid,
                fmt::format("\"{}\" has more than scheme, host and port; a path is changed by "
                            "strip_prefix and rewrite",
                            text));
  }
  url.authority = rest;
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return fail(Errc::invalid, fmt::format("\"{}\" names no host", text));
  url.host = host;
  if (colon == std::string_view::npos) return url;
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc{} || end != port.data() + port.size() || url.port == 0) {
    return fail(Errc::invalid, fmt::format("\"{}\" has no port from 1 to 65535", text));
  }
  return url;
}

void Upstream::add_literals() {
  for (std::size_t i = 0; i < urls_.size(); ++i) {
    if (const auto address = net::parse_address(urls_[i].host, urls_[i].port)) {
      endpoints_.push_back(std::make_unique<Endpoint>(*this, *address, i));
    } else {
      names_.push_back({.url = i});
    }
  }
}

bool Upstream::is_resolving() const {
  return std::any_of(names_.begin(), names_.end(), [](const Name& one) { return one.is_asked; });
}

/// Something may have moved: they are asked again, but not for each call that fails.
void Upstream::names_are_old() {
  const TimePoint due = setting_.loop.now() + kAskAgain - options_.resolve_interval;
  for (Name& name : names_) name.asked_at = std::min(name.asked_at, due);
}

void Upstream::resolve_names() {
  const TimePoint now = setting_.loop.now();
  for (Name& name : names_) {
    if (name.is_asked || now < name.asked_at + options_.resolve_interval) continue;
    name.is_asked = true;
    name.asked_at = now;
    const UpstreamUrl& url = urls_[name.url];
    setting_.resolver.resolve(url.host, url.port,
                              [this, self = self_, post = setting_.post,
                               at = name.url](Result<std::vector<net::SocketAddress>> addresses) {
                                post([this, self, at, addresses = std::move(addresses)] {
                                  if (*self != nullptr) resolved(at, addresses);
                                });
                              });
  }
}

void Upstream::resolved(std::size_t url, const Result<std::vector<net::SocketAddress>>& addresses) {
  const auto name =
      std::find_if(names_.begin(), names_.end(), [&](const Name& one) { return one.url == url; });
  name->is_asked = false;
  if (addresses) {
    replace_addresses(url, *addresses);
  } else {
    // The old addresses, if there are any, are better than none.
    counters_.resolve_failures.add();
    last_error_ = fmt::format("{}: {}", urls_[url].host, addresses.error().what);
    log::warn("upstream {}: {}", options_.name, last_error_);
    names_are_old();
  }
  if (waiting_.empty()) return;
  if (endpoints_.empty() && !is_resolving()) return doom_all(Failure::connect, last_error_);
  dial_for_waiting();
}

void Upstream::replace_addresses(std::size_t url, std::span<const net::SocketAddress> addresses) {
  const auto is_named = [&](const Endpoint& endpoint) {
    return std::any_of(addresses.begin(), addresses.end(), [&](const net::SocketAddress& one) {
      return one.to_string() == endpoint.name();
    });
  };
  for (const auto& endpoint : endpoints_) {
    if (endpoint->url() != url || endpoint->is_retired || is_named(*endpoint)) continue;
    endpoint->retire();
    has_retired_ = true;
  }
  for (const net::SocketAddress& address : addresses) {
    const std::string name = address.to_string();
    const bool is_known =
        std::any_of(endpoints_.begin(), endpoints_.end(), [&](const auto& endpoint) {
          return !endpoint->is_retired && endpoint->url() == url && endpoint->name() == name;
        });
    if (!is_known) endpoints_.push_back(std::make_unique<Endpoint>(*this, address, url));
  }
}

}  // namespace sluice::relay
