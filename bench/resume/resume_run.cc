#include "bench/resume/resume_run.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "bench/load/event_scanner.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kLongestTurn = 50'000'000;
constexpr std::size_t kPiece = 65'536;  ///< Of a stream's body.
constexpr std::uint64_t kOtherTopics = 1'000;
constexpr std::uint64_t kFiller = 1;  ///< Publisher that no stream knows.

void turn_until(const Poller& poller, std::uint64_t limit_ns,
                const std::function<bool(std::uint64_t now)>& is_done) {
  const auto begin = now_ns();
  for (auto now = begin; now < begin + limit_ns && !is_done(now); now = now_ns()) {
    poller.turn(std::min(kLongestTurn, begin + limit_ns - now));
  }
}

}  // namespace

double ResumeRun::Phase::seconds() const {
  return static_cast<double>(to.at_ns - from.at_ns) / 1e9;
}

double ResumeRun::Phase::server_us() const {
  return static_cast<double>(to.server_cpu_ns - from.server_cpu_ns) / 1e3;
}

ResumeRun::ResumeRun(const ResumeOptions& options)
    : options_(options), tls_(client_context("h2")) {}

bool ResumeRun::perform() {
  const bool performed = perform_all();
  faults_["unfinished"] = performed ? 0 : 1;
  return performed;
}

bool ResumeRun::perform_all() {
  if (!fill()) return false;
  for (int i = 0; i < 2; ++i) {
    settle();
    Crowd crowd(options_.load);
    if (!come_back(crowd, newest_, 0, idle_)) return false;
  }
  settle();
  Crowd crowd(options_.load);
  if (!come_back(crowd, before_, options_.missed, replay_)) return false;
  settle();
  return live(crowd);
}

bool ResumeRun::fill() {
  fill_.from = Usage::now(options_.load);
  // The cursor is the id of the last event before those that are missed.
  std::string first;
  append_event(first, "other", {1, now_ns(), kFiller}, options_.load.size);
  before_ = publish([&](std::string& body) {
    body.swap(first);
    return H2Poster::Fill::end;
  });
  if (!options_.is_far) before_ = publish(other_events());
  newest_ = publish(missed_events());
  if (options_.is_far) newest_ = publish(other_events());
  fill_.to = Usage::now(options_.load);
  fill_.events = history_;
  return faults_.empty();
}

std::string ResumeRun::publish(const StreamPublisher::Next& next) {
  if (!faults_.empty()) return {};
  Poller poller;
  StreamPublisher stream(poller, tls_.get(),
                         {options_.publish, "text/event-stream", options_.load.token}, next);
  turn_until(poller, options_.fill_limit_ns, [&](std::uint64_t) {
    stream.proceed();
    return stream.is_over();
  });
  if (!stream.is_over() || !stream.fault().empty()) {
    faults_["publish_failed"] = 1;
    said_ = stream.is_over() ? stream.fault() : "the history was not filled in time";
  }
  history_ += stream.acknowledged();
  return stream.last_id();
}

StreamPublisher::Next ResumeRun::other_events() const {
  return [this, made = std::uint64_t{0}](std::string& body) mutable {
    for (; made < options_.others && body.size() < kPiece; ++made) {
      append_event(body, fmt::format("other/{}", made % kOtherTopics),
                   {static_cast<std::uint32_t>(made + 1), now_ns(), kFiller}, options_.load.size);
    }
    return made == options_.others ? H2Poster::Fill::end : H2Poster::Fill::more;
  };
}

StreamPublisher::Next ResumeRun::missed_events() const {
  return [this, made = std::uint64_t{0}](std::string& body) mutable {
    while (made < options_.missed && body.size() < kPiece) append_round(body, ++made);
    return made == options_.missed ? H2Poster::Fill::end : H2Poster::Fill::more;
  };
}

void ResumeRun::append_round(std::string& body, std::uint64_t sequence) const {
  const Token token{static_cast<std::uint32_t>(sequence), now_ns(), 0};
  for (std::size_t topic = 0; topic < options_.load.topics; ++topic) {
    append_event(body, fmt::format("bench/{}", topic), token, options_.load.size);
  }
}

bool ResumeRun::come_back(Crowd& crowd, const std::string& cursor, std::uint64_t behind,
                          Phase& phase) {
  auto& [audience, subscribers] = crowd;
  const auto& load = options_.load;
  const auto expected = behind * load.subscribers();
  audience.last_event_id = cursor;
  phase.from = Usage::now(load);
  const auto begin = now_ns();
  const auto is_done = [&, &audience = audience, &subscribers = subscribers](std::uint64_t now) {
    while (subscribers.size() < load.connections &&
           now - begin >= options_.spread_ns * subscribers.size() / load.connections) {
      subscribers.push_back(
          std::make_unique<Subscriber>(audience, subscribers.size() * load.streams));
      phase.spread_s = static_cast<double>(now - begin) / 1e9;
    }
    return (audience.counts.streams_ready == load.subscribers() &&
            audience.counts.deliveries >= expected) ||
           audience.connection_faults() > 0;
  };
  for (auto now = begin; now < begin + options_.phase_limit_ns && !is_done(now); now = now_ns()) {
    const auto due = begin + options_.spread_ns * subscribers.size() / load.connections;
    const bool waits = subscribers.size() < load.connections;
    audience.poller.turn(waits && due > now ? std::min(due - now, kLongestTurn) : kLongestTurn);
  }
  phase.to = Usage::now(load);
  phase.events = audience.counts.deliveries;
  const std::array<std::uint32_t, 1> published{static_cast<std::uint32_t>(behind)};
  const bool is_whole =
      audience.counts.streams_ready == load.subscribers() && phase.events >= expected;
  if (behind == 0) faults_["not_missed"] += audience.counts.deliveries;
  // Those that stay for the live events are looked at behind these.
  if (behind == 0 || !is_whole) add_faults(faults_, audience, load.subscribers(), published);
  return is_whole;
}

bool ResumeRun::live(Crowd& crowd) {
  auto& audience = crowd.audience;
  const auto streams = options_.load.subscribers();
  auto made = options_.missed;
  const auto last = 2 * options_.missed;
  const auto next = [&](std::string& body) {
    if (made == last) return H2Poster::Fill::end;
    if (audience.counts.deliveries < made * streams) return H2Poster::Fill::later;
    const auto until = std::min(last, made + options_.live_batch);
    while (made < until) append_round(body, ++made);
    return H2Poster::Fill::more;
  };
  live_.from = Usage::now(options_.load);
  StreamPublisher stream(audience.poller, tls_.get(),
                         {options_.publish, "text/event-stream", options_.load.token}, next);
  turn_until(audience.poller, options_.phase_limit_ns, [&](std::uint64_t) {
    stream.proceed();
    return audience.counts.deliveries >= last * streams || !stream.fault().empty();
  });
  live_.to = Usage::now(options_.load);
  live_.events = audience.counts.deliveries - options_.missed * streams;
  faults_["publish_failed"] = stream.fault().empty() ? 0 : 1;
  said_ = stream.fault();
  const std::array<std::uint32_t, 1> published{static_cast<std::uint32_t>(last)};
  add_faults(faults_, audience, streams, published);
  return audience.counts.deliveries >= last * streams;
}

/// Lets the gateway see the streams go, and its journal put its house in order.
void ResumeRun::settle() const {
  const Poller nobody;
  turn_until(nobody, options_.load.settle_ns, [](std::uint64_t) { return false; });
}

double ResumeRun::replay_us() const {
  return replay_.events == 0
             ? 0
             : (replay_.server_us() - idle_.server_us()) / static_cast<double>(replay_.events);
}

/// What the publishing of the live events costs for each delivery, by what filling has cost.
double ResumeRun::live_publishing_us() const {
  if (fill_.events == 0 || live_.events == 0) return 0;
  const auto published = options_.missed * options_.load.topics;
  return fill_.server_us() / static_cast<double>(fill_.events) * static_cast<double>(published) /
         static_cast<double>(live_.events);
}

double ResumeRun::live_us() const {
  return live_.events == 0 ? 0 : live_.server_us() / static_cast<double>(live_.events);
}

double ResumeRun::ratio() const {
  return live_us() > 0 ? replay_us() / live_us() : 0;
}

std::string ResumeRun::text() const {
  const auto& load = options_.load;
  auto text = fmt::format(
      "history   {} events in {:.2f} s, {:.2f} us of server CPU each\n", history_, fill_.seconds(),
      fill_.events == 0 ? 0 : fill_.server_us() / static_cast<double>(fill_.events));
  text += fmt::format("reconnect {} streams, {} topics: {:.2f} s, {:.1f} us each\n",
                      load.subscribers(), load.topics, idle_.seconds(),
                      idle_.server_us() / static_cast<double>(load.subscribers()));
  text += fmt::format("replay    {} events: caught up in {:.2f} s; {:.3f} us/event\n",
                      replay_.events, replay_.seconds(), replay_us());
  text += fmt::format(
      "live      {} events in {:.2f} s; {:.3f} us/delivery, {:.3f} of them to publish\n",
      live_.events, live_.seconds(), live_us(), live_publishing_us());
  text += fmt::format("ratio     {:.2f}; faults:{}\n", ratio(), text_of(faults_));
  if (!said_.empty()) text += "the stream said: " + said_ + "\n";
  return text;
}

std::string ResumeRun::json() const {
  const auto& load = options_.load;
  return fmt::format(
      R"({{"asked": {{"connections": {}, "streams": {}, "topics": {}, "size": {}, "missed": {}, )"
      R"("others": {}, "place": "{}", "live_batch": {}, "spread_s": {:.3f}}},)"
      "\n"
      R"("fill": {{"events": {}, "seconds": {:.4f}, "server_cpu_us_per_event": {:.4f}}},)"
      "\n"
      R"("measured": {{"replay_cpu_us_per_event": {:.5f}, "live_cpu_us_per_delivery": {:.5f}, )"
      R"("live_publishing_us": {:.5f}, "replay_to_live": {:.4f}, "caught_up_s": {:.4f}, )"
      R"("caught_up_after_last_s": {:.4f}, "nothing_missed_s": {:.4f}, )"
      R"("nothing_missed_after_last_s": {:.4f}, "reconnect_cpu_us_per_stream": {:.3f}, )"
      R"("replayed": {}, "delivered_live": {}, "live_s": {:.4f}, "steal": {}, "redis": {}, )"
      R"("redis_nothing_missed": {}}},)"
      "\n"
      R"("faults": {}, "clean": {}}})"
      "\n",
      load.connections, load.streams, load.topics, load.size, options_.missed, options_.others,
      options_.is_far ? "far" : "recent", options_.live_batch,
      static_cast<double>(options_.spread_ns) / 1e9, history_, fill_.seconds(),
      fill_.events == 0 ? 0 : fill_.server_us() / static_cast<double>(fill_.events), replay_us(),
      live_us(), live_publishing_us(), ratio(), replay_.seconds(),
      replay_.seconds() - replay_.spread_s, idle_.seconds(), idle_.seconds() - idle_.spread_s,
      idle_.server_us() / static_cast<double>(load.subscribers()), replay_.events, live_.events,
      live_.seconds(), json_steal(idle_.from, live_.to),
      json_redis(replay_.from, replay_.to, replay_.events),
      json_redis(idle_.from, idle_.to, load.subscribers()), json_of(faults_), is_clean(faults_));
}

}  // namespace sluice::bench
