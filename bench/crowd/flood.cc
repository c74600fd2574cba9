/// FloodScene: behind a relay, one reader that takes little of a stream that has no end, beside
/// others that have events at a steady rate from the same application.
///
/// The reader has a connection and a small window of its own, and gives back what it takes. What
/// the relay asks of the application for it, what it keeps, and what the others feel, is measured:
/// first alone, then beside it.
#include <algorithm>
#include <optional>

#include "bench/common/process_stats.h"
#include "bench/crowd/scenes.h"
#include "bench/load/source.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kSteps = 10;  ///< In a second: of taking, and of looking at memory.
constexpr std::uint64_t kStep = 1'000'000'000 / kSteps;
constexpr std::int32_t kWindow = 65'535;  ///< HTTP/2's own, before anybody says another.

/// The reader that takes little.
class Flooded final : private Watcher {
 public:
  Flooded(const CrowdOptions& options, const Poller& poller)
      : number_(options.load.subscribers()),
        options_(one_of(options, number_)),
        audience_(options_) {
    audience_.has_slow = true;
    auto path = path_of(options, number_);
    audience_.plan = [path](std::size_t) { return StreamPlan{.path = path, .pace = Pace::slow}; };
    poller.add(audience_.poller, this);
    subscriber_.emplace(audience_, 0);
  }

  /// Its number in the application: behind all others.
  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] bool is_ready() const { return audience_.counts.streams_ready == 1; }
  [[nodiscard]] std::uint64_t bytes() const { return audience_.counts.bytes; }
  [[nodiscard]] std::uint64_t faults() const {
    const auto& order = audience_.ledger.faults();
    return audience_.connection_faults() + audience_.counts.damaged + audience_.counts.foreign +
           audience_.ledger.gaps([](std::size_t) { return 0; }) + order.duplicates +
           order.out_of_order;
  }
  void take(std::size_t bytes) { subscriber_->take_slowly(bytes); }

 private:
  static std::string path_of(const CrowdOptions& options, std::size_t number) {
    Options flood = options.load;
    flood.rate = Options::kAsFastAsItGoes;
    flood.size = options.flood_size;
    return flood.path_of(number);
  }
  /// What it reads is checked as of one publisher among several: that of its number.
  static Options one_of(const CrowdOptions& options, std::size_t number) {
    Options one = options.load;
    one.source = {};
    one.publishers = number + 1;
    one.connections = one.streams = 1;
    one.size = options.flood_size;
    one.stream_window = kWindow;
    return one;
  }
  void on_ready(std::uint32_t) override { audience_.poller.turn(0, 1); }

  const std::size_t number_;
  const Options options_;
  Audience audience_;
  std::optional<Subscriber> subscriber_;
};

class FloodScene final : public Scene {
 public:
  explicit FloodScene(const CrowdOptions& options) : Scene(options), source_(options.load.source) {}

 private:
  bool play() override {
    if (!connect_all()) return false;
    Histogram alone, beside;
    turn_for(options().load.warm_up_ns);
    phase(alone);
    const auto before_kib = rss_kib(options().load.server_pids);
    flooded_.emplace(options(), audience().poller);
    next_step_ns_ = now_ns();
    if (!turn_until(options().load.setup_limit_ns, [&] { return flooded_->is_ready(); })) {
      fault("flood_not_ready") += 1;
      return false;
    }
    turn_for(options().load.warm_up_ns);
    const auto sent = bytes_of_flood();
    const auto taken = flooded_->bytes();
    const auto from = usage();
    phase(beside);
    const auto to = usage();
    const auto seconds = static_cast<double>(to.at_ns - from.at_ns) / 1e9;
    measured(from, to);
    add("client_kb_per_s", static_cast<double>(flooded_->bytes() - taken) / 1e3 / seconds);
    add("upstream_kb_per_s", static_cast<double>(bytes_of_flood() - sent) / 1e3 / seconds);
    add("upstream_ahead_kib",
        (static_cast<double>(bytes_of_flood()) - static_cast<double>(flooded_->bytes())) / 1024);
    tell(alone, beside, before_kib);
    return drain();
  }

  void tell(const Histogram& alone, const Histogram& beside, std::uint64_t before_kib) {
    add("grown_mib", (static_cast<double>(peak_kib_) - static_cast<double>(before_kib)) / 1024);
    add("alone", alone);
    add("beside", beside);
    const auto calm = static_cast<double>(alone.percentile(0.99));
    add("beside_to_alone", calm > 0 ? static_cast<double>(beside.percentile(0.99)) / calm : 0);
  }

  void phase(Histogram& latency) {
    std::swap(audience().latency, latency);
    audience().measuring = true;
    turn_for(options().load.duration_ns);
    audience().measuring = false;
    std::swap(audience().latency, latency);
  }

  [[nodiscard]] std::uint64_t bytes_of_flood() const {
    return source_.counts().streams[flooded_->number()].bytes;
  }

  void each_turn() override {
    if (!flooded_ || now_ns() < next_step_ns_) return;
    next_step_ns_ += kStep;
    peak_kib_ = std::max(peak_kib_, rss_kib(options().load.server_pids));
    flooded_->take(options().slow_bytes / kSteps);
  }

  /// All but the flood are to have what the application sent them.
  bool drain() {
    const auto counts = source_.stop();
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < options().load.subscribers(); ++i)
      expected += counts.sequence_of(i);
    const bool is_done = turn_until(options().load.drain_limit_ns,
                                    [&] { return audience().counts.deliveries >= expected; });
    fault("gaps") +=
        audience().ledger.gaps([&](std::size_t stream) { return counts.sequence_of(stream); });
    fault("flood_faults") += flooded_->faults();
    return is_done;
  }

  const Source source_;
  std::optional<Flooded> flooded_;
  std::uint64_t next_step_ns_ = 0;
  std::uint64_t peak_kib_ = 0;
};

}  // namespace

std::unique_ptr<Scene> make_flood(const CrowdOptions& options) {
  return std::make_unique<FloodScene>(options);
}

}  // namespace sluice::bench
