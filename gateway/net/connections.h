/// Connections: all connections of one worker, and the moments at which they are read and written.
///
/// A connection is read as soon as its socket is readable, but written only in flush(), once per
/// turn of the loop: what a turn brings for one connection leaves in as few TLS records and system
/// calls as it fits into. Nothing is filled while the socket is full; then at most the rest of one
/// fill() waits here.
///
/// Life of a connection:
///   add → [PROXY header] → [waiting] → [TLS handshake | first bytes] → protocol → finished →
///   lingering → destroyed
///   dial → connecting → [TLS handshake] → protocol → finished → destroyed
/// On a clear-text socket the first bytes tell HTTP/2 with prior knowledge (RFC 9113 §3.3: the
/// client begins with a preface that no HTTP/1.1 request can begin with, §3.4) from HTTP/1.1; the
/// first byte that differs from the preface decides. With TLS, ALPN decides and nothing else.
/// A step of a handshake takes as long as a hundred flushes, so each turn takes a few of them, in
/// the order in which they came, and behind the flush: in a storm of newcomers those who are here
/// wait for handshakes_per_turn of them, not for all.
/// Whom the doorkeeper does not let in waits: unread, without a TLS session, and asked for again
/// every kAskAgain, the oldest first. When waiting_room of them are there the oldest is sent away,
/// and so is who has waited for waiting_timeout: by a FIN, since a reset there closes a browser's
/// EventSource for ever.
/// While set_pace() says so, a connection that was written to less than that ago lets what
/// flush_soon() asks for wait until it has passed, and so do all that come meanwhile: more events
/// leave in one record and one system call. One that is written to more seldom waits never. While
/// some wait so, the loop rests between its turns (rest()), since what it reads would wait as well:
/// more is read by one system call, too.
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
#include "gateway/base/peer_certificate.h"
#include "gateway/base/protocol.h"
#include "gateway/base/slab.h"
#include "gateway/base/timer_wheel.h"
#include "gateway/base/units.h"
#include "gateway/net/doorkeeper.h"
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
  std::string via;   ///< Then the one given to add(); else empty.
  bool is_tls;       ///< Here, or between the client and who sent that header.
  std::string_view alpn;                ///< "h2" or "http/1.1".
  std::span<const std::byte> first;     ///< Clear text: the bytes seen so far; they are fed next.
  std::size_t listener;                 ///< The index given to add().
  PeerCertificatePtr certificate = {};  ///< The client's, if it showed a good one.
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
    std::size_t waiting_room = 1'000;  ///< Newcomers that wait to be let in.
    Millis waiting_timeout{10'000};    ///< For how long.
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
    Counter proxy_refusals;    ///< PROXY headers that were none, or from strangers.
    Counter waits_for_place;   ///< Newcomers that were not let in at once: too many.
    Counter waits_for_turn;    ///< … too fast.
    Counter waiting_overflow;  ///< … and sent away for others.
    Counter waiting_timeouts;  ///< … and sent away when they had waited for long enough.
    Counter drained_idle;      ///< Ended by drain_idle().
    Counter closed_stuck;      ///< Ended by close_stuck().
    Counter handshake_timeouts;
    Counter first_bytes_timeouts;
    Counter write_timeouts;
    Counter dials;
    Counter dial_failures;  ///< Timeouts and handshakes that failed, too.
    Counter dial_timeouts;
    Gauge waiting;
    Gauge open;  ///< Until destroyed, lingering and connecting ones too.
  };

  static constexpr Duration kRest = std::chrono::milliseconds(1);
  static constexpr Millis kAskAgain{50};
  static constexpr Millis kReleaseMore{50};
  static constexpr std::size_t kFew = 16;

  /// `factory`: for those that are added; nullptr where all are dialled. `doorkeeper` null: all are
  /// let in.
  Connections(Loop& loop, const Options& options, ProtocolFactory factory,
              Doorkeeper* doorkeeper = nullptr);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  /// Takes a connected socket over. `context` null: clear text.
  void add(UniqueFd socket, std::string peer, std::shared_ptr<const tls::Context> context,
           std::size_t listener, Proxied proxied = Proxied::no);
  /// Opens a connection; see dial.h. What cannot even be begun fails in the next flush().
  void dial(Dial dial);
  /// How long flush_soon() may wait, from now on; zero: not at all.
  void set_pace(Duration pace) { pace_ = pace; }
  /// What the last flush() that wrote to who had waited so took, of that.
  [[nodiscard]] Duration paced_flush() const { return paced_flush_; }
  /// Turn end: writes what there is to write and destroys what is done. True: work is left.
  bool flush();
  /// The same answer, for a turn end that flushes several Connections: what one of them brings may
  /// be work for another that was flushed before it.
  [[nodiscard]] bool has_work() const;
  /// Behind a flush() that left no work: how long the loop is to pause (Loop::pause()), and then to
  /// have another turn without sleeping. Zero: it may sleep, since nobody waits for a pace, or must
  /// not pause, since it has posted to itself, or is in a hurry; a timer wakes it then.
  [[nodiscard]] Duration rest();
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Every protocol that still speaks. `f` must not add or close connections.
  void for_each(const std::function<void(Protocol&)>& f);
  /// Whom of the newcomers, of whom no request has come yet, is read; the others wait, and their
  /// time limits go on.
  enum class Newcomers : std::uint8_t {
    all,  ///< Those that had to wait twice as many every kReleaseMore, until none is left.
    few,  ///< kFew every kReleaseMore.
    none,
  };
  void read_newcomers(Newcomers which);
  /// Sends all away that wait to be let in.
  void empty_waiting_room();
  /// Ends those without a request, `most` of them, who have been so for `at_least`: the longest
  /// first, in the protocol's own way. How many.
  std::size_t drain_idle(Duration at_least, std::size_t most);
  /// Closes those that have taken nothing for `at_least`, as their write_timeout would.
  std::size_t close_stuck(Duration at_least);
  /// Shows `look` up to `most` of those that speak, and closes those of which it says true; the
  /// next call goes on behind them, and begins anew when it has been round. Not from inside a
  /// protocol.
  void look_over(std::size_t most, const std::function<bool(Protocol&)>& look);
  /// Closes all of them now, whatever they still have to send. Not from inside a protocol.
  void close_all();

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  friend class Connection;
  /// A moment to do something.
  template <void (Connections::*Do)()>
  struct Moment final : Deadline {
    explicit Moment(Connections& owner_) : owner(owner_) {}
    void on_deadline(TimePoint) override { (owner.*Do)(); }
    Connections& owner;
  };

  void take_in(std::unique_ptr<Connection> connection);
  /// Whether a line may go to the log of what strangers can cause: once a second.
  [[nodiscard]] bool may_complain();
  void let_wait(Connection& connection, TimePoint due);
  void let_wait_outside(Connection& connection);
  void ask_doorkeeper();
  void release_newcomers();
  /// True: those that waited are to be written to now.
  bool release();
  void read_on();
  void flush_dirty();
  void shake_hands();
  void sweep();

  // Set in the constructor.
  Loop& loop_;
  const Options options_;
  const ProtocolFactory factory_;
  Doorkeeper* const doorkeeper_;
  Slab memory_;     ///< Connections'.
  Slab greetings_;  ///< What they have until they speak.
  // Lent to one connection at a time.
  const std::unique_ptr<std::byte[]> read_buffer_;
  OutBuffer out_;

  Counters counters_;
  std::uint64_t next_id_ = 1;
  TimePoint next_complaint_{};
  std::size_t size_ = 0;
  Newcomers newcomers_ = Newcomers::all;
  bool holds_newcomers_ = false;  ///< Who comes waits with those who were there.
  std::size_t released_at_once_ = 0;
  IntrusiveList<Connection, OwnedTag> live_;
  IntrusiveList<Connection, OwnedTag> dying_;
  IntrusiveList<Connection, DirtyTag> dirty_;  ///< To be flushed at the end of this turn.
  IntrusiveList<Connection, DirtyTag>
      paced_;  ///< … and of the first turn at or behind release_at_.
  Duration pace_{};
  Duration paced_flush_{};
  TimePoint release_at_{};
  Timer release_;
  /// Handshakes that can go on. A connection reads nothing else before the end of its own.
  IntrusiveList<Connection, UnreadTag> shaking_;
  std::size_t shaking_size_ = 0;
  IntrusiveList<Connection, UnreadTag> waiting_;  ///< To be let in; they read nothing either.
  Moment<&Connections::ask_doorkeeper> ask_again_{*this};
  Moment<&Connections::release_newcomers> release_more_{*this};
  IntrusiveList<Connection, UnreadTag> unread_;  ///< Hit read_budget in this turn.
  /// … in the last one: read on in this one. And those that cannot begin, and fail in this one.
  IntrusiveList<Connection, UnreadTag> resumed_;
};

}  // namespace sluice::net
