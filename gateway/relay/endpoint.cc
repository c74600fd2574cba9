#include "gateway/relay/endpoint.h"

#include <algorithm>

#include "gateway/base/random.h"
#include "gateway/base/units.h"
#include "gateway/relay/upstream.h"

namespace sluice::relay {

void Endpoint::on_change(http::Client& client) {
  if (!client.can_call()) {
    forget(client);
    return;
  }
  keep(client);
  upstream_.room_at(*this);
  let_idle_go();
}

void Endpoint::on_gone(http::Client& client) {
  forget(client);
  upstream_.connection_gone(*this);
}

void Endpoint::keep(http::Client& client) {
  if (std::find(ready_.begin(), ready_.end(), &client) != ready_.end()) return;
  if (is_retired) return client.retire();
  ready_.push_back(&client);
}

/// Those that were idle for longest.
void Endpoint::let_idle_go() {
  const auto is_idle = [](const http::Client* one) { return one->open_calls() == 0; };
  auto idle = static_cast<std::size_t>(std::count_if(ready_.begin(), ready_.end(), is_idle));
  for (; idle > upstream_.max_idle(); --idle) {
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
}

void Endpoint::failed(TimePoint now, Duration backoff, Duration backoff_max) {
  if (!is_well(now)) return;  // Of the same moment as the failure before.
  const Duration rest = std::min(backoff * (1U << std::min(failures_, 16U)), backoff_max);
  ++failures_;
  // Several workers, and several gateways, shall not all knock at the same time.
  const auto most = std::chrono::duration_cast<Millis>(rest);
  rests_until_ = now + jitter(most / 2, most);
}

}  // namespace sluice::relay
