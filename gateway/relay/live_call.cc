#include "gateway/relay/live_call.h"

#include "gateway/relay/upstream.h"

namespace sluice::relay {

void LiveCall::probe() {
  probe_ = std::make_shared<LiveCall*>(this);
  upstream_.probe([alive = std::weak_ptr<LiveCall*>(probe_)](bool is_there) {
    const auto call = alive.lock();
    if (call == nullptr) return;
    (*call)->probe_.reset();
    (*call)->owner_.on_probe(is_there);
  });
}

}  // namespace sluice::relay
