/// Session: the server's end of one HTTP/2 connection. Bytes in, bytes out, no socket.
///
/// It wraps libnghttp2, opens an http::Exchange for every request, and pulls the answers' bodies
/// straight into the worker's OutBuffer, scheduling all streams of the connection fairly.
///
/// Owner      the connection (net), through sluice::Protocol.
/// Thread     the connection's worker only.
/// Errors     none: what the peer does wrong is answered on the wire and ends in is_finished().
/// Invariant  nghttp2's callbacks record and submit; they never send, receive or destroy. Answers
///            and streams that ended are destroyed at the end of feed(), fill() and check().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/protocol.h"
#include "gateway/base/spread.h"
#include "gateway/h2/counters.h"
#include "gateway/h2/limits.h"
#include "gateway/h2/memory.h"
#include "gateway/h2/options.h"
#include "gateway/h2/stream.h"
#include "gateway/http/exchange.h"

struct nghttp2_session;

namespace sluice::h2 {

struct SessionFree {
  void operator()(nghttp2_session* session) const noexcept;
};
using SessionPtr = std::unique_ptr<nghttp2_session, SessionFree>;

class Session final : public http::ServerSession {
 public:
  /// What a worker's sessions have in common; all of it outlives them.
  struct Setting {
    const Options& options;
    Counters& counters;
    const Clock& clock;
    SharedMemory& memory;
  };

  /// How many fields of past heads our decoder keeps for the peer's encoder.
  enum class HeaderTable : std::uint8_t {
    none,     ///< It costs up to 8 KiB for as long as the connection is there.
    standard  ///< 4096 bytes, for proxies: some go on as if there were no smaller one.
  };

  /// Transport and service outlive the session. Our SETTINGS wait to be sent from the beginning:
  /// call fill().
  Session(Transport& transport, http::Service& service, http::Connection info,
          const Setting& setting, HeaderTable table = HeaderTable::none);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void feed(std::span<const std::byte> bytes) override;
  void on_eof() override;
  bool fill(OutBuffer& out) override;
  [[nodiscard]] bool wants_read() const override;
  [[nodiscard]] bool is_finished() const override;
  TimePoint check(TimePoint now) override;
  [[nodiscard]] bool is_newcomer() const override { return !progress_.has_served; }
  /// What has fallen idle is known to be from the next check() on.
  [[nodiscard]] std::optional<TimePoint> idle_since() const override;
  void drain_notice() override;
  void drain_finish() override;
  [[nodiscard]] const http::Connection& info() const override { return shared_.info; }
  [[nodiscard]] http::Flow flow() const override;

 private:
  struct Callbacks;  ///< callbacks.cc: the only code that nghttp2 calls back into.
  friend struct Callbacks;

  /// What the connection has been through, as far as a time limit depends on it.
  struct Progress {
    bool settings_seen = false;   ///< The peer's SETTINGS.
    bool settings_acked = false;  ///< Ours were acknowledged.
    bool any_request = false;     ///< A stream was opened.
    bool has_served = false;      ///< A request's head was complete.
    bool fell_idle = false;       ///< The last stream ended since the last check().
    bool fed = false;             ///< Bytes arrived since the last check().
    bool ping_waits = false;      ///< A PING was submitted and nothing has arrived since.
    bool ping_left = false;       ///< It was put into an OutBuffer.
    std::int32_t header_block =
        0;  ///< The stream whose header block has begun and not ended, or 0.
  };

  SessionPtr make_native();
  void submit_preface(HeaderTable table);
  [[nodiscard]] Stream* find_stream(std::int32_t id);

  // What the callbacks report.
  Stream& add_stream(std::int32_t id);
  void remove_stream(Stream& stream);
  void on_frame_begins(std::uint8_t type, std::uint8_t flags, std::size_t length);
  void on_peer_reset();
  void on_reset_sent(const Stream* stream, std::uint32_t code);
  void on_goaway_sent(std::uint32_t code);
  void on_invalid_frame(std::int32_t stream);
  void charge(TokenBucket& bucket);

  // Endings.
  /// How streams end that are open when their connection goes.
  [[nodiscard]] http::Ending ending() const;
  void terminate(std::uint32_t code);
  void sweep();
  /// Moves nghttp2's bytes to `out` until it is full. False: nghttp2 has nothing more at the
  /// moment.
  bool pump(OutBuffer& out);

  // The parts of check(): each returns when it wants to look again.
  TimePoint check_handshake(TimePoint now);
  TimePoint check_liveness(TimePoint now);
  TimePoint check_idle(TimePoint now);
  TimePoint check_age(TimePoint now);
  TimePoint check_streams(TimePoint now);

  // Set in the constructor.
  http::Service& service_;
  const Clock& clock_;
  const TimePoint created_;

  Shared shared_;  ///< What the streams use of this session.
  const Counted counted_;
  SharedMemory& memory_;
  SessionMemory own_memory_;
  SessionPtr native_;
  std::vector<std::unique_ptr<Stream>> streams_;  ///< In no order; each knows its place.
  std::vector<std::unique_ptr<Stream>> dying_;    ///< Closed; swept when nghttp2 has returned.

  TokenBucket provoked_resets_;
  TokenBucket peer_resets_;
  TokenBucket control_frames_;
  TokenBucket light_frames_;
  std::uint64_t frames_credited_ = 0;  ///< Of Shared::frames_sent, in light_frames_.
  std::uint32_t resets_paid_ = 0;  ///< Invalid frames charged, whose RST_STREAM has still to leave.

  Progress progress_;
  TimePoint silent_since_;          ///< The last check() that found `fed`.
  TimePoint ping_since_{};          ///< When the PING that waits was submitted.
  TimePoint idle_since_;            ///< The last check() that found a stream, or `fell_idle`.
  TimePoint header_block_since_{};  ///< The first check() that found this header block.
  std::int32_t header_block_seen_ = 0;
  std::unique_ptr<Spread> retirement_;            ///< Null: it is not old.
  TimePoint final_goaway_at_ = TimePoint::max();  ///< An idle connection's second GOAWAY.

  bool is_doomed_ = false;    ///< A callback found an abuse: terminate when nghttp2 has returned.
  bool is_ending_ = false;    ///< The peer's bytes are not read any more.
  bool is_dead_ = false;      ///< Nothing can be sent any more.
  bool is_noticed_ = false;   ///< The shutdown notice was submitted.
  bool is_draining_ = false;  ///< The final GOAWAY was submitted.
};

/// The version of the library at run time, as in "1.52.0".
std::string nghttp2_version();

}  // namespace sluice::h2
