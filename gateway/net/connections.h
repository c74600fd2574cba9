/// Connections: all connections of one worker, and the moments at which they are read and written.
///
/// A connection is read as soon as its socket is readable, but written only in flush(), once per
/// turn of the loop: what a turn brings for one connection leaves in as few TLS records and system
/// calls as it fits into. Nothing is filled while the socket is full; then at most the rest of one
/// fill() waits here.
///
/// Life of a connection:
///   add → [PROXY header] → [TLS handshake | first bytes] → protocol → finished → lingering →
///   destroyed
///   dial → connecting → [TLS handshake] → protocol → finished → destroyed
/// On a clear-text socket the first bytes tell HTTP/2 with prior knowledge (RFC 9113 §3.3: the
/// client begins with a preface that no HTTP/1.1 request can begin with, §3.4) from HTTP/1.1; the
/// first byte that differs from the preface decides. With TLS, ALPN decides and nothing else.
/// A step of a handshake takes as long as a hundred flushes, so each turn takes a few of them, in
/// the order in which they came, and behind the flush: in a storm of newcomers those who are here
/// wait for handshakes_per_turn of them, not for all.
/// While set_pace() says so, a connection that was written to less than that ago lets what
/// flush_soon() asks for wait until it has passed, and so do all that come meanwhile: more events
/// leave in one record and one system call. One that is written to more seldom waits never.
/// A finished connection sends close_notify and FIN and reads on for a moment: closing a socket
/// with unread input makes the kernel reset the connection and throw away what it had still to
/// send. One that we opened is finished when we have what we wanted: it is closed at once, and the
/// peer learns from the reset not to send the rest.
/// When the peer ends a connection in order, the protocol hears on_eof(); when the connection
/// breaks, the protocol is destroyed without a word.
///
/// Owner   the worker. The loop outlives it; it calls flush() at the end of every turn.
/// Thread  its loop's; counters: any.
/// Invariant  a protocol is destroyed only inside flush(), close_all() and the destructor.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/c_handle.h"
#include "gateway/base/counters.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/base/out_buffer.h"
#include "gateway/base/protocol.h"
#include "gateway/base/units.h"
#include "gateway/net/loop.h"
#include "gateway/net/timer.h"

namespace sluice::tls {
class Context;
}

namespace sluice::net {

class Connection;
struct OwnedTag;
struct DirtyTag;
struct UnreadTag;
struct Dial;

/// Whether a connection begins with a PROXY header (proxy_header.h).
enum class Proxied : std::uint8_t {
  no,
  yes,
  refused,  ///< It would have to, and who sends it is not to be believed.
};

/// What is known of a connection when its protocol is chosen. Good during the call only.
struct Hello {
  std::uint64_t id;
  std::string peer;  ///< The address given to add(), or the client's that its PROXY header names.
  bool is_tls;       ///< Here, or between the client and who sent that header.
  std::string_view alpn;             ///< "h2" or "http/1.1".
  std::span<const std::byte> first;  ///< Clear text: the bytes seen so far; they are fed next.
  std::size_t listener;              ///< The index given to add().
};

/// Makes what speaks on the connection; nullptr closes it.
using ProtocolFactory = std::function<std::unique_ptr<Protocol>(Transport&, const Hello&)>;

class Connections {
 public:
  struct Options {
    Millis handshake_timeout{10'000};
    Millis first_bytes_timeout{10'000};  ///< Clear text: until the protocol is known.
    Millis write_timeout{60'000};        ///< A full socket that takes nothing for so long.
    Millis linger{2'000};                ///< After our FIN, for the peer's. Accepted ones only.
    int notsent_lowat = 16'384;          ///< Bytes the kernel may hold unsent; 0: its default.
    /// TCP_USER_TIMEOUT: bytes sent but not acknowledged, or a receive window shut, for so long.
    Millis user_timeout{60'000};
    /// Dialled ones: a peer that is silent for so long is asked whether it is there, as often.
    std::chrono::seconds keep_alive{30};
    /// Dialled ones: bytes that the kernel may hold unread of each; 0: as many as it likes.
    int receive_buffer = 0;
    /// Handshakes that go a step on in one turn, of all connections; the others wait for the next.
    std::size_t handshakes_per_turn = 4;
    std::size_t flush_budget = 256_KiB;  ///< Per connection and turn.
    std::size_t read_budget = 64_KiB;    ///< Per connection and turn.
  };
  struct Counters {
    Counter accepted;
    Counter closed;
    Counter handshakes;
    Counter resumptions;  ///< Handshakes that a session ticket shortened.
    Counter handshake_failures;
    Counter handshakes_put_off;  ///< Times that a handshake had to wait for another turn.
    Counter bytes_in;            ///< Plain text.
    Counter bytes_out;           ///< Plain text.
    Counter flushes;             ///< Connections written, not bytes and not turns.
    Counter paced;               ///< Times that a connection's events waited for more.
    Counter write_blocked;
    Counter proxy_refusals;  ///< PROXY headers that were none, or from strangers.
    Counter handshake_timeouts;
    Counter first_bytes_timeouts;
    Counter write_timeouts;
    Counter dials;
    Counter dial_failures;  ///< Timeouts and handshakes that failed, too.
    Counter dial_timeouts;
    Gauge open;  ///< Until destroyed, lingering and connecting ones too.
  };

  /// `factory`: for those that are added; nullptr where all are dialled.
  Connections(Loop& loop, const Options& options, ProtocolFactory factory);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  /// Takes a connected socket over. `context` null: clear text; it need not outlive the call.
  void add(UniqueFd socket, std::string peer, const tls::Context* context, std::size_t listener,
           Proxied proxied = Proxied::no);
  /// Opens a connection; see dial.h. What cannot even be begun fails in the next flush().
  void dial(Dial dial);
  /// How long flush_soon() may wait, from now on; zero: not at all.
  void set_pace(Duration pace) { pace_ = pace; }
  /// Turn end: writes what there is to write and destroys what is done. True: work is left.
  bool flush();
  /// The same answer, for a turn end that flushes several Connections: what one of them brings may
  /// be work for another that was flushed before it.
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Every protocol that still speaks. `f` must not add or close connections.
  void for_each(const std::function<void(Protocol&)>& f);
  /// Closes all of them now, whatever they still have to send. Not from inside a protocol.
  void close_all();

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  friend class Connection;

  void take_in(std::unique_ptr<Connection> connection);
  /// Whether a line may go to the log of what strangers can cause: once a second.
  [[nodiscard]] bool may_complain();
  void let_wait(Connection& connection, TimePoint due);
  void release();
  void read_on();
  void flush_dirty();
  void shake_hands();
  void sweep();

  // Set in the constructor.
  Loop& loop_;
  const Options options_;
  const ProtocolFactory factory_;
  // Lent to one connection at a time.
  const std::unique_ptr<std::byte[]> read_buffer_;
  OutBuffer out_;

  Counters counters_;
  std::uint64_t next_id_ = 1;
  TimePoint next_complaint_{};
  std::size_t size_ = 0;
  IntrusiveList<Connection, OwnedTag> live_;
  IntrusiveList<Connection, OwnedTag> dying_;
  IntrusiveList<Connection, DirtyTag> dirty_;  ///< To be flushed at the end of this turn.
  IntrusiveList<Connection, DirtyTag>
      paced_;  ///< … and of the first turn at or behind release_at_.
  Duration pace_{};
  TimePoint release_at_{};
  Timer release_;
  /// Handshakes that can go on. A connection reads nothing else before the end of its own.
  IntrusiveList<Connection, UnreadTag> shaking_;
  std::size_t shaking_size_ = 0;
  IntrusiveList<Connection, UnreadTag> unread_;  ///< Hit read_budget in this turn.
  /// … in the last one: read on in this one. And those that cannot begin, and fail in this one.
  IntrusiveList<Connection, UnreadTag> resumed_;
};

}  // namespace sluice::net
