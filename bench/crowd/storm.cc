/// StormScene: streams that are served while others connect, again and again.
///
/// The newcomers are read one at a time between two looks at the streams that are measured, so
/// that their handshakes, which cost this program as much as the server, delay no reading by more
/// than one of them.
#include "bench/crowd/scenes.h"

namespace sluice::bench {
namespace {

/// Waves of connections with one stream each. A wave that is complete is closed, and the next
/// begins.
class Storm final : private Watcher {
 public:
  Storm(const Options& load, std::size_t newcomers, const Poller& poller)
      : options_(newcomers_of(load, newcomers)), poller_(poller) {}

  /// To be called after each turn.
  void proceed() {
    if (wave_ && wave_->audience.counts.connections_ready == options_.connections) close();
    if (!wave_) {
      wave_ = std::make_unique<Wave>(options_);
      poller_.add(wave_->audience.poller, this);
    }
    auto& [audience, newcomers] = *wave_;
    // One more in each turn, for the same reason.
    if (newcomers.size() < options_.connections &&
        newcomers.size() < audience.counts.connections_ready + options_.connecting) {
      newcomers.push_back(std::make_unique<Subscriber>(audience, newcomers.size()));
    }
  }
  void close() {
    if (!wave_) return;
    closed_ += wave_->audience.counts.connections_ready;
    faults_ += wave_->audience.connection_faults();
    wave_.reset();
  }
  [[nodiscard]] std::uint64_t connections() const {
    return closed_ + (wave_ ? wave_->audience.counts.connections_ready : 0);
  }
  [[nodiscard]] std::uint64_t faults() const {
    return faults_ + (wave_ ? wave_->audience.connection_faults() : 0);
  }
  /// Newcomers can begin at once, without waiting for anything to happen.
  [[nodiscard]] bool is_eager() const {
    return !wave_ || (wave_->newcomers.size() < options_.connections &&
                      wave_->newcomers.size() <
                          wave_->audience.counts.connections_ready + options_.connecting);
  }

 private:
  struct Wave {
    explicit Wave(const Options& options) : audience(options) {}
    Audience audience;
    std::vector<std::unique_ptr<Subscriber>> newcomers;
  };

  static Options newcomers_of(const Options& load, std::size_t newcomers) {
    Options options = load;
    options.connections = newcomers;
    options.streams = 1;
    options.topics = 0;
    options.subscribe.path = "/events/storm";
    return options;
  }
  void on_ready(std::uint32_t) override { wave_->audience.poller.turn(0, 1); }

  const Options options_;
  const Poller& poller_;
  std::unique_ptr<Wave> wave_;
  std::uint64_t closed_ = 0;
  std::uint64_t faults_ = 0;
};

class StormScene final : public Scene {
 public:
  explicit StormScene(const CrowdOptions& options)
      : Scene(options), storm_(options.load, options.newcomers, audience().poller) {}

 private:
  bool play() override {
    const auto& load = options().load;
    if (!connect_all()) return false;
    feed_ = &add_feed({.topics = load.topics, .size = load.size});
    feed_->set_rate(options().rate);
    Histogram alone, stormy;
    phase(alone);
    is_storming_ = true;
    const auto before = storm_.connections();
    const auto from = usage();
    phase(stormy);
    const auto to = usage();
    const auto came = storm_.connections() - before;
    is_storming_ = false;
    fault("newcomers_failed") += storm_.faults();
    storm_.close();
    phase(alone);
    measured(from, to);
    add("alone", alone);
    add("stormy", stormy);
    const auto calm = static_cast<double>(alone.percentile(0.99));
    add("stormy_to_alone", calm > 0 ? static_cast<double>(stormy.percentile(0.99)) / calm : 0);
    add("connections_per_s",
        static_cast<double>(came) * 1e9 / static_cast<double>(to.at_ns - from.at_ns));
    feed_->set_rate(0);
    return drain();
  }

  void phase(Histogram& latency) {
    turn_for(options().load.warm_up_ns);
    std::swap(audience().latency, latency);
    audience().measuring = true;
    turn_for(options().load.duration_ns);
    audience().measuring = false;
    std::swap(audience().latency, latency);
  }

  bool drain() {
    const auto& load = options().load;
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < load.subscribers(); ++i) {
      expected += feed_->published(i % load.topics);
    }
    const bool is_done =
        turn_until(load.drain_limit_ns, [&] { return audience().counts.deliveries >= expected; });
    fault("gaps") += audience().ledger.gaps(
        [&](std::size_t stream) { return feed_->published(stream % load.topics); });
    return is_done;
  }

  void each_turn() override {
    if (is_storming_) storm_.proceed();
  }
  [[nodiscard]] bool is_eager() const override { return is_storming_ && storm_.is_eager(); }

  Storm storm_;
  Feed* feed_ = nullptr;
  bool is_storming_ = false;
};

}  // namespace

std::unique_ptr<Scene> make_storm(const CrowdOptions& options) {
  return std::make_unique<StormScene>(options);
}

}  // namespace sluice::bench
