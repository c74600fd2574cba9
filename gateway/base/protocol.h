/// Protocol and Transport: the contract between a connection and what is spoken on it.
///
/// A Protocol does no I/O: bytes go in by feed(), bytes come out by fill(), time comes in by
/// check(). A Transport is the connection it speaks on. Neither layer knows the other: `h1` and
/// `h2` implement Protocol, `net` implements Transport, and `server` joins them.
/// Thread     the connection's worker only.
/// Lifetime   the Transport owns the Protocol and outlives it. It destroys the Protocol only
///            between calls, never from inside one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "gateway/base/clock.h"
#include "gateway/base/out_buffer.h"

namespace sluice {

/// Why a connection ended, when it was not its protocol that ended it.
enum class Hangup : std::uint8_t {
  none,
  peer,           ///< It broke, or the peer closed it.
  write_timeout,  ///< The peer took nothing for too long.
  cut,            ///< We closed it, with all others.
  ordered,        ///< An operator had it closed.
};

class Transport {
 public:
  struct State {
    TimePoint written_at{};     ///< The last time that something was; the epoch: never.
    TimePoint blocked_since{};  ///< The socket is full, and took nothing since; the epoch: it is
                                ///< not.
    std::size_t unsent = 0;     ///< Bytes that a full socket has not taken.
    std::uint64_t sent = 0;     ///< Bytes written in all, plain text.
    Hangup hangup = Hangup::none;
  };

  /// fill() has something to give: it is called once at the end of this turn of the loop. Any
  /// number of calls in a turn count as one; allowed from inside feed(), check() and fill().
  virtual void flush_later() = 0;
  /// The same, for what may wait a moment for more of its kind: what a busy worker has written to
  /// just now is written to again a little later (net/connections.h, set_pace()). Whatever calls
  /// flush_later() meanwhile takes it along.
  virtual void flush_soon() { flush_later(); }
  /// Also from a protocol's destructor.
  [[nodiscard]] virtual State state() const { return {}; }

 protected:
  ~Transport() = default;
};

class Protocol {
 public:
  virtual ~Protocol() = default;
  Protocol() = default;
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;

  /// Bytes from the peer, all of which are taken. Afterwards the transport calls fill() in the
  /// same turn. What is wrong with them shows in is_finished(), not here.
  virtual void feed(std::span<const std::byte> bytes) = 0;
  /// The peer will send no more (end of file or close_notify).
  virtual void on_eof() = 0;
  /// Appends what is to be sent, until the record is full or there is nothing left. Returns true
  /// when more is waiting that did not fit; it is called again then as soon as the socket takes it.
  virtual bool fill(OutBuffer& out) = 0;
  /// False while the peer makes us queue answers faster than it reads them: the socket is not read.
  [[nodiscard]] virtual bool wants_read() const = 0;
  /// True: when what fill() gave is written, the transport closes the connection.
  [[nodiscard]] virtual bool is_finished() const = 0;
  /// Looks at the time limits. Returns when it wants to be called again (never earlier than `now`).
  virtual TimePoint check(TimePoint now) = 0;
  /// No request of it has come yet, as far as its head goes.
  [[nodiscard]] virtual bool is_newcomer() const { return false; }
  /// Since when it has had no such request; none: it has one, or is ending already.
  [[nodiscard]] virtual std::optional<TimePoint> idle_since() const { return std::nullopt; }
  /// Drain, first stage: tells the peer to open no more (HTTP/2: GOAWAY 2^31-1; HTTP/1.1:
  /// `connection: close` on the next answer). Exchanges go on.
  virtual void drain_notice() = 0;
  /// Drain, second stage: refuses new exchanges (HTTP/2: the final GOAWAY), is finished as soon as
  /// the open ones have ended.
  virtual void drain_finish() = 0;
};

}  // namespace sluice
