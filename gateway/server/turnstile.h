/// Turnstile: lets an answer become an event stream only where there is room for one more.
///
/// Whether an application's answer is an event stream shows in its head, whatever was asked for. So
/// the limits on event streams are judged there: this stands between the answer, to which it is the
/// exchange, and the session, to which it is the answer. Everything but that head passes.
///
/// Owner   the session, as for every Answer. Thread  its worker's.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "gateway/http/exchange.h"

namespace sluice::server {

class Turnstile final : public http::Answer, private http::Exchange {
 public:
  struct Verdict {
    std::unique_ptr<http::Answer> instead;  ///< Null: it may pass.
    std::shared_ptr<void> lease;            ///< Held as long as the stream is open.
  };
  /// Asked at most once, about an answer that is an event stream, which the figures of its route
  /// count already. `instead` has responded to the session's own exchange.
  using Judge = std::function<Verdict()>;

  Turnstile(http::Exchange& exchange, Judge judge)
      : exchange_(exchange), judge_(std::make_unique<Judge>(std::move(judge))) {}

  /// Once, at the beginning: whose answer it is. `open` may respond from inside.
  template <class Open>
  void enter(Open open) {
    auto inner = open(static_cast<http::Exchange&>(*this));
    (inner_ == nullptr ? inner_ : refused_) = std::move(inner);
  }

  // http::Answer
  void on_body(std::string_view bytes) override { inner_->on_body(bytes); }
  void on_body_end() override { inner_->on_body_end(); }
  Ready ready(std::size_t max) override { return inner_->ready(max); }
  void take(std::span<std::byte> out) override;
  [[nodiscard]] bool ends_with_client() const override { return inner_->ends_with_client(); }

 private:
  // http::Exchange, of the inner answer
  void respond(http::Response head, http::Kind kind,
               std::optional<std::uint64_t> content_length) override;
  void wake() override { exchange_.wake(); }
  void wake_soon() override { exchange_.wake_soon(); }
  void consume(std::size_t n) override { exchange_.consume(n); }
  void abort() override;
  [[nodiscard]] const http::Connection& connection() const override {
    return exchange_.connection();
  }

  http::Exchange& exchange_;
  std::unique_ptr<Judge> judge_;           ///< Null: the head has passed, or was refused.
  std::shared_ptr<void> lease_;            ///< Outlives the answer that it is for.
  std::unique_ptr<http::Answer> inner_;    ///< Who answers.
  std::unique_ptr<http::Answer> refused_;  ///< Who would have; it goes as soon as it may.
  bool is_refused_ = false;
};

}  // namespace sluice::server
