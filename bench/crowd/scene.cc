#include "bench/crowd/scene.h"

#include <algorithm>

#include <fmt/core.h>

namespace sluice::bench {
namespace {

constexpr std::uint64_t kLongestTurn = 50'000'000;
/// A feed that is due and cannot send waits for its server, which wakes us: no need to spin, and to
/// take the core from whoever has it in common with us.
constexpr std::uint64_t kHeldUp = 100'000;

double in_ms(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

}  // namespace

Scene::Scene(const CrowdOptions& options)
    : options_(options),
      audience_(options.load),
      tls_(client_context("h2")),
      target_{options.publish, "text/event-stream", options.load.token} {}

bool Scene::perform() {
  const bool is_whole = play() && finish_feeds();
  faults_["unfinished"] += is_whole ? 0 : 1;
  for (const auto& feed : feeds_) {
    faults_["publish_failed"] += feed->fault().empty() ? 0U : 1U;
    faults_["publish_unanswered"] += feed->published() - feed->acknowledged();
  }
  add_faults(faults_, audience_, options_.load.subscribers());
  return is_whole;
}

Feed& Scene::add_feed(const Feed::Plan& plan) {
  feeds_.push_back(std::make_unique<Feed>(audience_.poller, tls_.get(), target_, plan));
  return *feeds_.back();
}

bool Scene::finish_feeds() {
  for (const auto& feed : feeds_) feed->finish();
  return turn_until(options_.load.drain_limit_ns, [this] {
    return std::all_of(feeds_.begin(), feeds_.end(),
                       [](const auto& feed) { return feed->is_over(); });
  });
}

bool Scene::connect_all() {
  const auto& load = options_.load;
  subscribers_.reserve(load.connections);
  const auto& counts = audience_.counts;
  turn_until(load.setup_limit_ns, [&] {
    while (subscribers_.size() <
           std::min<std::size_t>(load.connections, counts.connections_ready + load.connecting)) {
      subscribers_.push_back(
          std::make_unique<Subscriber>(audience_, subscribers_.size() * load.streams));
    }
    return counts.streams_ready == load.subscribers() || audience_.connection_faults() > 0;
  });
  return counts.streams_ready == load.subscribers();
}

bool Scene::turn_until(std::uint64_t limit_ns, const std::function<bool()>& is_done) {
  const auto deadline = now_ns() + limit_ns;
  for (auto now = now_ns(); now < deadline; now = now_ns()) {
    auto wake = std::min(deadline, now + kLongestTurn);
    for (const auto& feed : feeds_) {
      const bool is_due = feed->due_ns() <= now;
      const auto before = feed->published();
      feed->proceed(delivered());
      const bool is_held_up = is_due && feed->published() == before;
      wake = std::min(wake, std::max(feed->due_ns(), is_held_up ? now + kHeldUp : 0));
    }
    each_turn();
    if (is_done()) return true;
    now = now_ns();
    audience_.poller.turn(wake > now && !is_eager() ? wake - now : 0);
  }
  return is_done();
}

void Scene::turn_for(std::uint64_t duration_ns) {
  turn_until(duration_ns, [] { return false; });
}

void Scene::add(std::string_view name, const Histogram& latency) {
  add(fmt::format("{}_p50_ms", name), in_ms(latency.percentile(0.5)));
  add(fmt::format("{}_p99_ms", name), in_ms(latency.percentile(0.99)));
}

void Scene::measured(Usage from, Usage to, std::uint64_t events) {
  events_ = events;
  const auto ns = to.at_ns - from.at_ns;
  add("seconds", static_cast<double>(ns) / 1e9);
  add("server_busy", share(to.server_cpu_ns - from.server_cpu_ns, ns));
  add("own_busy", share(to.own_cpu_ns - from.own_cpu_ns, ns));
  from_ = std::move(from);
  to_ = std::move(to);
}

std::string Scene::text() const {
  std::string text;
  for (const auto& [name, value] : figures_) text += fmt::format("{:28} {:.4g}\n", name, value);
  text += fmt::format("{:28}{}\n", "faults", text_of(faults_));
  for (const auto& feed : feeds_) {
    if (!feed->fault().empty()) text += "a publishing stream said: " + feed->fault() + "\n";
  }
  return text;
}

std::string Scene::json() const {
  const auto& load = options_.load;
  std::string figures;
  for (const auto& [name, value] : figures_)
    figures += fmt::format("\"{}\": {:.6f}, ", name, value);
  return fmt::format(
      R"({{"asked": {{"scene": "{}", "connections": {}, "streams": {}, "topics": {}, "size": {}, )"
      R"("rate": {}, "stream_window": {}, "connection_window": {}}},)"
      "\n"
      R"("measured": {{{}"steal": {}, "redis": {}}},)"
      "\n"
      R"("faults": {}, "clean": {}}})"
      "\n",
      options_.scene, load.connections, load.streams, load.topics, load.size, options_.rate,
      load.stream_window, load.connection_window, figures, json_steal(from_, to_),
      json_redis(from_, to_, events_), json_of(faults_), is_clean(faults_));
}

}  // namespace sluice::bench
