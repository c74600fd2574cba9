/// FairScene: one firehose and many quiet streams on each connection.
///
/// The quiet streams are measured alone; with the firehose as fast as it will go, which also tells
/// how fast that is; with the firehose at a share of that; and alone again, so that what changes
/// on the machine meanwhile is on both sides.
#include <utility>

#include "bench/common/args.h"
#include "bench/crowd/scenes.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr double kAsFastAsItGoes = 1e9;  ///< Events a second; what is under way bounds it.

class FairScene final : public Scene {
 public:
  explicit FairScene(const CrowdOptions& options) : Scene(options) {
    // Stream 0 of each connection reads the firehose, bench/0.
    audience().plan = [&options](std::size_t stream) {
      const auto topic = stream % options.load.streams;
      return StreamPlan{.path = options.load.subscribe.path + "/" + std::to_string(topic),
                        .is_measured = topic != 0};
    };
  }

 private:
  bool play() override {
    const auto& load = options().load;
    if (load.streams < 2) die("--streams: a firehose and a quiet stream at least");
    if (!connect_all()) return false;
    quiet_ = &add_feed({.first_topic = 1, .topics = load.streams - 1, .size = load.size});
    firehose_ = &add_feed(
        {.size = load.size, .pause_ns = kMillisecond, .in_flight = options().firehose_in_flight});
    quiet_->set_rate(options().rate);
    Histogram alone, full, shared;
    phase(alone, 0);
    const auto most = phase(full, kAsFastAsItGoes);
    const auto from = usage();
    const auto had = phase(shared, most * static_cast<double>(options().firehose_share) / 100);
    const auto to = usage();
    phase(alone, 0);
    quiet_->set_rate(0);
    measured(from, to);
    tell(alone, shared, full);
    add("firehose_per_s", had);
    add("firehose_most_per_s", most);
    return drain();
  }

  /// Deliveries of the firehose in each second.
  double phase(Histogram& latency, double firehose_rate) {
    const auto& load = options().load;
    firehose_->set_rate(firehose_rate);
    turn_for(load.warm_up_ns);
    std::swap(audience().latency, latency);
    audience().measuring = true;
    const auto before = firehose_deliveries();
    const auto begin = now_ns();
    turn_for(load.duration_ns);
    audience().measuring = false;
    std::swap(audience().latency, latency);
    const auto seconds = static_cast<double>(now_ns() - begin) / 1e9;
    const auto each = (firehose_deliveries() - before) / load.connections;
    return static_cast<double>(each) / seconds;
  }

  void tell(const Histogram& alone, const Histogram& shared, const Histogram& full) {
    const auto p99 = [](const Histogram& it) { return static_cast<double>(it.percentile(0.99)); };
    add("alone", alone);
    add("shared", shared);
    add("full", full);
    add("shared_to_alone", p99(alone) > 0 ? p99(shared) / p99(alone) : 0);
    add("full_to_alone", p99(alone) > 0 ? p99(full) / p99(alone) : 0);
    add("quiet_events", static_cast<double>(alone.count() + shared.count() + full.count()));
  }

  bool drain() {
    const auto& load = options().load;
    firehose_->set_rate(0);
    const bool is_done = turn_until(load.drain_limit_ns, [&] {
      return audience().counts.deliveries >=
             (quiet_->published() + firehose_->published()) * load.connections;
    });
    fault("gaps") += audience().ledger.gaps([&](std::size_t stream) {
      const auto topic = stream % load.streams;
      return topic == 0 ? firehose_->published(topic) : quiet_->published(topic);
    });
    return is_done;
  }

  [[nodiscard]] std::uint64_t firehose_deliveries() const {
    const auto& counts = audience().counts;
    return counts.deliveries - counts.measured_deliveries;
  }
  [[nodiscard]] std::uint64_t delivered() const override {
    return firehose_deliveries() / options().load.connections;
  }

  Feed* quiet_ = nullptr;
  Feed* firehose_ = nullptr;
};

}  // namespace

std::unique_ptr<Scene> make_fair(const CrowdOptions& options) {
  return std::make_unique<FairScene>(options);
}

}  // namespace sluice::bench
