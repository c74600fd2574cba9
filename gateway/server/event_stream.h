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
#include "gateway/base/slab.h"
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
  TimePoint ends = TimePoint::max();          ///< When its token is no longer good, or it is old.
  bool ends_by_age = false;                   ///< The latter.
  std::string client;  ///< The real one's address, where it is not the connection's.
};

class EventStream final : public http::Answer,
                          public InSlab,
                          public hub::Subscriber,
                          public ListHook<EventStreamTag>,
                          private Deadline {
 public:
  /// What a worker's streams have in common.
  struct Setting {
    Slab& memory;  ///< Of EventStream; it outlives all of them.
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
  // For a list of streams.
  [[nodiscard]] const http::Exchange& exchange() const { return exchange_; }
  /// Null until it has begun.
  [[nodiscard]] const hub::Subscription* subscription() const { return subscription_.get(); }
  [[nodiscard]] std::string_view client() const {
    return tenure_ == nullptr ? std::string_view() : tenure_->client;
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] TimePoint begun() const { return TimePoint(std::chrono::seconds(begun_)); }
  /// For who has to do with it later, when it may be gone.
  [[nodiscard]] std::weak_ptr<EventStream*> handle();
  /// Finishes the event that was begun, says when to come back, and ends the body. `why`: what a
  /// log says of it.
  void end(Millis retry, http::Ending why = http::Ending::drained);
  /// The same, and lets go of everything else at once: its client may not read for long.
  void shed(Millis retry);
  /// The place from which it reads history, while it is behind; none: it keeps up.
  [[nodiscard]] std::optional<sse::Position> lagging_at() const;

  void on_body(std::string_view bytes) override { exchange_.consume(bytes.size()); }
  void on_body_end() override {}
  Ready ready(std::size_t max) override;
  void take(std::span<std::byte> out) override;
  void wake() override { exchange_.wake(); }
  [[nodiscard]] http::Progress progress() const override;
  /// The hub ends it: back as soon as the client likes.
  void close(bool is_slow) override {
    end(soon(), is_slow ? http::Ending::slow : http::Ending::unreadable);
  }
  void end_in_order() override { end(soon(), http::Ending::connection_age); }

 private:
  /// Lines of ours, to be sent at the next boundary of events.
  struct Text {
    std::string bytes;
    std::size_t taken = 0;
  };

  void on_deadline(TimePoint now) override;
  /// Adds a line of ours, to be sent at the next boundary of events.
  void say(std::string_view line);
  void arm(TimePoint since);
  [[nodiscard]] Millis soon() const { return jitter(setting_.retry.min, setting_.retry.max); }
  [[nodiscard]] Millis interval() const { return Millis(interval_); }
  /// Right for 49 days; then a heartbeat may be late once.
  [[nodiscard]] TimePoint last_write(TimePoint now) const;
  void note_write(TimePoint now);
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
  std::unique_ptr<Text> text_;    ///< Null: nothing of ours is to be sent.
  std::uint64_t bytes_ : 43 = 0;  ///< Taken; beyond 8 TiB they are counted from 0 again.
  std::uint64_t interval_ : 20;   ///< Of heartbeats, in milliseconds; 0: none.
  std::uint64_t is_ending_ : 1 = 0;
  std::uint32_t begun_;       ///< In seconds of the clock.
  std::uint32_t last_write_;  ///< In milliseconds of the clock, without those above 2^32.
};

static_assert(sizeof(EventStream) <= 136, "a million of them wait idle");

/// A worker's, those that a drain may end.
using EventStreams = IntrusiveList<EventStream, EventStreamTag>;

/// The head of every answer that is an event stream. `is_private`: it is for this client alone.
http::Response event_stream_head(bool is_private = false);

}  // namespace sluice::server
