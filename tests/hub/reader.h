/// What the hub's tests have in common: events out of thin air, and a reader that takes all it can.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/timer_wheel.h"
#include "gateway/hub/hub.h"
#include "gateway/sse/event_id.h"

namespace sluice::hub {

inline constexpr const char* kEpoch = "epoch000";

/// A hub, and the publisher of everything in it.
struct World {
  explicit World(Options options_ = {}) : options(std::move(options_)) {}

  void publish(std::string topic, std::string data) { publish({.topics = {topic}, .data = data}); }
  void publish(sse::Draft draft) {
    last = last.next();
    hub.publish(sse::make_event(std::move(draft), last, kEpoch));
  }
  void publish_many(const std::string& topic, int from, int to) {
    for (int i = from; i <= to; ++i) publish(topic, std::to_string(i));
  }

  Options options;
  Counters counters;
  sse::Position last{0};
  ManualClock clock;
  TimerWheel wheel{clock.now()};
  Hub hub{options, {.clock = clock, .wheel = wheel, .epoch = kEpoch}, counters};
};

/// A subscriber that keeps what it reads.
class Reader final : public Subscriber {
 public:
  Reader(World& world, Interest interest, Start start)
      : subscription_(
            std::move(*world.hub.subscribe(std::move(interest), std::move(start), *this))) {}
  Reader(World& world, std::vector<std::string> topics, Start start,
         std::vector<std::string> grants = {})
      : Reader(world, Interest::of(std::move(topics), std::move(grants)), std::move(start)) {}
  Reader(World& world, Interest interest) : Reader(world, std::move(interest), world.hub.now()) {}
  Reader(World& world, std::string topic) : Reader(world, {std::move(topic)}, world.hub.now()) {}
  /// Comes back with an id.
  Reader(World& world, std::string topic, std::string_view last_event_id)
      : Reader(world, {std::move(topic)}, world.hub.resolve(last_event_id)) {}

  void wake() override { ++woken; }
  void close(bool /*is_slow*/) override { is_closed = true; }
  /// At most `max` bytes, as one flush would take them. Returns how many there were.
  std::size_t read(std::size_t max = 1_MiB) {
    const std::size_t n = subscription_->ready(max).bytes;
    std::string bytes(n, '\0');
    subscription_->take(std::as_writable_bytes(std::span(bytes)));
    text += bytes;
    return n;
  }
  /// Until there is nothing more, with a turn of the hub between two reads.
  Reader& read_all(World& world, std::size_t piece = 1_MiB) {
    while (read(piece) > 0 || world.hub.has_work()) world.hub.wake_readers();
    return *this;
  }
  /// The data of all events read so far, separated by blanks; gaps as "gap(REASON)".
  [[nodiscard]] std::string events() const {
    std::string out;
    std::size_t at = 0;
    for (std::size_t end = 0; (end = text.find("\n\n", at)) != std::string::npos; at = end + 2) {
      const std::string block = text.substr(at, end - at);
      if (!out.empty()) out += ' ';
      const std::size_t data = block.find("data: ") + 6;
      if (block.find("event: gap") == std::string::npos) {
        out += block.substr(data);
      } else {
        const std::size_t reason = block.find("\"reason\":\"") + 10;
        out += "gap(" + block.substr(reason, block.find('"', reason) - reason) + ")";
      }
    }
    return out;
  }
  [[nodiscard]] Subscription& subscription() { return *subscription_; }
  void leave() { subscription_.reset(); }

  std::string text;
  int woken = 0;
  bool is_closed = false;

 private:
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace sluice::hub
