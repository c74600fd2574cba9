#include "gateway/server/turnstile.h"

namespace sluice::server {

void Turnstile::respond(http::Response head, http::Kind kind,
                        std::optional<std::uint64_t> content_length) {
  const auto judge = std::move(judge_);
  if (kind == http::Kind::event_stream) {
    Verdict verdict = (*judge)();
    if (verdict.instead != nullptr) {
      // It is the refused one that calls: it may not go now.
      is_refused_ = true;
      refused_ = std::exchange(inner_, std::move(verdict.instead));
      return;
    }
    lease_ = std::move(verdict.lease);
  }
  exchange_.respond(std::move(head), kind, content_length);
}

void Turnstile::take(std::span<std::byte> out) {
  refused_.reset();
  inner_->take(out);
}

void Turnstile::abort() {
  if (!is_refused_) exchange_.abort();
}

}  // namespace sluice::server
