#include "bench/publish/publish_run.h"

#include <algorithm>
#include <numeric>

#include <fmt/core.h>

#include "bench/load/event_scanner.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kTopic = "bench/publish";
constexpr std::uint64_t kLongestTurn = 50'000'000;
constexpr std::size_t kPiece = 32'768;  ///< Of a stream's body.

std::string_view name_of(PublishOptions::Kind kind) {
  switch (kind) {
    case PublishOptions::Kind::form:
      return "form";
    case PublishOptions::Kind::batch:
      return "batch";
    case PublishOptions::Kind::stream:
      break;
  }
  return "stream";
}

std::vector<H2Poster::Target> targets_of(const PublishOptions& options) {
  H2Poster::Target target{{}, "application/x-www-form-urlencoded", options.load.token};
  std::string path = "/events";
  if (options.kind == PublishOptions::Kind::batch) target.content_type = "application/json";
  if (options.kind == PublishOptions::Kind::stream) {
    path = fmt::format("/events/{}", kTopic);
    target.content_type = "text/event-stream";
  }
  std::vector<H2Poster::Target> targets(options.publish.size(), target);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    targets[i].url = options.publish[i];
    targets[i].url.path = path;
  }
  return targets;
}

std::uint64_t sum_of(const std::vector<std::uint32_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

/// One connection, and what is posted on it.
class PublishRun::Requests final : private H2Poster::Client {
 public:
  Requests(PublishRun& run, std::size_t first_slot)
      : run_(run),
        first_slot_(first_slot),
        begun_(run.options_.in_flight),
        poster_(run.audience_.poller, run.tls_.get(),
                run.target_of(first_slot / run.options_.in_flight), *this, run.options_.in_flight) {
  }

  [[nodiscard]] bool is_open() const { return poster_.is_open(); }
  [[nodiscard]] bool is_idle() const {
    for (std::size_t i = 0; i < begun_.size(); ++i) {
      if (poster_.is_busy(i) && !poster_.is_closed()) return false;
    }
    return true;
  }
  void proceed() {
    for (std::size_t i = 0; i < begun_.size() && run_.has_room(); ++i) {
      if (!poster_.is_open() || poster_.is_busy(i)) continue;
      begun_[i] = now_ns();
      bodies_[i] = run_.make_request(first_slot_ + i);
      poster_.post(i);
    }
    poster_.proceed();
  }

 private:
  H2Poster::Fill fill(std::size_t slot, std::string& body) override {
    body.swap(bodies_[slot]);
    return H2Poster::Fill::end;
  }
  void on_text(std::size_t, std::string_view) override {}
  void on_end(std::size_t slot, int status) override {
    if (run_.audience_.measuring) run_.answer_.record(now_ns() - begun_[slot]);
    run_.on_answer(first_slot_ + slot, status == 200);
  }
  void on_lost() override { run_.lost_ += 1; }

  PublishRun& run_;
  const std::size_t first_slot_;
  std::vector<std::uint64_t> begun_;
  std::vector<std::string> bodies_ = std::vector<std::string>(begun_.size());
  H2Poster poster_;
};

PublishRun::PublishRun(const PublishOptions& options)
    : options_(options),
      audience_(options.load),
      tls_(client_context("h2")),
      targets_(targets_of(options)),
      made_(options.slots()),
      acknowledged_(options.slots()) {}

PublishRun::~PublishRun() = default;

bool PublishRun::perform() {
  is_unfinished_ = !perform_all();
  return !is_unfinished_;
}

bool PublishRun::perform_all() {
  const auto& load = options_.load;
  const auto deadline = now_ns() + load.setup_limit_ns;
  subscriber_ = std::make_unique<Subscriber>(audience_, 0);
  turn_until(deadline, [this] {
    return audience_.counts.streams_ready == 1 || audience_.connection_faults() > 0;
  });
  if (audience_.counts.streams_ready != 1) return false;
  connect_publishers();
  turn_until(deadline, [this] { return all_open() || lost_ > 0; });
  if (!all_open()) return false;
  is_publishing_ = true;
  turn_for(load.warm_up_ns);
  audience_.measuring = true;
  from_ = Usage::now(load);
  had_from_ = audience_.counts.deliveries;
  turn_for(load.duration_ns);
  to_ = Usage::now(load);
  had_to_ = audience_.counts.deliveries;
  audience_.measuring = false;
  is_publishing_ = false;
  turn_until(now_ns() + load.drain_limit_ns, [this] { return is_settled(); });
  return true;
}

void PublishRun::connect_publishers() {
  for (std::size_t i = 0; i < options_.connections; ++i) {
    if (options_.kind == PublishOptions::Kind::stream) {
      streams_.push_back(std::make_unique<StreamPublisher>(
          audience_.poller, tls_.get(), target_of(i),
          [this, i](std::string& body) { return make_events(i, body); }));
    } else {
      requests_.push_back(std::make_unique<Requests>(*this, i * options_.in_flight));
    }
  }
}

bool PublishRun::all_open() const {
  const auto is_open = [](const auto& connection) { return connection->is_open(); };
  return std::all_of(requests_.begin(), requests_.end(), is_open) &&
         std::all_of(streams_.begin(), streams_.end(), is_open);
}

bool PublishRun::has_room() const {
  return is_publishing_ && published_ < audience_.counts.deliveries + options_.load.window;
}

std::string PublishRun::make_request(std::size_t slot) {
  const auto token = [&] {
    published_ += 1;
    return encode_token({++made_[slot], now_ns(), static_cast<std::uint32_t>(slot)},
                        options_.load.size);
  };
  if (options_.kind == PublishOptions::Kind::form) {
    return fmt::format("topic={}&data={}", kTopic, token());
  }
  std::string body = "[";
  for (std::size_t i = 0; i < options_.batch; ++i) {
    body += fmt::format(R"({}{{"topic":"{}","data":"{}"}})", i == 0 ? "" : ",", kTopic, token());
  }
  return body + "]";
}

H2Poster::Fill PublishRun::make_events(std::size_t slot, std::string& body) {
  if (!is_publishing_) return H2Poster::Fill::end;
  while (body.size() < kPiece && has_room()) {
    published_ += 1;
    body += "data: ";
    body += encode_token({++made_[slot], now_ns(), static_cast<std::uint32_t>(slot)},
                         options_.load.size);
    body += "\n\n";
  }
  return body.empty() ? H2Poster::Fill::later : H2Poster::Fill::more;
}

void PublishRun::on_answer(std::size_t slot, bool is_good) {
  if (!is_good) {
    refused_ += 1;
  } else {
    acknowledged_[slot] = made_[slot];
  }
}

std::vector<std::uint32_t> PublishRun::acknowledged() const {
  auto all = acknowledged_;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    all[i] = static_cast<std::uint32_t>(streams_[i]->acknowledged());
  }
  return all;
}

bool PublishRun::is_settled() const {
  return std::all_of(requests_.begin(), requests_.end(),
                     [](const auto& connection) { return connection->is_idle(); }) &&
         std::all_of(streams_.begin(), streams_.end(),
                     [](const auto& stream) { return stream->is_over(); }) &&
         audience_.counts.deliveries >= sum_of(acknowledged());
}

void PublishRun::turn_for(std::uint64_t duration_ns) {
  turn_until(now_ns() + duration_ns, [] { return false; });
}

void PublishRun::turn_until(std::uint64_t deadline_ns, const std::function<bool()>& is_done) {
  for (auto now = now_ns(); now < deadline_ns && !is_done(); now = now_ns()) {
    for (const auto& connection : requests_) connection->proceed();
    for (const auto& stream : streams_) stream->proceed();
    audience_.poller.turn(std::min(deadline_ns - now, kLongestTurn));
  }
}

Faults PublishRun::faults() const {
  Faults faults{{"publish_refused", refused_},
                {"publish_connections_lost", lost_},
                {"unfinished", is_unfinished_ ? 1 : 0}};
  for (const auto& stream : streams_) faults["stream_failed"] += stream->fault().empty() ? 0U : 1U;
  faults["publish_unanswered"] = published_ - sum_of(acknowledged());
  add_faults(faults, audience_, 1, acknowledged());
  return faults;
}

std::string PublishRun::text() const {
  const auto events = had_to_ - had_from_;
  const auto ns = to_.at_ns - from_.at_ns;
  auto text = fmt::format(
      "{}: {} events in {:.2f} s, {:.0f}/s; server {:.3f} us/event, {:.2f} busy; "
      "load {:.3f} us/event, {:.2f} busy\n",
      name_of(options_.kind), events, static_cast<double>(ns) / 1e9, share(events, ns) * 1e9,
      share(to_.server_cpu_ns - from_.server_cpu_ns, events) / 1e3,
      share(to_.server_cpu_ns - from_.server_cpu_ns, ns),
      share(to_.own_cpu_ns - from_.own_cpu_ns, events) / 1e3,
      share(to_.own_cpu_ns - from_.own_cpu_ns, ns));
  text +=
      fmt::format("whole run {} published, {} acknowledged, {} delivered; faults:{}\n", published_,
                  sum_of(acknowledged()), audience_.counts.deliveries, text_of(faults()));
  for (const auto& stream : streams_) {
    if (!stream->fault().empty()) text += "a stream said: " + stream->fault() + "\n";
  }
  return text;
}

std::string PublishRun::json() const {
  const auto events = had_to_ - had_from_;
  const auto ns = to_.at_ns - from_.at_ns;
  const auto ms = [](std::uint64_t it) { return static_cast<double>(it) / 1e6; };
  const auto all = faults();
  return fmt::format(
      R"({{"asked": {{"kind": "{}", "connections": {}, "in_flight": {}, "batch": {}, "size": {}, )"
      R"("window": {}}},)"
      "\n"
      R"("measured": {{"seconds": {:.6f}, "events": {}, "events_per_s": {:.1f}, )"
      R"("server_cpu_us_per_event": {:.4f}, "server_busy": {:.4f}, )"
      R"("own_cpu_us_per_event": {:.4f}, "own_busy": {:.4f}, "steal": {}, "redis": {}, )"
      R"("answer_ms": {{"p50": {:.4f}, "p99": {:.4f}}}, )"
      R"("delay_ms": {{"p50": {:.4f}, "p99": {:.4f}}}}},)"
      "\n"
      R"("whole_run": {{"published": {}, "acknowledged": {}, "deliveries": {}}},)"
      "\n"
      R"("faults": {}, "clean": {}}})"
      "\n",
      name_of(options_.kind), options_.connections, options_.in_flight, options_.batch,
      options_.load.size, options_.load.window, static_cast<double>(ns) / 1e9, events,
      share(events, ns) * 1e9, share(to_.server_cpu_ns - from_.server_cpu_ns, events) / 1e3,
      share(to_.server_cpu_ns - from_.server_cpu_ns, ns),
      share(to_.own_cpu_ns - from_.own_cpu_ns, events) / 1e3,
      share(to_.own_cpu_ns - from_.own_cpu_ns, ns), json_steal(from_, to_),
      json_redis(from_, to_, events), ms(answer_.percentile(0.5)), ms(answer_.percentile(0.99)),
      ms(audience_.latency.percentile(0.5)), ms(audience_.latency.percentile(0.99)), published_,
      sum_of(acknowledged()), audience_.counts.deliveries, json_of(all), is_clean(all));
}

}  // namespace sluice::bench
