#include "gateway/server/gate.h"

#include <utility>

namespace sluice::server {

void Gate::open(std::unique_ptr<http::Answer> inner) {
  inner_ = std::move(inner);
  if (!held_.empty()) inner_->on_body(std::exchange(held_, {}));
  if (has_ended_) inner_->on_body_end();
}

void Gate::on_body(std::string_view bytes) {
  if (inner_) return inner_->on_body(bytes);
  held_ += bytes;
}

void Gate::on_body_end() {
  if (inner_) return inner_->on_body_end();
  has_ended_ = true;
}

http::Answer::Ready Gate::ready(std::size_t max) {
  if (!inner_) return {};
  question_.reset();  // It may not go from inside its own answer.
  return inner_->ready(max);
}

}  // namespace sluice::server
