/// UpstreamCall: one request to an upstream, from the wish to its end.
///
/// It waits for a connection, is sent, and is sent once more where nobody can have acted on it (the
/// server refused it unseen, or it has no effect and met a kept connection that was just closing).
/// A POST of which a byte has left is never repeated. Who wants the answer derives from it:
///
///   start() ─► { body_ready() ─► give_body() }…
///              beside on_answer() ─► on_bytes()… ─► on_complete()
///              at any moment instead: on_broken(); or stop() by the derived
///
/// Owner    whoever derives. Destroying it, or stop(), ends the call; the upstream learns of it at
///          the end of this turn.
/// Thread   its worker's.
/// Lifetime the Upstream outlives it.
/// Invariant none of the on_…() is called from inside start(), consume(), wake() or stop(); after
///          on_complete() and on_broken() comes nothing more. From inside them the derived may call
///          all of these functions but must not be destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/base/slab.h"
#include "gateway/http/client.h"

namespace sluice::relay {

class Upstream;
class Endpoint;
struct WaitingTag;

enum class Failure : std::uint8_t {
  connect,    ///< No address takes a connection: refused, unreachable, unknown name, TLS. 502.
  timeout,    ///< Connecting, the first byte or the next one took too long. 504.
  busy,       ///< No connection to be had within the limits. 503.
  closed,     ///< The answer broke off, or never began. 502.
  malformed,  ///< The answer breaks the rules of HTTP, or its head is too large. 502.
};

struct Broken {
  Failure failure = Failure::closed;
  std::string_view what;  ///< For the log and the client; good during the call.
};

class UpstreamCall : private http::Caller {
 public:
  /// What one that is not answered yet has in Memory::pending_calls.
  static std::size_t pending_size();

  UpstreamCall() = default;
  UpstreamCall(const UpstreamCall&) = delete;
  UpstreamCall& operator=(const UpstreamCall&) = delete;

 protected:
  virtual ~UpstreamCall();

  /// Only when none is open.
  void start(Upstream& upstream, http::Outgoing request);
  /// Ends it; nothing more is called. Allowed at any time.
  void stop();
  [[nodiscard]] bool is_open() const { return pending_ != nullptr || call_ != nullptr; }
  /// For a connection.
  [[nodiscard]] bool is_waiting() const { return pending_ != nullptr && pending_->is_linked(); }
  /// It has a connection, and its end lets another call be made there or elsewhere.
  [[nodiscard]] bool has_room() const;
  /// Bytes of on_bytes() have been dealt with.
  void consume(std::size_t n) {
    if (call_ != nullptr) call_->consume(n);
  }
  /// Where it was sent; empty while it is nowhere.
  [[nodiscard]] std::string_view address() const;
  /// More of the request's body may be ready.
  void wake_body() {
    if (call_ != nullptr) call_->wake();
  }

  virtual void on_answer(http::Response head, std::optional<std::uint64_t> content_length) = 0;
  void on_bytes(std::string_view bytes) override = 0;
  virtual void on_complete(bool until_close) = 0;
  virtual void on_broken(const Broken& broken) = 0;
  /// The body of the request, where it has one; as http::Caller's.
  Ready body_ready(std::size_t max) override = 0;
  virtual void give_body(std::span<std::byte> out) = 0;

 private:
  friend class Upstream;

  /// Until the answer's head: the request, should it have to be sent again.
  struct Pending : InSlab, ListHook<WaitingTag> {
    Pending(UpstreamCall& owner, Upstream& from) : call(owner), upstream(from) {}

    UpstreamCall& call;
    Upstream& upstream;
    http::Outgoing request;
    TimePoint since;  ///< When it began to wait.
    std::uint32_t repeats = 0;
    bool is_reused = false;  ///< Sent on a connection that had served others.
    bool has_given = false;  ///< A part of its body has left.
    bool is_doomed = false;
    Failure failure{};  ///< What it is doomed to.
    std::string what;
  };

  void on_head(http::Response head, std::optional<std::uint64_t> content_length) final;
  void on_end(bool until_close) final;
  void on_failure(const http::CallFailure& failure) final;
  void body_take(std::span<std::byte> out) final;
  [[nodiscard]] bool may_repeat(const http::CallFailure& failure) const;
  Endpoint& leave();
  static void tell_end(Endpoint& endpoint);

  Endpoint* endpoint_ = nullptr;  ///< While it is sent.
  http::Call* call_ = nullptr;    ///< The same.
  std::unique_ptr<Pending> pending_;
};

}  // namespace sluice::relay
