/// EventStream: the answer to a subscription: a reader's events as the body of a response.
///
/// It puts the lines that are not events between them: the first ones, which leave with the
/// headers; heartbeats, when nothing was written for the interval; and a last `retry` when the
/// stream is ended. None of them ever stands inside an event.
///
/// Owner   its session, as every http::Answer. Thread  its worker only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/intrusive_list.h"
#include "gateway/base/random.h"
#include "gateway/base/timer_wheel.h"
#include "gateway/http/exchange.h"
#include "gateway/hub/subscription.h"
#include "gateway/net/loop.h"
#include "gateway/server/addresses.h"
#include "gateway/server/config.h"
#include "gateway/server/counters.h"
#include "gateway/server/presence.h"
#include "gateway/server/subjects.h"

namespace sluice::server {

struct EventStreamTag;

/// What a stream holds as long as it is open.
struct Tenure {
  Subjects::Lease subject;
  std::unique_ptr<Presence::Lease> presence;  ///< Null: nobody is told of it.
  TimePoint ends = TimePoint::max();          ///< When its token is no longer good.
};

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

  /// Once: the subscription was made with this as its subscriber. Until then nothing is sent.
  void start(std::unique_ptr<hub::Subscription> subscription);
  /// What it holds beside its subscription; before start().
  void hold(Tenure tenure);
  void hold(Addresses::Stream place) { place_ = std::move(place); }
  [[nodiscard]] std::string_view subject() const;
  /// For who has to do with it later, when it may be gone.
  [[nodiscard]] std::weak_ptr<EventStream*> handle();
  /// Finishes the event that was begun, says when to come back, and ends the body.
  void end(Millis retry);
  /// The same, and lets go of everything else at once: its client may not read for long.
  void shed(Millis retry);
  /// The place from which it reads history, while it is behind; none: it keeps up.
  [[nodiscard]] std::optional<sse::Position> lagging_at() const;

  void on_body(std::string_view bytes) override { exchange_.consume(bytes.size()); }
  void on_body_end() override {}
  Ready ready(std::size_t max) override;
  void take(std::span<std::byte> out) override;
  void wake() override { exchange_.wake(); }
  /// The hub ends it: back as soon as the client likes.
  void close() override { end(jitter(setting_.retry.min, setting_.retry.max)); }
  void end_in_order() override { close(); }

 private:
  /// Lines of ours, to be sent at the next boundary of events.
  struct Text {
    std::string bytes;
    std::size_t taken = 0;
  };

  void on_deadline(TimePoint now) override;
  /// Adds a line of ours, to be sent at the next boundary of events.
  void say(std::string_view line);
  void arm(TimePoint now);
  /// When its token is no longer good.
  [[nodiscard]] TimePoint ends() const {
    return tenure_ == nullptr ? TimePoint::max() : tenure_->ends;
  }
  [[nodiscard]] std::size_t rest_of_event() const {
    return subscription_ == nullptr ? 0 : subscription_->rest_of_event();
  }
  [[nodiscard]] std::size_t text_left() const {
    return text_ == nullptr ? 0 : text_->bytes.size() - text_->taken;
  }
  std::span<std::byte> take_text(std::span<std::byte> out);

  http::Exchange& exchange_;
  const Setting& setting_;
  std::unique_ptr<hub::Subscription> subscription_;
  std::unique_ptr<Tenure> tenure_;  ///< Null for most anonymous streams.
  Addresses::Stream place_;         ///< Among its address's. Null: it is not counted.
  /// Made when somebody asks for it, and gone when it has begun: so it has no room of its own here.
  std::unique_ptr<std::shared_ptr<EventStream*>> handle_;
  std::unique_ptr<Text> text_;  ///< Null: nothing of ours is to be sent.
  TimePoint last_write_;
  std::chrono::duration<std::uint32_t, std::milli> interval_;  ///< Of heartbeats; 0: none.
  bool is_ending_ = false;
};

static_assert(sizeof(EventStream) <= 136, "a million of them wait idle");

/// The head of every answer that is an event stream. `is_private`: it is for this client alone.
http::Response event_stream_head(bool is_private = false);

}  // namespace sluice::server
