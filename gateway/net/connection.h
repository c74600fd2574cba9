/// Connection: one socket, what encrypts it, and the protocol spoken on it. For this layer's own
/// files; its life is told in connections.h.
///
/// Ten thousand of these wait idle, so what only some phases need lives on the heap while they
/// last: Greeting until a protocol is chosen, Blocked while the socket is full or connects.
/// connection_open.cc: until a protocol is chosen; connection.cc: from then on.
///
/// Owner   Connections, by its list of the living or the dying.
/// Thread  its loop's.
/// Invariant  nothing is filled while `blocked_` is there; a dead one has no events and no
/// deadline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <vector>

#include "gateway/base/c_handle.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/base/protocol.h"
#include "gateway/base/slab.h"
#include "gateway/base/timer_wheel.h"
#include "gateway/net/connections.h"
#include "gateway/net/dial.h"
#include "gateway/net/poller.h"
#include "gateway/net/proxy_header.h"
#include "tls/session.h"

namespace sluice::net {

class Connection final : public Transport,
                         public Pollable,
                         public InSlab,
                         public ListHook<OwnedTag>,
                         public ListHook<DirtyTag>,
                         public ListHook<UnreadTag> {
 public:
  struct Greeting {
    std::uint64_t id;
    std::string peer;
    std::string via = {};  ///< Who sent the PROXY header that named `peer`.
    std::size_t listener;
    std::shared_ptr<const tls::Context> context;  ///< Null: clear text. Until the first bytes.
    std::string first;                        ///< Clear text: a beginning of the HTTP/2 preface.
    std::unique_ptr<ProxyHeader> proxy = {};  ///< While it is awaited.
    bool is_stranger = false;                 ///< Who is not to be believed what it says there.
    bool had_tls = false;                     ///< It says so.
    bool speaks_h2 = false;                   ///< It says so, of clear text.
    // One that we open.
    std::unique_ptr<Dial> dial;
    int error = 0;  ///< Why it cannot even begin to connect.
  };

  /// One that was accepted: greet() it, when it has its place.
  Connection(Connections& owner, UniqueFd socket);
  /// One that we open, on a socket that connects. None, or `greeting.error`: it is to fail.
  Connection(Connections& owner, UniqueFd socket, Greeting greeting);
  ~Connection() override;

  void flush_later() override;
  void flush_soon() override;
  [[nodiscard]] Transport::State state() const override;
  void on_deadline(TimePoint now) override;
  void on_readable() override;
  void on_writable() override;
  void on_failed() override;

  /// Begins with its PROXY header, or at the door.
  void greet(Greeting greeting);
  /// At the door once more.
  void ask_again();
  /// It has waited for long enough, or others need its place: FIN.
  void send_away();
  [[nodiscard]] bool is_waiting() const { return state_ == State::waiting; }
  /// Is not read until release(), if it is a newcomer.
  void hold();
  /// False: it was not held.
  bool release();
  /// Closes it if it has taken nothing since `since`.
  bool close_if_stuck(TimePoint since);
  /// One step of the handshake; Connections says when.
  void shake_hands();
  /// Goes on reading where the budget of the last turn ended; what cannot begin fails.
  void read_on();
  /// Fills and writes until nothing is left, the socket is full or the budget is spent.
  void flush();
  /// The protocol, while it speaks.
  [[nodiscard]] Protocol* speaking() const;
  /// Closes without waiting for anything.
  void close_now(Hangup why);

  static std::size_t greeting_size();

 private:
  enum class State : std::uint8_t {
    connecting,
    proxied,  ///< Its PROXY header is awaited.
    waiting,  ///< To be let in.
    handshaking,
    sniffing,
    open,
    lingering,
    dead
  };

  struct KeptGreeting final : InSlab, Greeting {
    explicit KeptGreeting(Greeting greeting) : Greeting(std::move(greeting)) {}
  };

  /// While the socket is full, or connects.
  struct Blocked {
    std::vector<std::byte> rest;  ///< Filled but not taken; empty if only TLS itself has to write.
    std::size_t taken = 0;        ///< Of `rest`.
    TimePoint since;              ///< Last progress.
    std::uint64_t sent = 0;       ///< session_->bytes_sent() at that time.
  };

  Connection(Connections& owner, UniqueFd socket, Greeting greeting, State state);

  void on_connected();
  void on_open_timeout();
  void fail_dial(DialError error, std::string what);
  void read_proxy_header();
  /// Its address is known.
  void knock();
  void come_in();
  void arm_opening();
  void leave_waiting_room();
  void refuse_proxy(std::string_view why);
  void shake_hands_later();
  void sniff();
  /// From here on the protocol speaks. `alpn` "": nothing was chosen.
  void begin(std::string_view alpn, std::span<const std::byte> first);
  [[nodiscard]] std::unique_ptr<Protocol> make_protocol(std::string_view alpn,
                                                        std::span<const std::byte> first);
  void read();
  void feed(std::span<const std::byte> bytes);
  void discard();
  [[nodiscard]] tls::IoResult receive();
  /// Writes what the socket takes; returns the rest. With `has_more` the kernel may keep it until
  /// the next one.
  std::span<const std::byte> transmit(std::span<const std::byte> bytes, bool has_more);
  /// Lets the kernel send what it kept.
  void push();
  /// Ends it by a RST, which overtakes what its peer has not read.
  void reset(Hangup why);
  void block(std::span<const std::byte> rest);
  void unblock();
  void settle(bool is_drained);
  void linger();
  void die();
  void set_interest();
  [[nodiscard]] bool is_newcomer() const;
  [[nodiscard]] bool is_held() const { return is_held_ && is_newcomer(); }
  static constexpr std::uint8_t kOnlyErrors = EPOLLERR;  ///< `polled_` where nobody waits.
  /// Hears of its socket what it wants to hear from now on.
  void poll(bool for_reading);
  /// Together with the time limit of what is blocked.
  void arm_open(TimePoint due);

  // Set in the constructor.
  Connections& owner_;
  UniqueFd socket_;
  State state_;
  std::uint8_t polled_ = 0;  ///< What the poller was told of us.
  bool peer_is_done_ = false;
  bool is_ours_ = false;   ///< We opened it.
  bool is_paced_ = false;  ///< Linked as dirty, it is among those that wait; good while it is.
  bool is_held_ = false;   ///< As long as it is a newcomer.
  bool is_in_ = false;     ///< The doorkeeper has let `guest_` in.
  bool is_deaf_ = false;   ///< The poller has no room for it: it ends.
  Hangup hangup_ = Hangup::none;  ///< Why we end it; a dead one without a reason, the peer ended.
  // Each while it is needed.
  std::unique_ptr<KeptGreeting> greeting_;
  std::unique_ptr<tls::Session> session_;
  std::unique_ptr<Protocol> protocol_;
  std::unique_ptr<Blocked> blocked_;
  TimePoint written_at_{};              ///< When flush() last wrote something.
  std::uint64_t sent_ = 0;              ///< Bytes that the socket took, plain text.
  Doorkeeper::Guest* guest_ = nullptr;  ///< Null: nobody counts it.
};

static_assert(sizeof(Connection) <= 168, "ten thousand of them wait idle");

}  // namespace sluice::net
