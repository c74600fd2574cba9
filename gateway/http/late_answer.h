/// LateAnswer: an answer whose head and body are known later, and all at once.
///
/// Owner   the session, as for every Answer. Thread  the connection's worker only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gateway/http/exchange.h"

namespace sluice::http {

class LateAnswer : public Answer {
 public:
  /// Empty once the answer is gone: nobody waits any more.
  using Handle = std::weak_ptr<LateAnswer*>;

  LateAnswer(Exchange& exchange, bool is_head) : exchange_(exchange), is_head_(is_head) {}

  [[nodiscard]] Handle handle() const { return self_; }
  [[nodiscard]] bool is_given() const { return body_.has_value(); }
  /// Once. To a HEAD the body's length alone is told.
  void give(Response head, std::string body) {
    exchange_.respond(std::move(head), Kind::finite, body.size());
    if (is_head_) body.clear();
    body_ = std::move(body);
    exchange_.wake();
  }

  void on_body(std::string_view bytes) override { exchange_.consume(bytes.size()); }
  void on_body_end() override {}
  Ready ready(std::size_t max) override {
    if (!body_) return {};
    const std::size_t rest = body_->size() - taken_;
    return {.bytes = std::min(rest, max), .last = rest <= max};
  }
  void take(std::span<std::byte> out) override {
    std::copy_n(body_->begin() + static_cast<std::ptrdiff_t>(taken_), out.size(),
                static_cast<char*>(static_cast<void*>(out.data())));
    taken_ += out.size();
  }

 private:
  Exchange& exchange_;
  const bool is_head_;
  const std::shared_ptr<LateAnswer*> self_ = std::make_shared<LateAnswer*>(this);
  std::optional<std::string> body_;
  std::size_t taken_ = 0;
};

}  // namespace sluice::http
