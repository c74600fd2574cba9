/// FollowScene: an instance that follows all events of a journal, and has readers for few of them.
///
/// The events are published to another instance, on all topics in turn; each stream reads a topic
/// of its own among them. What the instance takes while nothing happens is measured first, with all
/// its readers, and is not counted.
#include <algorithm>
#include <functional>
#include <vector>

#include "bench/common/process_stats.h"
#include "bench/crowd/scenes.h"

namespace sluice::bench {
namespace {

class FollowScene final : public Scene {
 public:
  explicit FollowScene(const CrowdOptions& options) : Scene(options) {}

 private:
  bool play() override {
    const auto& load = options().load;
    if (!connect_all()) return false;
    feed_ = &add_feed({.topics = load.topics, .size = load.size, .pause_ns = options().pause_ns});
    turn_for(load.warm_up_ns);
    const auto idle_from = usage();
    turn_for(load.duration_ns);
    const auto idle_to = usage();
    feed_->set_rate(options().rate);
    turn_for(load.warm_up_ns);
    const auto published = feed_->published();
    const auto threads = thread_cpu_ns(load.server_pids);
    const auto from = usage();
    audience().measuring = true;
    turn_for(load.duration_ns);
    audience().measuring = false;
    const auto to = usage();
    tell_threads(threads, feed_->published() - published);
    tell(idle_from, idle_to, from, to, feed_->published() - published);
    feed_->set_rate(0);
    return drain();
  }

  // NOLINTNEXTLINE(readability-function-size): two spans of time, and what was in the second
  void tell(const Usage& idle_from, const Usage& idle_to, const Usage& from, const Usage& to,
            std::uint64_t events) {
    const auto ns = to.at_ns - from.at_ns;
    const auto idle =
        share(idle_to.server_cpu_ns - idle_from.server_cpu_ns, idle_to.at_ns - idle_from.at_ns);
    const auto busy = share(to.server_cpu_ns - from.server_cpu_ns, ns);
    add("follow_us_per_event",
        (busy - idle) * static_cast<double>(ns) / 1e3 / static_cast<double>(events));
    add("followed_per_s", share(events, ns) * 1e9);
    add("needed_per_s", share(audience().latency.count(), ns) * 1e9);
    add("idle_busy", idle);
    add("delay", audience().latency);
    measured(from, to, events);
  }

  /// What its two busiest threads took for each event.
  void tell_threads(const std::map<int, std::uint64_t>& before, std::uint64_t events) {
    std::vector<std::uint64_t> used{0, 0};
    for (const auto& [thread, ns] : thread_cpu_ns(options().load.server_pids)) {
      const auto was = before.find(thread);
      used.push_back(ns - (was == before.end() ? 0 : was->second));
    }
    std::sort(used.begin(), used.end(), std::greater<>());
    add("first_thread_us", share(used[0], events) / 1e3);
    add("second_thread_us", share(used[1], events) / 1e3);
  }

  bool drain() {
    const auto& load = options().load;
    const auto expected_of = [&](std::size_t stream) {
      return feed_->published(stream % load.topics);
    };
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < load.subscribers(); ++i) expected += expected_of(i);
    const bool is_done =
        turn_until(load.drain_limit_ns, [&] { return audience().counts.deliveries >= expected; });
    fault("gaps") += audience().ledger.gaps(expected_of);
    return is_done;
  }

  Feed* feed_ = nullptr;
};

}  // namespace

std::unique_ptr<Scene> make_follow(const CrowdOptions& options) {
  return std::make_unique<FollowScene>(options);
}

}  // namespace sluice::bench
