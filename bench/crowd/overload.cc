/// OverloadScene: readers that are served while hostile clients from 200 addresses offer three
/// times what the limits allow: connections, streams, and memory.
///
/// The readers are measured alone, then under the attack. They must lose nothing, the server must
/// stay within its budget of memory, and when the attack is over a newcomer must be served as if
/// nothing had been.
#include <algorithm>

#include "bench/common/process_stats.h"
#include "bench/crowd/attackers.h"
#include "bench/crowd/scenes.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kLook = 20'000'000;          ///< At memory.
constexpr std::uint64_t kTry = 500'000'000;          ///< For a newcomer to be served.
constexpr std::uint64_t kRecovery = 60'000'000'000;  ///< Longer is a fault.

class OverloadScene final : public Scene {
 public:
  explicit OverloadScene(const CrowdOptions& options)
      : Scene(options), attackers_(options, audience().poller) {}

 private:
  bool play() override {
    const auto& load = options().load;
    if (!connect_all()) return false;
    feed_ = &add_feed({.topics = load.topics, .size = load.size});
    // The attackers find a history that is worth asking for.
    feed_->publish(options().history);
    const auto filling = options().history * load.subscribers();
    if (!turn_until(load.setup_limit_ns, [&] { return audience().counts.deliveries >= filling; })) {
      return false;
    }
    feed_->set_rate(options().rate);
    Histogram alone, attacked;
    phase(alone);
    is_attacking_ = true;
    const auto from = usage();
    phase(attacked);
    const auto to = usage();
    is_attacking_ = false;
    attackers_.leave();
    recover();
    measured(from, to);
    tell(alone, attacked);
    feed_->set_rate(0);
    return drain();
  }

  void tell(const Histogram& alone, const Histogram& attacked) {
    add("alone", alone);
    add("attacked", attacked);
    const auto calm = static_cast<double>(alone.percentile(0.99));
    add("attacked_to_alone", calm > 0 ? static_cast<double>(attacked.percentile(0.99)) / calm : 0);
    const auto peak = static_cast<double>(peak_kib_) / 1024;
    const auto budget = static_cast<double>(options().budget_mib);
    add("peak_mib", peak);
    add("peak_to_budget", peak / budget);
    fault("over_budget") += peak > budget ? 1 : 0;
    add("attempts", static_cast<double>(attackers_.attempts()));
  }

  void phase(Histogram& latency) {
    turn_for(options().load.warm_up_ns);
    std::swap(audience().latency, latency);
    audience().measuring = true;
    turn_for(options().load.duration_ns);
    audience().measuring = false;
    std::swap(audience().latency, latency);
  }

  /// Newcomers, one after the other, until one is served and not sent away.
  void recover() {
    Options one = options().load;
    one.connections = one.streams = 1;
    const auto begin = now_ns();
    while (now_ns() - begin < kRecovery) {
      Audience newcomer(one);
      const Subscriber subscriber(newcomer, 0);
      turn_until(kTry, [&] {
        newcomer.poller.turn(0);
        return newcomer.connection_faults() > 0;
      });
      if (newcomer.counts.streams_ready == 1 && newcomer.connection_faults() == 0) {
        add("recovered_s", static_cast<double>(now_ns() - begin - kTry) / 1e9);
        return;
      }
    }
    fault("not_recovered") += 1;
  }

  [[nodiscard]] std::uint64_t expected() const {
    const auto& load = options().load;
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < load.subscribers(); ++i) all += feed_->published(i % load.topics);
    return all;
  }

  bool drain() {
    const auto& load = options().load;
    const bool is_done =
        turn_until(load.drain_limit_ns, [&] { return audience().counts.deliveries >= expected(); });
    fault("gaps") += audience().ledger.gaps(
        [&](std::size_t stream) { return feed_->published(stream % load.topics); });
    return is_done;
  }

  void each_turn() override {
    if (is_attacking_) attackers_.proceed();
    if (now_ns() < next_look_ns_) return;
    next_look_ns_ = now_ns() + kLook;
    peak_kib_ = std::max(peak_kib_, rss_kib(options().load.server_pids));
  }
  [[nodiscard]] bool is_eager() const override { return is_attacking_ && attackers_.is_eager(); }

  Attackers attackers_;
  Feed* feed_ = nullptr;
  bool is_attacking_ = false;
  std::uint64_t next_look_ns_ = 0;
  std::uint64_t peak_kib_ = 0;
};

}  // namespace

std::unique_ptr<Scene> make_overload(const CrowdOptions& options) {
  return std::make_unique<OverloadScene>(options);
}

}  // namespace sluice::bench
