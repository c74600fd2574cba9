// Upstream's addresses: literals at once, names from the resolver, again and again.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/relay/upstream.h"

namespace sluice::relay {
namespace {

constexpr Millis kAskAgain{1'000};

}  // namespace

void Upstream::add_literals() {
  for (std::size_t i = 0; i < urls_.size(); ++i) {
    if (const auto address = net::SocketAddress::parse(urls_[i].host, urls_[i].port)) {
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
    log::warning("upstream {}: {}", options_.name, last_error_);
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
