/// ClientSession: the client's end of one HTTP/2 connection. Bytes in, bytes out, no socket.
///
/// It wraps libnghttp2 as Session does. Many calls share the connection, and none holds up another:
/// the connection's window is given back as soon as bytes arrive, a stream's only by
/// Call::consume(). So a server can be ahead of a caller by a stream's window, and no further.
///
/// Owner      the connection (net), through sluice::Protocol.
/// Thread     the connection's worker only.
/// Errors     none: what the server does wrong fails its call, or ends the connection and fails
/// all. Invariant  nghttp2's callbacks record, submit, and tell callers; they never send, receive
/// or
///            destroy. Streams that ended are destroyed, and the owner is told, at the end of
///            feed(), fill() and check().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "gateway/h2/client_options.h"
#include "gateway/h2/client_stream.h"
#include "gateway/h2/counters.h"
#include "gateway/h2/limits.h"
#include "gateway/h2/memory.h"
#include "gateway/h2/session.h"
#include "gateway/http/client.h"

namespace sluice::h2 {

class ClientSession final : public http::Client {
 public:
  /// What sessions with one server have in common; all of it outlives them.
  struct Setting {
    const ClientOptions& options;
    ClientCounters& counters;
    const Clock& clock;
    SharedMemory& memory;
  };

  /// Transport and owner outlive the session. The preface waits to be sent from the beginning: call
  /// fill().
  ClientSession(Transport& transport, http::ClientOwner& owner, const Setting& setting);
  ~ClientSession() override;
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  void feed(std::span<const std::byte> bytes) override;
  void on_eof() override;
  bool fill(OutBuffer& out) override;
  [[nodiscard]] bool wants_read() const override;
  [[nodiscard]] bool is_finished() const override;
  TimePoint check(TimePoint now) override;
  /// Nothing: a server opens nothing here.
  void drain_notice() override {}
  void drain_finish() override { retire(); }

  http::Call& call(http::Outgoing request, http::Caller& caller) override;
  [[nodiscard]] bool can_call() const override;
  [[nodiscard]] bool is_spent() const override;
  [[nodiscard]] std::size_t call_limit() const override { return limit(); }
  [[nodiscard]] std::size_t open_calls() const override { return shared_.open_calls; }
  [[nodiscard]] std::uint64_t calls_made() const override { return calls_made_; }
  void retire() override;

 private:
  struct Callbacks;  ///< client_callbacks.cc: the only code that nghttp2 calls back into.
  friend struct Callbacks;

  /// What the connection has been through.
  struct Progress {
    bool preface_left = false;    ///< The 24 bytes before our SETTINGS (RFC 9113 §3.4).
    bool settings_seen = false;   ///< The server's SETTINGS.
    bool settings_acked = false;  ///< Ours were acknowledged.
    bool goaway_seen = false;
    bool limit_moved = false;        ///< One of SETTINGS and GOAWAY came since settle().
    bool fed = false;                ///< Bytes arrived since the last check().
    bool called = false;             ///< A call was made since the last check().
    bool ping_waits = false;         ///< A PING was submitted and nothing has arrived since.
    bool ping_left = false;          ///< It was put into an OutBuffer.
    std::uint8_t http1_matched = 0;  ///< First bytes, as of an answer of HTTP/1; or kNoHttp1.
  };
  static constexpr std::uint8_t kNoHttp1 = 255;

  /// Why and how the connection is to end; nothing is wrong while `what` is empty.
  struct Fault {
    std::uint32_t code = 0;
    std::string_view what;
  };

  SessionPtr make_native();
  [[nodiscard]] bool is_http1(std::span<const std::byte> bytes);
  void submit_preface();
  /// How many streams the server and we allow.
  [[nodiscard]] std::size_t limit() const;

  // What the callbacks report. False: nghttp2 is to stop, for fault_ says why.
  [[nodiscard]] bool on_frame_begins(std::uint8_t type, std::uint8_t flags, std::size_t length);
  [[nodiscard]] bool charge(TokenBucket& bucket);
  void on_goaway_sent(std::uint32_t code);
  void remove_stream(ClientStream& stream);

  // Endings.
  void terminate(const Fault& fault);
  void lose_all(std::string_view what);
  void refuse_unsent();
  void say_goodbye();
  /// What is left to do when nghttp2 has returned.
  void settle();
  bool pump(OutBuffer& out);

  // The parts of check(): each returns when it wants to look again.
  TimePoint check_handshake(TimePoint now);
  TimePoint check_liveness(TimePoint now);
  TimePoint check_idle(TimePoint now);

  // Set in the constructor.
  http::ClientOwner& owner_;
  const Clock& clock_;
  const TimePoint created_;

  ClientShared shared_;  ///< What the streams use of this session.
  SharedMemory& memory_;
  SessionMemory own_memory_;
  SessionPtr native_;
  std::vector<std::unique_ptr<ClientStream>> streams_;  ///< In no order; each knows its place.
  std::vector<std::unique_ptr<ClientStream>> dying_;  ///< Closed; swept when nghttp2 has returned.
  std::uint64_t calls_made_ = 0;
  std::size_t received_ = 0;  ///< Bytes of DATA that the connection's window has not got back yet.

  TokenBucket resets_;
  TokenBucket control_frames_;
  TokenBucket light_frames_;

  Progress progress_;
  TimePoint silent_since_;   ///< The last check() that found `fed`, or no call.
  TimePoint ping_since_{};   ///< When the PING that waits was submitted.
  TimePoint idle_since_;     ///< The last check() that found a call, or `called`.
  Fault fault_;              ///< Found by a callback: terminate when nghttp2 has returned.
  std::string_view ending_;  ///< Not empty: the server's bytes are not read any more, for this.
  bool is_dead_ = false;     ///< Nothing can be sent any more.
  bool is_retired_ = false;  ///< No calls any more.
  bool has_said_goodbye_ = false;  ///< The GOAWAY of a retired session was submitted.
};

}  // namespace sluice::h2
