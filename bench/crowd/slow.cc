/// SlowScene: readers that take little or nothing, among others that take all.
///
/// Slow are: `deaf` connections whose socket is not read; `stalled` streams of the others whose
/// window is never given back; `slow` streams that give a little back each second.
#include <algorithm>

#include "bench/common/process_stats.h"
#include "bench/crowd/scenes.h"
#include "bench/crowd/slow_plan.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kSteps = 10;  ///< A second: each connection has its own.
constexpr std::uint64_t kStep = 1'000'000'000 / kSteps;

class SlowScene final : public Scene {
 public:
  explicit SlowScene(const CrowdOptions& options)
      : Scene(options),
        plan_({.connections = options.load.connections,
               .streams = options.load.streams,
               .topics = options.load.topics,
               .block = options.block,
               .deaf = options.deaf,
               .stalled = options.stalled,
               .slow = options.slow}) {
    // The same flow control by hand, also in the run that has no slow streams.
    audience().has_slow = true;
    audience().plan = [this](std::size_t stream) {
      const auto path = this->options().load.subscribe.path;
      return StreamPlan{.path = path + "/" + std::to_string(plan_.topic_of(stream)),
                        .pace = plan_.pace_of(stream),
                        .is_measured = plan_.is_healthy(stream)};
    };
  }

 private:
  bool play() override {
    const auto& load = options().load;
    if (!connect_all()) return false;
    for (std::size_t i = load.connections - options().deaf; i < load.connections; ++i) {
      subscribers()[i]->turn_deaf();
    }
    const auto& counts = audience().counts;
    connected_kib_ = rss_kib(load.server_pids);
    feed_ = &add_feed({.topics = load.topics, .size = load.size});
    feed_->set_rate(options().rate);
    next_step_ns_ = now_ns();
    turn_for(load.warm_up_ns);
    const auto from = usage();
    const auto had = counts.deliveries;
    const auto healthy = counts.measured_deliveries;
    audience().measuring = true;
    turn_for(load.duration_ns);
    audience().measuring = false;
    const auto to = usage();
    const auto end_kib = rss_kib(load.server_pids);
    measured(from, to);
    tell(to.server_cpu_ns - from.server_cpu_ns, counts.deliveries - had,
         counts.measured_deliveries - healthy);
    add("end_mib", static_cast<double>(end_kib) / 1024);
    feed_->set_rate(0);
    return drain();
  }

  void tell(std::uint64_t cpu_ns, std::uint64_t deliveries, std::uint64_t healthy) {
    const auto ns = static_cast<double>(options().load.duration_ns);
    add("healthy", audience().latency);
    add("server_cpu_us_per_delivery", share(cpu_ns, deliveries) / 1e3);
    add("deliveries_per_s", static_cast<double>(deliveries) * 1e9 / ns);
    add("healthy_deliveries_per_s", static_cast<double>(healthy) * 1e9 / ns);
    add("slow_bytes_per_s", options().slow == 0 ? 0
                                                : static_cast<double>(given_) * 1e9 / ns_slow() /
                                                      static_cast<double>(options().slow));
    add("connected_mib", static_cast<double>(connected_kib_) / 1024);
    add("peak_mib", static_cast<double>(peak_kib_) / 1024);
  }

  [[nodiscard]] double ns_slow() const {
    return static_cast<double>(options().load.warm_up_ns + options().load.duration_ns);
  }

  void each_turn() override {
    if (next_step_ns_ == 0 || now_ns() < next_step_ns_) return;
    next_step_ns_ += kStep;
    step_ += 1;
    peak_kib_ = std::max(peak_kib_, rss_kib(options().load.server_pids));
    const auto hearing = subscribers().size() - options().deaf;
    for (auto i = step_ % kSteps; options().slow > 0 && i < hearing; i += kSteps) {
      given_ += subscribers()[i]->take_slowly(options().slow_bytes);
    }
  }

  bool drain() {
    const auto& load = options().load;
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < load.subscribers(); ++i) {
      if (plan_.is_healthy(i)) expected += feed_->published(plan_.topic_of(i));
    }
    const bool is_done = turn_until(
        load.drain_limit_ns, [&] { return audience().counts.measured_deliveries >= expected; });
    fault("gaps") += audience().ledger.gaps([this](std::size_t stream) {
      return plan_.is_healthy(stream) ? feed_->published(plan_.topic_of(stream)) : 0;
    });
    return is_done;
  }

  const SlowPlan plan_;
  Feed* feed_ = nullptr;
  std::uint64_t connected_kib_ = 0;
  std::uint64_t peak_kib_ = 0;
  std::uint64_t next_step_ns_ = 0;
  std::size_t step_ = 0;
  std::uint64_t given_ = 0;  ///< Bytes that slow streams took beyond their first window.
};

}  // namespace

std::unique_ptr<Scene> make_slow(const CrowdOptions& options) {
  return std::make_unique<SlowScene>(options);
}

}  // namespace sluice::bench
