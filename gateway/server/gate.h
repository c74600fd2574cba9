/// Gate: the answer to a request about which somebody else has to be asked first.
///
/// Until that is decided the request's body waits where it is: what has come is held, and no more
/// is asked for. Then all goes on to the answer that was decided on.
///
/// Owner   the session, as for every Answer. Thread  its worker's.
/// Limits  the window of a request's body (limits.stream_window).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/http/exchange.h"
#include "gateway/relay/auth_request.h"

namespace sluice::server {

class Gate final : public http::Answer {
 public:
  /// Once: the question, which goes when it is answered or the client has left.
  void wait_for(std::unique_ptr<relay::Asking> question) { question_ = std::move(question); }
  /// Once, from within the question's answer.
  void open(std::unique_ptr<http::Answer> inner);

  void on_body(std::string_view bytes) override;
  void on_body_end() override;
  Ready ready(std::size_t max) override;
  void take(std::span<std::byte> out) override { inner_->take(out); }
  [[nodiscard]] bool ends_with_client() const override { return true; }
  void end_in_order() override {
    if (inner_ != nullptr) inner_->end_in_order();
  }
  [[nodiscard]] http::Progress progress() const override {
    return inner_ == nullptr ? http::Progress{} : inner_->progress();
  }

 private:
  std::unique_ptr<relay::Asking> question_;
  std::unique_ptr<http::Answer> inner_;  ///< Null until it is decided.
  std::string held_;                     ///< Of the request's body.
  bool has_ended_ = false;               ///< The request's body, before it was decided.
};

}  // namespace sluice::server
