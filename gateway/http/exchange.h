/// Service, Exchange and Answer: one request and its answer, whatever the protocol.
///
/// A session (h1 or h2) calls Service::open() when a request's head is complete. The service
/// returns an Answer, which the session owns until the exchange is over. The answer speaks back
/// through its Exchange, and the session *pulls* the answer's body when the client has room for it:
/// nothing is queued on the way, so back-pressure needs no further mechanism.
///
///   open() ─► respond(head) ─► { wake() ─► ready(max) ─► take(out) }… ─► ready().last ─► destroyed
///
/// Thread     the connection's worker only.
/// Lifetime   Exchange outlives Answer. The Answer is destroyed exactly once: after its last byte
///            was handed over, or when the peer or a limit ended the stream, or the connection is
///            gone. Never from inside one of its own calls, nor from inside a call that it makes
///            on its Exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/peer_certificate.h"
#include "gateway/base/protocol.h"
#include "gateway/http/account.h"
#include "gateway/http/message.h"

namespace sluice::http {

/// The connection an exchange came on.
struct Connection {
  std::uint64_t id = 0;  ///< Unique in the process.
  std::string peer;      ///< Address of the client, without port.
  std::string via{};     ///< Of the balancer whose PROXY header named the client; else empty.
  TimePoint since{};     ///< When it came.
  bool is_tls = false;
  std::string_view protocol;       ///< "h2" or "http/1.1"; static.
  std::size_t open_exchanges = 0;  ///< Kept by the session.
  std::size_t event_streams =
      0;  ///< Exchanges answered with Kind::event_stream. Kept by the session.
  PeerCertificatePtr certificate = {};  ///< The client's, if it showed a good one.
};

/// How an answer's body is to be scheduled.
enum class Kind : std::uint8_t {
  finite,        ///< Ends soon: goes before all others.
  bulk,          ///< Ends, but may take long: shares the connection fairly, as event streams do.
  event_stream,  ///< Lives long: shares the connection fairly with all others of its kind.
};

/// How much a client takes: for who looks for the slow one.
struct Flow {
  std::int64_t stream_window = -1;      ///< HTTP/2: bytes that may be sent; -1: there is none.
  std::int64_t connection_window = -1;  ///< The same, of all streams of the connection.
  Transport::State transport{};
};

class Exchange {
 public:
  /// Sends the head; at most once. With `content_length` (not of an event stream) that many body
  /// bytes follow. The first body bytes leave in the same flush when ready() has them.
  virtual void respond(Response head, Kind kind,
                       std::optional<std::uint64_t> content_length = {}) = 0;
  /// ready() may answer differently from now on. Cheap; any number of times.
  virtual void wake() = 0;
  /// The same, for events that may wait a moment for more (Transport::flush_soon()).
  virtual void wake_soon() { wake(); }
  /// `n` bytes given by on_body() have been dealt with: the client may send as many more.
  virtual void consume(std::size_t n) = 0;
  /// Ends the exchange at once without finishing its body (HTTP/2: RST_STREAM CANCEL; HTTP/1.1:
  /// closes the connection).
  virtual void abort() = 0;
  [[nodiscard]] virtual const Connection& connection() const = 0;
  /// Unique in its connection, and rising: HTTP/2's own, or the how manieth request it is.
  [[nodiscard]] virtual std::uint64_t id() const { return 0; }
  [[nodiscard]] virtual Flow flow() const { return {}; }
  /// How it ended; none while it is open. Asked when the Answer goes.
  [[nodiscard]] virtual Ending ending() const { return Ending::none; }
  /// For what nobody sees from outside; null: nobody keeps account.
  [[nodiscard]] virtual Account* account() { return nullptr; }

 protected:
  ~Exchange() = default;
};

/// Says why an answer will end by itself.
inline void tell_ending(Exchange& exchange, Ending why) {
  if (Account* const account = exchange.account()) account->ending = why;
}

class Answer {
 public:
  struct Ready {
    std::size_t bytes = 0;  ///< Can be taken now; ≤ max. 0 and not last: wait for wake().
    bool last = false;      ///< The body ends after these bytes.
    /// Behind these bytes there is nothing now: who takes all of them waits for wake(), which does
    /// not come from inside that take(). False says nothing: ask again.
    bool is_all = false;
  };

  Answer() = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  virtual ~Answer() = default;

  /// Body bytes of the request, in order; the view is good during the call. Each byte must be
  /// given back by Exchange::consume(), now or later.
  virtual void on_body(std::string_view bytes) = 0;
  /// The request is complete. Called exactly once, unless the exchange ends before.
  virtual void on_body_end() = 0;
  /// How much of the body could be taken, `max` ≥ 1 at most. Has no effect that shows on the wire.
  virtual Ready ready(std::size_t max) = 0;
  /// Over HTTP/1.1, of a client that closes its side of the connection now: true, it has left, and
  /// nobody waits for the work that the answer costs; false, it has only nothing more to ask.
  [[nodiscard]] virtual bool ends_with_client() const { return false; }
  /// An event stream ends in good order, at its next boundary, so that its client comes back on
  /// another connection. What ends by itself, or would not be asked for again, goes on.
  virtual void end_in_order() {}
  /// Takes exactly out.size() bytes, which is ≤ the last ready().bytes; directly after ready().
  virtual void take(std::span<std::byte> out) = 0;
  /// Of an event stream: where it stands. Not from inside its own calls.
  [[nodiscard]] virtual Progress progress() const { return {}; }
};

class Service {
 public:
  virtual ~Service() = default;
  /// Never null. `exchange` is good for the Answer's whole life. respond() may be called from
  /// inside, or at any later time.
  virtual std::unique_ptr<Answer> open(const Request& request, Exchange& exchange) = 0;
};

/// A session with a client, as its worker sees it beside the bytes.
class ServerSession : public Protocol {
 public:
  [[nodiscard]] virtual const Connection& info() const = 0;
  /// Of the connection; no stream's.
  [[nodiscard]] virtual Flow flow() const = 0;
};

}  // namespace sluice::http
