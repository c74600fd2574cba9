#include "gateway/relay/upstream.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"

namespace sluice::relay {
namespace {

constexpr Millis kPatienceStep{100};
/// Between two tries of an address while all rest.
constexpr Millis kTryInterval{100};

}  // namespace

Upstream::Upstream(const UpstreamOptions& options, Setting setting)
    : options_(options),
      setting_(std::move(setting)),
      h1_{.options = {}, .clock = setting_.loop.clock()},
      self_(std::make_shared<Upstream*>(this)),
      speaks_(options.wire == Wire::h2 ? Speaks::h2 : Speaks::h1),
      patience_(setting_.loop, [this] { expire_waiting(); }) {
  h1_.options.idle_timeout = options.idle_timeout;
  h1_.options.unpaid_bytes = options.window;
  h2_.stream_window = options.window;
  for (const std::string& text : options.urls) {
    auto url = parse_upstream_url(text);
    SLUICE_ASSERT(url.has_value(), "an upstream's URL was not checked");
    urls_.push_back(std::move(*url));
  }
  if (setting_.tls != nullptr && options.wire == Wire::any) speaks_ = Speaks::unknown;
  add_literals();
}

Upstream::~Upstream() {
  *self_ = nullptr;
}

// --- Calls --------------------------------------------------------------------------------------

void Upstream::place(UpstreamCall& call) {
  resolve_names();
  if (endpoints_.empty()) {
    if (is_resolving()) return wait(call);
    return doom(call, Failure::connect, last_error_);
  }
  // Who came first goes first.
  if (waiting_.empty()) {
    Endpoint* endpoint = choose();
    if (endpoint != nullptr && endpoint->ready() != nullptr) {
      return send(call, *endpoint, *endpoint->ready());
    }
    if (endpoint == nullptr && !is_resolving()) return doom(call, Failure::connect, last_error_);
  }
  wait(call);
}

void Upstream::send(UpstreamCall& call, Endpoint& endpoint, http::Client& client) {
  UpstreamCall::Pending& pending = *call.pending_;
  pending.is_reused = client.calls_made() > 0;
  pending.has_given = false;
  call.endpoint_ = &endpoint;
  ++turn_;
  ++endpoint.calls;
  counters_.calls.add();
  call.call_ = &client.call(pending.request, call);
  endpoint.used(client);
}

void Upstream::wait(UpstreamCall& call) {
  if (waiting_size_ >= options_.max_waiting) {
    return doom(call, Failure::busy, "too many requests wait for a connection");
  }
  call.pending_->since = setting_.loop.now();
  waiting_.push_back(*call.pending_);
  ++waiting_size_;
  counters_.waiting.set(static_cast<std::int64_t>(waiting_size_));
  if (!patience_.is_running()) patience_.start_periodic(kPatienceStep);
  dial_for_waiting();
}

void Upstream::unwait(UpstreamCall& call) {
  const bool is_doomed = call.pending_->is_doomed;
  call.pending_->unlink();
  if (is_doomed) return;
  --waiting_size_;
  if (called_in_ > 0) --called_in_;
  counters_.waiting.set(static_cast<std::int64_t>(waiting_size_));
}

void Upstream::doom(UpstreamCall& call, Failure failure, std::string what) {
  if (call.pending_->is_linked()) unwait(call);
  call.pending_->is_doomed = true;
  call.pending_->failure = failure;
  call.pending_->what = std::move(what);
  doomed_.push_back(*call.pending_);
}

void Upstream::doom_all(Failure failure, const std::string& what) {
  while (!waiting_.empty()) doom(waiting_.front().call, failure, what);
}

/// What a callback of one does to others is done by this very loop.
void Upstream::tend() {
  while (!doomed_.empty()) {
    UpstreamCall& call = doomed_.pop_front().call;
    const std::unique_ptr<UpstreamCall::Pending> pending = std::move(call.pending_);
    call.on_broken({.failure = pending->failure, .what = pending->what});
  }
  if (is_short_) call_in_spares();
  if (!has_retired_) return;
  std::erase_if(endpoints_, [](const std::unique_ptr<Endpoint>& endpoint) {
    return endpoint->is_retired && endpoint->connections == 0 && endpoint->dialing == 0 &&
           endpoint->calls == 0;
  });
  has_retired_ = std::any_of(endpoints_.begin(), endpoints_.end(),
                             [](const auto& endpoint) { return endpoint->is_retired; });
}

void Upstream::offer(SpareCall& spare) {
  spares_.push_back(spare);
  is_short_ = !waiting_.empty();
}

void Upstream::call_in_spares() {
  is_short_ = false;
  if (connections_in_all() < options_.max_connections) return;
  const Endpoint* const endpoint = choose();
  if (endpoint == nullptr || endpoint->is_shut()) return;
  std::size_t waiting_spares = 0;
  spares_.for_each([&](const SpareCall& spare) { waiting_spares += spare.is_waiting() ? 1U : 0U; });
  if (waiting_size_ == waiting_spares) return;  // For each other they give no way.
  const auto give_way = [this](SpareCall& spare) {
    const bool has_given = spare.give_way();
    if (has_given) counters_.given_way.add();
    return has_given;
  };
  spares_.for_each([&](SpareCall& spare) {
    if (spare.is_waiting()) give_way(spare);
  });
  const std::size_t coming = dialing_in_all() * std::max<std::size_t>(calls_each(), 1);
  spares_.for_each([&](SpareCall& spare) {
    if (!spare.has_room() || called_in_ + coming >= waiting_size_) return;
    ++called_in_;  // Before: somebody may be sent from inside, who waits no more.
    if (!give_way(spare)) --called_in_;
  });
}

void Upstream::call_ended(Endpoint& endpoint) {
  --endpoint.calls;
  counters_.calls.sub();
}

void Upstream::failed_early(Endpoint& endpoint, std::string_view what) {
  endpoint.broke(setting_.loop.now(), backoff(), std::string(what));
}

void Upstream::room_at(Endpoint& endpoint) {
  while (!waiting_.empty() && endpoint.ready() != nullptr) {
    UpstreamCall& call = waiting_.front().call;
    unwait(call);
    send(call, endpoint, *endpoint.ready());
  }
  if (waiting_.empty()) patience_.stop();
}

void Upstream::connection_gone(Endpoint& endpoint) {
  --endpoint.connections;
  counters_.connections.sub();
  if (!waiting_.empty()) dial_for_waiting();
}

void Upstream::expire_waiting() {
  const TimePoint now = setting_.loop.now();
  while (!waiting_.empty() && now - waiting_.front().since >= options_.connect_timeout) {
    give_up(waiting_.front().call);
  }
  if (waiting_.empty()) {
    patience_.stop();
  } else {
    dial_for_waiting();
  }
}

/// After connect_timeout. Whether there is nothing to be had, or only nothing left, is not the same
/// to who reads the log.
void Upstream::give_up(UpstreamCall& call) {
  const std::string time = format_duration(options_.connect_timeout);
  const bool is_shut = std::any_of(endpoints_.begin(), endpoints_.end(),
                                   [](const auto& one) { return one->is_shut(); });
  if (is_shut) {
    return doom(call, Failure::busy,
                fmt::format("the upstream has taken no requests for {} "
                            "(SETTINGS_MAX_CONCURRENT_STREAMS 0)",
                            time));
  }
  if (dialing_in_all() == 0 && connections_in_all() >= options_.max_connections) {
    return doom(call, Failure::busy,
                fmt::format("all {} connections were in use for {} (max_connections)",
                            options_.max_connections, time));
  }
  doom(call, Failure::timeout, fmt::format("no connection within {}", time));
}

/// What one connection is told of the server, the next one need not find out by refusals.
void Upstream::learn(const http::Client& client) {
  if (speaks_ == Speaks::h2) h2_.assumed_streams = client.call_limit();
}

// --- Connections --------------------------------------------------------------------------------

/// The one with the fewest calls of those that are well; else of those that rest and are there;
/// else the one whose rest ends first, now and then.
Endpoint* Upstream::choose() const {
  const TimePoint now = setting_.loop.now();
  // Where there can be no more connections, those that have room count first.
  const bool is_full = connections_in_all() >= options_.max_connections;
  const auto is_better = [is_full](Endpoint& one, Endpoint* than) {
    if (than == nullptr) return true;
    const bool has_room = is_full && one.ready() != nullptr;
    const bool had_room = is_full && than->ready() != nullptr;
    if (has_room != had_room) return has_room;
    return one.calls + one.dialing < than->calls + than->dialing;
  };
  Endpoint* best = nullptr;
  Endpoint* shut = nullptr;
  Endpoint* resting = nullptr;
  Endpoint* soonest = nullptr;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    Endpoint* one = endpoints_[(turn_ + i) % endpoints_.size()].get();
    if (one->is_retired) continue;
    if (soonest == nullptr || one->rests_until() < soonest->rests_until()) soonest = one;
    if (!one->is_well(now)) {
      if (one->is_there() && is_better(*one, resting)) resting = one;
      continue;
    }
    if (one->is_shut() && one->ready() == nullptr) {
      shut = one;
      continue;
    }
    if (is_better(*one, best)) best = one;
  }
  if (best == nullptr) best = shut;
  if (best == nullptr) best = resting;
  if (best != nullptr || soonest == nullptr) return best;
  const bool may_try = soonest->dialing > 0 || now - soonest->last_try >= kTryInterval;
  return may_try ? soonest : nullptr;
}

std::size_t Upstream::connections_in_all() const {
  std::size_t sum = 0;
  for (const auto& one : endpoints_) sum += one->connections + one->dialing;
  return sum;
}

/// What a new connection will carry, as far as is known; 0: it is not.
std::size_t Upstream::calls_each() const {
  if (speaks_ == Speaks::unknown) return 0;
  return speaks_ == Speaks::h2 ? h2_.assumed_streams : 1;
}

std::size_t Upstream::dialing_in_all() const {
  std::size_t sum = 0;
  for (const auto& one : endpoints_) sum += one->dialing;
  return sum;
}

/// As many connections as those who wait will need. One, as long as it is not known whether it will
/// carry one call or a hundred, or any.
void Upstream::dial_for_waiting() {
  const std::size_t each = calls_each();
  const std::size_t needed = each > 0 ? (waiting_size_ + each - 1) / each : 1;
  std::size_t all = connections_in_all();
  for (std::size_t coming = dialing_in_all(); coming < needed; ++coming, ++all) {
    if (waiting_.empty()) return;
    if (all >= options_.max_connections) {
      is_short_ = true;
      return;
    }
    Endpoint* endpoint = choose();
    if (endpoint == nullptr || endpoint->is_shut()) return;
    // A resting address is tried by one connection.
    const bool is_trial = !endpoint->is_well(setting_.loop.now()) && !endpoint->is_there();
    if (is_trial && endpoint->dialing > 0) return;
    dial(*endpoint);
  }
}

void Upstream::dial(Endpoint& endpoint) {
  ++endpoint.dialing;
  endpoint.last_try = setting_.loop.now();
  counters_.connects.add();
  const UpstreamUrl& url = urls_[endpoint.url()];
  setting_.connections.dial(
      {.address = endpoint.address(),
       .tls = setting_.tls,
       .server_name = options_.server_name.empty() ? url.host : options_.server_name,
       .timeout = options_.connect_timeout,
       .opened =
           [this, self = self_, &endpoint](Transport& transport, std::string_view alpn) {
             return *self == nullptr ? nullptr : opened(endpoint, transport, alpn);
           },
       .failed =
           [this, self = self_, &endpoint](const net::DialFailure& failure) {
             if (*self != nullptr) dial_failed(endpoint, failure);
           }});
}

std::unique_ptr<Protocol> Upstream::opened(Endpoint& endpoint, Transport& transport,
                                           std::string_view alpn) {
  --endpoint.dialing;
  ++endpoint.connections;
  endpoint.takes_connections = true;
  counters_.connections.add();
  const bool is_h2 = setting_.tls == nullptr ? options_.wire == Wire::h2 : alpn == "h2";
  speaks_ = is_h2 ? Speaks::h2 : Speaks::h1;
  std::unique_ptr<http::Client> client;
  if (is_h2) {
    client = std::make_unique<h2::ClientSession>(
        transport, endpoint,
        h2::ClientSession::Setting{.options = h2_,
                                   .counters = h2_counters_,
                                   .clock = setting_.loop.clock(),
                                   .memory = setting_.memory.h2});
  } else {
    client = make_in<h1::ClientSession>(setting_.memory.h1_sessions, transport, endpoint, h1_);
  }
  endpoint.on_change(*client);
  // It may now be known that one connection is not enough.
  if (!waiting_.empty()) dial_for_waiting();
  return client;
}

void Upstream::dial_failed(Endpoint& endpoint, const net::DialFailure& failure) {
  --endpoint.dialing;
  counters_.connect_failures.add();
  last_error_ = fmt::format("{}: {}", endpoint.name(), failure.what);
  if (failure.error == net::DialError::descriptors) {
    // Another try now would fail as this one. What is open may still serve who waits.
    if (dialing_in_all() == 0) doom_all(Failure::busy, last_error_);
    return;
  }
  const TimePoint now = setting_.loop.now();
  endpoint.takes_connections = false;
  endpoint.failed(now, backoff(), failure.what);
  names_are_old();
  const bool is_other_there =
      std::any_of(endpoints_.begin(), endpoints_.end(), [&](const auto& one) {
        return one.get() != &endpoint && !one->is_retired && (one->is_well(now) || one->is_there());
      });
  if (is_other_there) return dial_for_waiting();
  if (dialing_in_all() > 0 || is_resolving()) return;  // Somebody may be there yet.
  doom_all(failure.error == net::DialError::timeout ? Failure::timeout : Failure::connect,
           last_error_);
}

void Upstream::probe(std::function<void(bool)> answer) {
  Endpoint* endpoint = choose();
  // The callbacks of a dial never come from inside it; what needs no dial waits for the turn's end.
  if (endpoint == nullptr || endpoint->ready() != nullptr || endpoint->is_shut()) {
    const bool is_there = endpoint != nullptr;
    setting_.post([self = self_, is_there, answer = std::move(answer)] {
      if (*self != nullptr) answer(is_there);
    });
    return;
  }
  ++endpoint->dialing;
  endpoint->last_try = setting_.loop.now();
  const auto heard = std::make_shared<std::function<void(bool)>>(std::move(answer));
  const UpstreamUrl& url = urls_[endpoint->url()];
  setting_.connections.dial(
      {.address = endpoint->address(),
       .tls = setting_.tls,
       .server_name = options_.server_name.empty() ? url.host : options_.server_name,
       .timeout = options_.connect_timeout,
       .opened = [this, self = self_, endpoint, heard](
                     Transport& transport, std::string_view alpn) -> std::unique_ptr<Protocol> {
         if (*self == nullptr) return nullptr;
         auto protocol = opened(*endpoint, transport, alpn);
         (*heard)(true);
         return protocol;
       },
       .failed =
           [this, self = self_, endpoint, heard](const net::DialFailure& failure) {
             if (*self == nullptr) return;
             dial_failed(*endpoint, failure);
             (*heard)(false);
           }});
}

std::vector<Upstream::Address> Upstream::addresses() const {
  std::vector<Address> all;
  for (const auto& one : endpoints_) {
    if (one->is_retired) continue;
    all.push_back({.name = one->name(),
                   .connections = one->connections,
                   .calls = one->calls,
                   .health = one->health(),
                   .rests_until = one->rests_until()});
  }
  return all;
}

}  // namespace sluice::relay
