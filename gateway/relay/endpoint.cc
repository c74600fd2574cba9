#include "gateway/relay/endpoint.h"

#include <algorithm>
#include <utility>

#include "gateway/base/random.h"
#include "gateway/base/units.h"
#include "gateway/relay/upstream.h"

namespace sluice::relay {

/// A server that lowers its limit and refuses calls in one breath is asked here before its
/// connection has told of the change.
http::Client* Endpoint::ready() {
  while (!ready_.empty() && !ready_.back()->can_call()) {
    http::Client& client = *ready_.back();
    ready_.pop_back();
    note_shut(client);
  }
  return ready_.empty() ? nullptr : ready_.back();
}

void Endpoint::on_change(http::Client& client) {
  note_shut(client);
  if (!client.can_call()) {
    forget(client);
    return;
  }
  keep(client);
  upstream_.room_at(*this);
  let_idle_go(upstream_.max_idle());
}

void Endpoint::on_gone(http::Client& client) {
  forget(client);
  std::erase(shut_, &client);
  upstream_.connection_gone(*this);
}

void Endpoint::note_shut(http::Client& client) {
  upstream_.learn(client);
  std::erase(shut_, &client);
  if (client.call_limit() > 0 || client.is_spent()) return;
  if (is_retired) return client.retire();
  shut_.push_back(&client);
}

void Endpoint::keep(http::Client& client) {
  if (std::find(ready_.begin(), ready_.end(), &client) != ready_.end()) return;
  if (is_retired) return client.retire();
  ready_.push_back(&client);
}

void Endpoint::let_idle_go(std::size_t most) {
  const auto is_idle = [](const http::Client* one) { return one->open_calls() == 0; };
  auto idle = static_cast<std::size_t>(std::count_if(ready_.begin(), ready_.end(), is_idle));
  for (; idle > most; --idle) {
    const auto at = std::find_if(ready_.begin(), ready_.end(), is_idle);
    http::Client& client = **at;
    ready_.erase(at);
    client.retire();
  }
}

void Endpoint::used(http::Client& client) {
  if (!client.can_call()) forget(client);
}

void Endpoint::forget(http::Client& client) {
  const auto at = std::find(ready_.rbegin(), ready_.rend(), &client);
  if (at != ready_.rend()) ready_.erase(std::next(at).base());
}

void Endpoint::retire() {
  is_retired = true;
  while (!ready_.empty()) {
    http::Client* client = ready_.back();
    ready_.pop_back();
    client->retire();
  }
  for (http::Client* client : std::exchange(shut_, {})) client->retire();
}

void Endpoint::broke(TimePoint now, Backoff backoff, std::string error) {
  constexpr std::uint32_t kMany = 3;
  if (++breaks_ >= kMany) failed(now, backoff, std::move(error));
}

void Endpoint::failed(TimePoint now, Backoff backoff, std::string error) {
  health_.failed_at = now;
  health_.error = std::move(error);
  upstream_.health_changed();
  if (!is_well(now)) return;  // Of the same moment as the failure before.
  const Duration rest =
      std::min(backoff.first * (1U << std::min(health_.failures, 16U)), backoff.most);
  ++health_.failures;
  // Several workers, and several gateways, shall not all knock at the same time.
  const auto most = std::chrono::duration_cast<Millis>(rest);
  rests_until_ = now + jitter(most / 2, most);
}

void Endpoint::succeeded(TimePoint now) {
  // The first answer is news, too: another worker may have found it otherwise.
  const bool is_news = health_.answered_at <= health_.failed_at;
  health_.answered_at = now;
  health_.failures = 0;
  breaks_ = 0;
  if (is_news) upstream_.health_changed();
}

}  // namespace sluice::relay
