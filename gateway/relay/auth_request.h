/// AuthRequest: one question to the server of a route's `auth_url`: may this request pass?
///
/// Owner   whoever waits for the answer. Destroying it takes the question back.
/// Thread  its worker's.
/// Limits  the time that it was given; kMaxAuthBody of the answer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/timer_wheel.h"
#include "gateway/net/loop.h"
#include "gateway/relay/auth_answer.h"
#include "gateway/relay/upstream_call.h"

namespace sluice::relay {

/// A question that is open.
class Asking {
 public:
  Asking() = default;
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  virtual ~Asking() = default;
};

class AuthRequest final : public Asking, private UpstreamCall, private Deadline {
 public:
  /// Once, never from inside the constructor; the AuthRequest must not be destroyed in it.
  using Done = std::function<void(AuthAnswer)>;
  struct Setting {
    Upstream& upstream;
    net::Loop& loop;
    const std::vector<std::string>& copied;  ///< Names of fields, in lower case.
    Millis timeout;
  };

  /// `request` has no body.
  AuthRequest(const Setting& setting, http::Outgoing request, Done done);

 private:
  void on_answer(http::Response head, std::optional<std::uint64_t> content_length) override;
  void on_bytes(std::string_view bytes) override;
  void on_complete(bool until_close) override;
  void on_broken(const Broken& broken) override;
  http::Answer::Ready body_ready(std::size_t) override { return {.bytes = 0, .last = true}; }
  void give_body(std::span<std::byte>) override {}
  void on_deadline(TimePoint now) override;
  void finish(AuthAnswer answer);

  const std::vector<std::string>& copied_;
  const Done done_;
  http::Response head_;
  std::string body_;
};

}  // namespace sluice::relay
