/// Stream: one HTTP/2 stream, the Exchange that an Answer speaks through.
///
/// nghttp2 asks it for DATA (read, then send), its Answer tells it that there is some (wake). What
/// there is at once is a *burst*: submitted, sent in frames, and over. Between two bursts nghttp2
/// knows nothing of the stream's body and keeps nothing for it. An Answer that cannot say whether
/// what it gives is all is asked again, and then *deferred*: nghttp2 keeps the burst until it is
/// resumed.
///
/// Owner      its Session.
/// Thread     the connection's worker only.
/// Invariant  answer_ is null before open() and from the moment the exchange is over. An Answer
///            that is let go waits in Shared::dying until nobody is inside one of its calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/out_buffer.h"
#include "gateway/base/protocol.h"
#include "gateway/base/slab.h"
#include "gateway/h2/counters.h"
#include "gateway/h2/options.h"
#include "gateway/h2/request_head.h"
#include "gateway/http/exchange.h"

struct nghttp2_session;

namespace sluice::h2 {

class Stream;

/// A request's head while its header block is being received. A connection has one at a time: no
/// other frame comes between the parts of one (RFC 9113 §4.3).
struct RequestHeading {
  std::int32_t stream;
  RequestHead head;
};

/// What the streams of a session share.
struct Shared {
  nghttp2_session* native;
  Transport& transport;
  http::Connection info;
  const Options& options;
  Counters& counters;
  OutBuffer* out = nullptr;                   ///< Set during fill().
  std::unique_ptr<RequestHeading> heading{};  ///< Null: no header block of a request has begun.
  bool is_paused = false;                    ///< A stream found no room in this fill()'s OutBuffer.
  http::Ending ending = http::Ending::none;  ///< Why the connection ends, once that is known.
  std::uint64_t frames_sent = 0;             ///< DATA frames.
  Stream* first_woken = nullptr;  ///< Streams whose bursts the next fill() begins, in that order.
  Stream* last_woken = nullptr;
  std::vector<std::unique_ptr<http::Answer>> dying;
};

class Stream final : public http::Exchange, public InSlab {
 public:
  /// What read() has for nghttp2.
  struct Chunk {
    enum class Verdict { send, defer, pause } verdict = Verdict::defer;
    std::size_t bytes = 0;
    bool ends_burst = false;
    bool ends_body = false;
  };
  /// What check() found.
  enum class Health { good, stalled, body_overdue, body_unwanted };

  Stream(Shared& shared, std::int32_t id, std::uint32_t place);

  void respond(http::Response head, http::Kind kind,
               std::optional<std::uint64_t> content_length) override;
  void wake() override;
  void wake_soon() override;
  void consume(std::size_t n) override;
  void abort() override;
  [[nodiscard]] const http::Connection& connection() const override { return shared_.info; }
  [[nodiscard]] std::uint64_t id() const override { return static_cast<std::uint64_t>(id_); }
  [[nodiscard]] http::Flow flow() const override;
  [[nodiscard]] http::Ending ending() const override { return ending_; }

  // For the Session.
  /// Null when it is complete.
  [[nodiscard]] RequestHead* head() {
    RequestHeading* const heading = shared_.heading.get();
    return heading != nullptr && heading->stream == id_ ? &heading->head : nullptr;
  }
  void open(http::Service& service, bool has_body);
  void on_body(std::string_view bytes);
  void on_body_end();
  /// Tells nghttp2 of what the woken streams have. Not before fill(): so each stream's memory, and
  /// nghttp2's, is looked at once a turn and while it is in the cache.
  static void begin_bursts(Shared& shared);
  Chunk read(std::size_t max);
  void send(std::span<const std::byte> frame_header, std::size_t bytes);
  /// END_STREAM left. A request body that is not complete may still be: a reset now, though RFC
  /// 9113 §8.1 allows it, would make some clients lose the answer.
  void on_answer_sent();
  /// nghttp2 could not send the head of the response, perhaps because a reset is on its way
  /// already.
  void on_answer_not_sent(bool is_closing);
  /// The exchange is over: lets the Answer go and gives back what it did not consume. `how`: unless
  /// that is known already.
  void end(http::Ending how);
  /// Looks at what has moved since the last call, and whether what has not moved is older than its
  /// limit. Makes `next` earlier if a limit will be reached before it.
  Health check(TimePoint now, TimePoint& next);
  /// Tells the answer to end in good order. False: it is no event stream, or has been told.
  bool end_in_order();
  /// Ends a stream whose limit was reached.
  void fail(Health health);

  [[nodiscard]] std::int32_t native_id() const { return id_; }
  /// An RST_STREAM with this code is our choice, not the peer's doing.
  [[nodiscard]] bool asked_for(std::uint32_t code) const {
    return code == reset_code_ && reset_code_ != kNoCode;
  }
  [[nodiscard]] std::uint32_t place() const { return place_; }
  void set_place(std::uint32_t place) { place_ = place; }

 private:
  /// What nghttp2 has of the body.
  enum class Sending : std::uint8_t {
    busy,      ///< It will ask; or there is no body, or not yet.
    deferred,  ///< A burst that waits to be resumed.
    nothing,   ///< The next burst is to be submitted.
  };

  void submit(const http::Response& head, std::optional<std::uint64_t> length, bool has_body);
  void begin_burst();
  bool join_woken(bool may_wait);
  void leave_woken();
  void reset(std::uint32_t code);
  [[nodiscard]] bool may_receive() const;
  /// Since they were asked last.
  bool has_body_moved();
  bool has_send_moved();

  static constexpr std::uint8_t kNoCode = 0xff;  ///< RFC 9113 §7 has none above 13.

  Shared& shared_;
  std::unique_ptr<http::Answer> answer_;
  Stream* next_woken_ = nullptr;
  /// The last check() that found body_moved_, or, while it is being answered, send_moved_.
  TimePoint since_{};
  const std::int32_t id_;
  std::uint32_t place_;           ///< In Session::streams_.
  std::uint32_t unconsumed_ = 0;  ///< Bytes of body given to the Answer and not dealt with.
  bool is_head_request_ : 1 = false;
  bool is_event_stream_ : 1 = false;
  bool is_opened_ : 1 = false;  ///< Counted in Connection::open_exchanges.
  bool is_over_ : 1 = false;
  bool is_responded_ : 1 = false;
  bool is_request_ended_ : 1 = false;
  bool is_reading_ : 1 = false;  ///< Inside Answer::ready() or take().
  bool was_woken_ : 1 = false;   ///< wake() came from inside them.
  bool is_woken_ : 1 = false;    ///< In Shared's list.
  bool may_wait_ : 1 = false;    ///< … by wake_soon() alone.
  bool is_retired_ : 1 = false;  ///< The answer was told to end.
  bool ends_burst_ : 1 = false;  ///< The frame that was read is the burst's last.
  bool body_moved_ : 1 = true;
  bool send_moved_ : 1 = true;
  Sending sending_ : 2 = Sending::busy;
  std::uint8_t reset_code_ = kNoCode;  ///< Of the RST_STREAM that we asked for.
  http::Ending ending_ = http::Ending::none;
};

static_assert(sizeof(Stream) <= 56, "a million of them wait idle");

}  // namespace sluice::h2
