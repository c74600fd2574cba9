/// MillionScene: as many streams as the machine holds: opened, kept, fed and drained.
#include <algorithm>
#include <array>
#include <csignal>
#include <unistd.h>

#include "bench/common/process_stats.h"
#include "bench/crowd/scenes.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kLook = 50'000'000;

class MillionScene final : public Scene {
 public:
  using Scene::Scene;

 private:
  bool play() override {
    const auto& load = options().load;
    const auto& counts = audience().counts;
    const auto all = load.subscribers();
    const auto start_kib = rss_kib(load.server_pids);
    const auto from = usage();
    const bool is_open = step("open", [this] { return connect_all(); });
    add("kib_per_stream", (static_cast<double>(server_kib_) - static_cast<double>(start_kib)) /
                              static_cast<double>(all));
    if (!is_open) return false;
    const bool is_kept = step("heartbeat", [&] {
      return turn_until(options().heartbeat_limit_ns,
                        [&] { return counts.streams_with_heartbeat == all; });
    });
    fault("streams_without_heartbeat") += all - counts.streams_with_heartbeat;
    feed_ = &add_feed({.topics = load.topics, .size = load.size});
    turn_until(load.drain_limit_ns, [this] { return feed_->is_open(); });
    const bool is_fed = step("event", [this] { return feed_all(); });
    add("deliveries", static_cast<double>(counts.deliveries));
    measured(from, usage());
    const bool is_drained = finish_feeds() && step("drain", [this] { return drain(); });
    add("drained", static_cast<double>(counts.goodbyes));
    const std::array<int, 1> own{getpid()};
    add("load_rss_mib", static_cast<double>(rss_kib(own)) / 1024);
    add("peak_mib", static_cast<double>(peak_kib_) / 1024);
    return is_kept && is_fed && is_drained;
  }

  /// NAME_s, NAME_cpu_s and NAME_mib: its time, and the server's CPU and its memory at the end.
  bool step(const std::string& name, const std::function<bool()>& perform) {
    const auto begin = now_ns();
    look();
    const auto cpu = server_cpu_ns_;
    const bool is_done = perform();
    const auto end = now_ns();
    look();
    add(name + "_s", static_cast<double>(end - begin) / 1e9);
    add(name + "_cpu_s", static_cast<double>(server_cpu_ns_ - cpu) / 1e9);
    add(name + "_mib", static_cast<double>(server_kib_) / 1024);
    return is_done;
  }

  /// One event for each stream.
  bool feed_all() {
    const auto& load = options().load;
    feed_->publish(load.topics);
    const bool is_done = turn_until(
        load.drain_limit_ns, [&] { return audience().counts.deliveries >= load.subscribers(); });
    fault("gaps") += audience().ledger.gaps([](std::size_t) { return std::uint32_t{1}; });
    return is_done;
  }

  /// The server is told to end; each stream must be ended by it, in order.
  bool drain() {
    const auto& load = options().load;
    const auto& counts = audience().counts;
    audience().expects_goodbye = true;
    for (const int pid : load.server_pids) kill(pid, SIGTERM);
    const bool is_done = turn_until(load.drain_limit_ns, [&] {
      return counts.goodbyes + counts.streams_ended + counts.streams_reset >= load.subscribers();
    });
    fault("streams_cut") +=
        load.subscribers() - counts.goodbyes - counts.streams_ended - counts.streams_reset;
    return is_done;
  }

  void each_turn() override {
    if (now_ns() >= looked_ns_ + kLook) look();
  }

  /// What the server used is read again and again: it ends before the last stream's end is seen.
  void look() {
    const auto& pids = options().load.server_pids;
    looked_ns_ = now_ns();
    server_cpu_ns_ = std::max(server_cpu_ns_, cpu_ns(pids));
    const auto kib = rss_kib(pids);
    if (kib > 0) server_kib_ = kib;
    peak_kib_ = std::max(peak_kib_, kib);
  }

  Feed* feed_ = nullptr;
  std::uint64_t looked_ns_ = 0;
  std::uint64_t server_cpu_ns_ = 0;
  std::uint64_t server_kib_ = 0;
  std::uint64_t peak_kib_ = 0;
};

}  // namespace

std::unique_ptr<Scene> make_million(const CrowdOptions& options) {
  return std::make_unique<MillionScene>(options);
}

}  // namespace sluice::bench
