#include "bench/load/run.h"

#include <algorithm>
#include <array>
#include <unistd.h>

namespace sluice::bench {
namespace {

constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
constexpr std::uint64_t kLongestTurn = 50'000'000;
constexpr std::uint64_t kRest = 500'000'000;  // for a server to let those go who have left

}  // namespace

Run::Run(const Options& options)
    : options_(options),
      audience_(options),
      publish_{options, audience_.poller, {}, client_context("http/1.1")} {}

bool Run::perform() {
  const bool is_rehearsed = rehearse();
  begin = moment();
  if (!is_rehearsed || !set_up()) {
    ready = measure_from = measure_to = end = moment();
    return false;
  }
  turn_for(options_.settle_ns);
  ready.server_rss_kib = rss_kib(options_.server_pids);
  publishing_ = options_.publishes();
  next_due_ns_ = now_ns();
  turn_for(options_.warm_up_ns);
  measure_from = moment();
  audience_.measuring = true;
  turn_for(options_.duration_ns);
  audience_.measuring = false;
  measure_to = moment();
  publishing_ = false;
  drain();
  end = moment();
  return leave_and_come_back();
}

bool Run::rehearse() {
  if (options_.rehearsal == 0) return true;
  for (std::size_t i = 0; i < options_.rehearsal; ++i) {
    subscribers_.push_back(std::make_unique<Subscriber>(audience_, i * options_.streams));
  }
  const auto& came = audience_.counts.connections_ready;
  turn_until(now_ns() + options_.setup_limit_ns, [&] { return came == options_.rehearsal; });
  const bool are_ready = came == options_.rehearsal;
  subscribers_.clear();
  // As settled as it will be when its memory is read again: what is given back late, and code that
  // runs then for the first time, are not the streams'.
  turn_for(std::max(kRest, options_.settle_ns));
  if (are_ready) audience_.counts = {};
  audience_.first_byte = {};
  return are_ready;
}

bool Run::leave_and_come_back() {
  if (options_.leave_ns == 0) return true;
  for (std::size_t round = 0;; ++round) {
    const auto connected_kib = rss_kib(options_.server_pids);
    subscribers_.clear();
    turn_for(options_.leave_ns);
    left.push_back({connected_kib, rss_kib(options_.server_pids)});
    if (round == options_.returns) return true;
    if (!connect_all(now_ns() + options_.setup_limit_ns)) return false;
    turn_for(options_.settle_ns);
  }
}

Moment Run::moment() const {
  const std::array<int, 1> own{getpid()};
  return {.at_ns = now_ns(),
          .server_cpu_ns = cpu_ns(options_.server_pids),
          .server_threads = thread_cpu_ns(options_.server_pids),
          .own_cpu_ns = cpu_ns(own),
          .source_cpu_ns = cpu_ns(options_.source_pids),
          .server_rss_kib = rss_kib(options_.server_pids),
          .published = publish_.counts.acknowledged,
          .counts = audience_.counts,
          .steal_ticks = steal_ticks()};
}

bool Run::connect_all(std::uint64_t deadline_ns) {
  const auto before = audience_.counts;
  expected_streams_ += options_.subscribers();
  subscribers_.reserve(options_.connections);
  const auto all_ready = [&] {
    const auto are_ready = audience_.counts.connections_ready - before.connections_ready;
    while (subscribers_.size() < std::min(options_.connections, are_ready + options_.connecting)) {
      subscribers_.push_back(
          std::make_unique<Subscriber>(audience_, subscribers_.size() * options_.streams));
    }
    return audience_.counts.streams_ready == expected_streams_ || audience_.connection_faults() > 0;
  };
  if (!all_ready()) turn_until(deadline_ns, all_ready);
  return audience_.counts.streams_ready == expected_streams_;
}

bool Run::set_up() {
  const auto deadline = now_ns() + options_.setup_limit_ns;
  const bool are_connected = connect_all(deadline);
  ready = moment();
  if (!are_connected) return false;
  for (std::uint32_t i = 0; options_.publishes() && i < options_.publishers; ++i) {
    publishers_.push_back(std::make_unique<Publisher>(publish_, i));
  }
  const auto all_idle = [&] {
    return std::all_of(publishers_.begin(), publishers_.end(),
                       [](const auto& publisher) { return publisher->is_idle(); });
  };
  if (!all_idle()) turn_until(deadline, all_idle);
  return all_idle();
}

void Run::drain() {
  if (options_.has_source()) source = Source(options_.source).stop();
  turn_until(now_ns() + options_.drain_limit_ns, [&] {
    return publish_.counts.unanswered() == 0 &&
           audience_.counts.deliveries >= expected_deliveries();
  });
}

std::uint64_t Run::expected_deliveries() const {
  return options_.has_source() ? source.events()
                               : publish_.counts.acknowledged * options_.subscribers();
}

void Run::turn_for(std::uint64_t duration_ns) {
  if (duration_ns > 0) turn_until(now_ns() + duration_ns, [] { return false; });
}

void Run::turn_until(std::uint64_t deadline_ns, const std::function<bool()>& is_done) {
  for (auto now = now_ns(); now < deadline_ns; now = now_ns()) {
    auto wake = std::min(deadline_ns, now + kLongestTurn);
    // Who waits for a publisher is woken by its answer.
    if (publishing_ && !is_held_up_ && options_.rate != Options::kAsFastAsItGoes) {
      wake = std::clamp(next_due_ns_, now, wake);
    }
    audience_.poller.turn(wake - now);
    publish_what_is_due();
    if (is_done()) return;
  }
}

void Run::publish_what_is_due() {
  is_held_up_ = false;
  if (!publishing_) return;
  const bool has_rate = options_.rate != Options::kAsFastAsItGoes;
  for (auto now = now_ns(); may_publish(now); now = now_ns()) {
    auto* publisher = idle_publisher();
    is_held_up_ = publisher == nullptr;
    if (is_held_up_) return;
    // When it was due: what holds the publishers up is delay as well.
    publisher->publish(has_rate ? next_due_ns_ : now);
    if (has_rate) next_due_ns_ += kNanosPerSecond / options_.rate;
  }
}

bool Run::may_publish(std::uint64_t now) const {
  if (options_.rate != Options::kAsFastAsItGoes) return now >= next_due_ns_;
  const auto delivered = audience_.counts.deliveries / options_.subscribers();
  return publish_.counts.started < delivered + options_.window;
}

Publisher* Run::idle_publisher() {
  for (std::size_t tried = 0; tried < publishers_.size(); ++tried) {
    auto* publisher = publishers_[next_publisher_].get();
    next_publisher_ = (next_publisher_ + 1) % publishers_.size();
    if (publisher->is_idle()) return publisher;
  }
  return nullptr;
}

std::vector<std::uint32_t> Run::acknowledged() const {
  std::vector<std::uint32_t> published(options_.publishers);
  for (std::size_t i = 0; i < publishers_.size(); ++i)
    published[i] = publishers_[i]->acknowledged();
  return published;
}

std::vector<Run::Fault> Run::faults() const {
  const auto& order = audience_.ledger.faults();
  const auto& counts = audience_.counts;
  const auto& publish = publish_.counts;
  const auto gaps =
      options_.has_source()
          ? audience_.ledger.gaps([&](std::size_t stream) { return source.sequence_of(stream); })
          : audience_.ledger.gaps(acknowledged());
  return {{"gaps", gaps},
          {"duplicates", order.duplicates},
          {"out_of_order", order.out_of_order},
          {"foreign", counts.foreign},
          {"damaged", counts.damaged},
          {"connect_failed", counts.connect_failed},
          {"non_200", counts.non_200},
          {"streams_reset", counts.streams_reset},
          {"streams_ended", counts.streams_ended},
          {"connections_lost", counts.connections_lost},
          {"streams_not_ready", expected_streams_ - counts.streams_ready},
          {"publish_refused", publish.refused},
          {"publish_lost", publish.lost},
          {"publish_unanswered", publish.unanswered()},
          {"publisher_unreachable", publish.unreachable}};
}

bool Run::is_clean() const {
  const auto all = faults();
  return std::all_of(all.begin(), all.end(), [](const Fault& fault) { return fault.count == 0; });
}

}  // namespace sluice::bench
