/// Client, Call and Caller: a request to another server and its answer, whatever the protocol.
///
/// The mirror of exchange.h. A Client is a Protocol that speaks the client's side of one connection
/// (h1::ClientSession, h2::ClientSession). A Caller asks it to send a request; the client pulls the
/// request's body out of the caller and pushes the answer into it:
///
///   Client::call() ─► { Caller::body_ready() ─► body_take() }…
///                     beside on_head() ─► on_bytes()… ─► on_end()
///                     at any moment instead: on_failure(), or Call::cancel() by the caller
///
/// Back-pressure: what on_bytes() gave is *unpaid* until Call::consume(). A client lets the server
/// send `unpaid_bytes` of a call ahead and no more, and no other call of the connection feels it
/// (HTTP/2: the stream's window; HTTP/1.1: the socket is not read).
///
/// Thread     the connection's worker only.
/// Lifetime   a Call is good from call() until on_end() or on_failure() is entered, or until
///            cancel(). A Caller outlives its Call: who destroys one cancels before. A Client is
///            destroyed by its transport; its calls that are open then fail.
/// Invariant  on_end() and on_failure() are called at most once, as the last, and never from inside
///            call(), consume(), wake() or cancel(). From inside any of a Caller's functions that
///            Caller may cancel(), consume(), wake() and make other calls, but must not be
///            destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "gateway/base/protocol.h"
#include "gateway/http/exchange.h"
#include "gateway/http/message.h"

namespace sluice::http {

/// A request as it is to leave. The client adds the framing (content-length or transfer-encoding,
/// `connection`, `host` or `:authority`) and nothing else.
struct Outgoing {
  /// Well-formed, as a Service gets it: origin-form path, no pseudo-fields, no connection-specific
  /// fields, no `host`, no content-length. `authority` becomes Host or `:authority`.
  Request head;
  /// With `head.has_body`: its length, if it is known; HTTP/1.1 sends chunks if not.
  std::optional<std::uint64_t> body_length{};
};

enum class CallError : std::uint8_t {
  refused,    ///< The server did not look at it: REFUSED_STREAM, above a GOAWAY's last stream.
  closed,     ///< The connection ended before the answer did.
  reset,      ///< The server ended this call alone (RST_STREAM).
  malformed,  ///< The answer breaks the rules of HTTP.
  too_large,  ///< The answer's head is larger than the limit.
};

struct CallFailure {
  CallError error = CallError::closed;
  /// Nothing of it can have been acted on: it may be sent again, whatever its method.
  bool is_untouched = false;
  std::string_view what;  ///< For the log, "both content-length and transfer-encoding"; static.
};

class Caller {
 public:
  using Ready = Answer::Ready;

  /// The final head, once; those of 1xx are dropped. `content_length`: what the head says of it,
  /// which an answer to HEAD and a 304 may do without a body. Its headers lack the framing and
  /// connection-specific fields.
  virtual void on_head(Response head, std::optional<std::uint64_t> content_length) = 0;
  /// Bytes of the body, in order; the view is good during the call. Each must be given back by
  /// Call::consume(), now or later.
  virtual void on_bytes(std::string_view bytes) = 0;
  /// The answer is complete. `until_close`: only the end of the connection says so (HTTP/1.x
  /// without a length), and a server that died looks the same.
  virtual void on_end(bool until_close) = 0;
  /// Whatever part of the answer has come, the rest will not.
  virtual void on_failure(const CallFailure& failure) = 0;

  /// The body of the request, pulled as an Answer's is. Asked only with `head.has_body`.
  virtual Ready body_ready(std::size_t max) = 0;
  virtual void body_take(std::span<std::byte> out) = 0;

 protected:
  ~Caller() = default;
};

class Call {
 public:
  /// Caller::body_ready() may answer differently from now on. Cheap; any number of times.
  virtual void wake() = 0;
  /// `n` bytes given by on_bytes() have been dealt with.
  virtual void consume(std::size_t n) = 0;
  /// Ends it at once, and this Call. The server learns of it at the end of this turn (HTTP/2:
  /// RST_STREAM CANCEL; HTTP/1.1: the connection ends).
  virtual void cancel() = 0;

 protected:
  ~Call() = default;
};

class Client;

/// Whoever keeps clients for use.
class ClientOwner {
 public:
  /// can_call() or open_calls() has changed: a call ended, the server raised or lowered its limit,
  /// or it takes no more. Not from inside call(). It may call() at once.
  virtual void on_change(Client& client) = 0;
  /// The last word, from its destructor; its calls have failed before.
  virtual void on_gone(Client& client) = 0;

 protected:
  ~ClientOwner() = default;
};

class Client : public Protocol {
 public:
  /// Sends a request. can_call() must be true; the caller's on_…() come later, never from inside.
  virtual Call& call(Outgoing request, Caller& caller) = 0;
  /// There is room for one more call now, and the server still takes them.
  [[nodiscard]] virtual bool can_call() const = 0;
  /// It will never take a call again: after GOAWAY, `connection: close`, an error or an end of
  /// file.
  [[nodiscard]] virtual bool is_spent() const = 0;
  /// Calls at once, as far as the server has said. 0: none now, but it may raise that.
  [[nodiscard]] virtual std::size_t call_limit() const = 0;
  [[nodiscard]] virtual std::size_t open_calls() const = 0;
  /// Calls made so far. A call that is not the first meets a connection that may just be closing.
  [[nodiscard]] virtual std::uint64_t calls_made() const = 0;
  /// No more calls; is finished when the open ones have ended.
  virtual void retire() = 0;
};

}  // namespace sluice::http
