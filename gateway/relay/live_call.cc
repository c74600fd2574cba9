#include "gateway/relay/live_call.h"

namespace sluice::relay {

void LiveCall::offer(bool is_spare) {
  if (!is_spare) return unlink();
  if (!is_linked()) upstream_.offer(*this);
}

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
