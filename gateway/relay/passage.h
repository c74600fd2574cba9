/// Passage: a client's exchange with an upstream exchange of its own.
///
/// Bytes pass through as they come: the request's body is pulled up by the upstream's session, the
/// answer's body is pulled down by the client's, and what one side does not take, the other is not
/// asked for. An event stream passes an EventFilter, gets heartbeats while its upstream is silent,
/// and may be answered before its upstream is.
///
///   begin ─► head ─► body… ─► end            failed before the head: 502, 503, 504, or parked
///     └─ early: 200, comments ─► head ─► …   failed after it: broken off, or an error event
///
/// Owner   the client's session, as every http::Answer. Thread  its worker only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "gateway/base/slab.h"
#include "gateway/base/timer_wheel.h"
#include "gateway/http/exchange.h"
#include "gateway/relay/byte_queue.h"
#include "gateway/relay/event_filter.h"
#include "gateway/relay/heartbeat.h"
#include "gateway/relay/parting.h"
#include "gateway/relay/route_context.h"
#include "gateway/relay/stream.h"
#include "gateway/relay/tenure.h"
#include "gateway/relay/upload.h"
#include "gateway/relay/upstream_call.h"

namespace sluice::relay {

class Passage final : public Stream, public InSlab, private UpstreamCall, private Deadline {
 public:
  using http::Answer::Ready;  // The Caller's is the same.

  Passage(RouteContext& route, http::Exchange& exchange, const http::Request& request, Terms terms);
  ~Passage() override;

  /// Sends the request upstream. Once, before anything else.
  void begin(http::Outgoing request);

  // http::Answer
  void on_body(std::string_view bytes) override;
  void on_body_end() override;
  Ready ready(std::size_t max) override;
  void take(std::span<std::byte> out) override;
  /// What its upstream has done already is not taken back.
  [[nodiscard]] bool ends_with_client() const override { return state_ != State::complete; }
  void end_in_order() override;
  [[nodiscard]] http::Progress progress() const override;
  // Stream
  void end(Millis retry, http::Ending why) override;
  void cut(Millis retry, http::Ending why) override;
  [[nodiscard]] std::string_view subject() const override { return tenure_.subject(); }
  [[nodiscard]] Facts facts() const override;

 private:
  /// What has become of the answer.
  enum class State : std::uint8_t {
    waiting,   ///< Nothing was said to the client.
    early,     ///< The head of a stream was, and the upstream has not answered.
    open,      ///< The upstream's head was passed on.
    late,      ///< The upstream's answer cannot be passed on: its body is gathered for the error.
    complete,  ///< All that will come is in `out_`.
    broken,    ///< The same, and the answer breaks off behind it.
  };

  // UpstreamCall
  void on_answer(http::Response head, std::optional<std::uint64_t> length) override;
  void on_bytes(std::string_view bytes) override;
  void on_complete(bool until_close) override;
  void on_broken(const Broken& broken) override;
  Ready body_ready(std::size_t max) override { return upload_.ready(max); }
  void give_body(std::span<std::byte> out) override;

  /// Passes the upstream's head on. False: it is a stream's, and somebody else answers.
  bool open(http::Response head, std::optional<std::uint64_t> length);
  /// False: there is no room for an event stream, and somebody else answers.
  bool admit();
  void begin_stream();
  void put(std::string_view bytes) { out_.add(bytes, route_.memory.pieces); }
  /// What was given to the client is given back to the upstream.
  void pay(std::size_t n);
  void complete();
  void break_off();
  void end_at_boundary();
  /// An answer of ours instead of the upstream's, where nothing was said yet.
  void refuse(const Parting& parting);
  /// Tells the client, in the route's form, what became of an answer that was begun.
  void fail(const Parting& parting);
  /// As much of an answer that came too late as is there: nobody waits for an end of it.
  void tell_late();

  void on_deadline(TimePoint now) override;
  void arm(TimePoint now);
  void answer_early();
  [[nodiscard]] bool may_answer_early() const;

  // Set in the constructor.
  RouteContext& route_;
  http::Exchange& exchange_;

  Tenure tenure_;
  Upload upload_;
  ByteQueue out_;  ///< For the client.
  // One byte, which stands in what the filter leaves of its last word.
  [[no_unique_address]] EventFilter filter_;
  State state_ : 3 = State::waiting;
  bool is_event_stream_ : 1 = false;
  bool is_get_ : 1 = false;
  bool is_ending_ : 1 = false;  ///< As soon as no event is begun.
  std::uint64_t sent_ = 0;      ///< To the client.
  TimePoint last_read_;         ///< From the upstream; before its head, when the request came.
  TimePoint last_write_;        ///< To the client.
  std::uint32_t unpaid_ = 0;    ///< Of what the upstream sent; what it may send is far less.
  Pulse pulse_;
  std::chrono::duration<std::uint32_t, std::milli> retry_{};  ///< With is_ending_.
  const std::uint32_t begun_;                                 ///< In seconds of the clock.
};
static_assert(sizeof(Passage) <= 184, "each relayed stream has one");

}  // namespace sluice::relay
