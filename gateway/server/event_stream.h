/// EventStream: the answer to a subscription: a reader's events as the body of a response.
///
/// It puts the lines that are not events between them: the first ones, which leave with the
/// headers; heartbeats, when nothing was written for the interval; and a last `retry` when the
/// stream is ended. None of them ever stands inside an event.
///
/// Owner   its session, as every http::Answer. Thread  its worker only.
#pragma once

#include <memory>
#include <string>

#include "gateway/base/intrusive_list.h"
#include "gateway/base/random.h"
#include "gateway/base/timer_wheel.h"
#include "gateway/http/exchange.h"
#include "gateway/hub/subscription.h"
#include "gateway/net/loop.h"
#include "gateway/server/config.h"
#include "gateway/server/counters.h"

namespace sluice::server {

struct EventStreamTag;

class EventStream final : public http::Answer,
                          public hub::Subscriber,
                          public ListHook<EventStreamTag>,
                          private Deadline {
 public:
  /// What a worker's streams have in common.
  struct Setting {
    net::Loop& loop;
    const HeartbeatOptions& heartbeat;
    const RetryOptions& retry;
    Counters& counters;
  };

  EventStream(http::Exchange& exchange, const Setting& setting);
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;
  ~EventStream() override;

  /// Once, directly after construction: the subscription was made with this as its subscriber.
  void start(std::unique_ptr<hub::Subscription> subscription);
  /// Finishes the event that was begun, says when to come back, and ends the body.
  void end(Millis retry);

  void on_body(std::string_view bytes) override { exchange_.consume(bytes.size()); }
  void on_body_end() override {}
  Ready ready(std::size_t max) override;
  void take(std::span<std::byte> out) override;
  void wake() override { exchange_.wake(); }
  /// The hub ends it: back as soon as the client likes.
  void close() override { end(jitter(setting_.retry.min, setting_.retry.max)); }

 private:
  void on_deadline(TimePoint now) override;
  [[nodiscard]] std::size_t text_left() const { return text_.size() - text_taken_; }
  std::span<std::byte> take_text(std::span<std::byte> out);

  http::Exchange& exchange_;
  const Setting& setting_;
  std::unique_ptr<hub::Subscription> subscription_;
  std::string text_;  ///< Lines of ours, to be sent at the next boundary of events.
  std::size_t text_taken_ = 0;
  TimePoint last_write_;
  Duration interval_;  ///< Of heartbeats; 0: none.
  bool is_ending_ = false;
};

/// The head of every answer that is an event stream.
http::Response event_stream_head();

}  // namespace sluice::server
