#include "bench/load/report.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <utility>

#include <fmt/core.h>

namespace sluice::bench {
namespace {

constexpr double kTickNs = 1e7;  // USER_HZ is 100

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}
double ratio(std::uint64_t part, std::uint64_t whole) {
  return ratio(static_cast<double>(part), static_cast<double>(whole));
}

/// What happened between two moments.
struct Span {
  Span(const Moment& from, const Moment& to)
      : ns(to.at_ns - from.at_ns),
        server_cpu_ns(to.server_cpu_ns - from.server_cpu_ns),
        own_cpu_ns(to.own_cpu_ns - from.own_cpu_ns),
        source_cpu_ns(to.source_cpu_ns - from.source_cpu_ns),
        published(to.published - from.published),
        deliveries(to.counts.deliveries - from.counts.deliveries),
        reads(to.counts.reads - from.counts.reads),
        bytes(to.counts.bytes - from.counts.bytes) {
    for (const auto& [thread, cpu] : to.server_threads) {
      const auto before = from.server_threads.find(thread);
      const auto used = cpu - (before == from.server_threads.end() ? 0 : before->second);
      threads.push_back(ratio(used, ns));
    }
    std::sort(threads.begin(), threads.end(), std::greater<>());
    const auto cores = std::min(from.steal_ticks.size(), to.steal_ticks.size());
    for (std::size_t core = 0; core < cores; ++core) {
      const auto ticks = to.steal_ticks[core] - from.steal_ticks[core];
      steal.push_back(ratio(static_cast<double>(ticks) * kTickNs, static_cast<double>(ns)));
    }
  }
  [[nodiscard]] double seconds() const { return static_cast<double>(ns) / 1e9; }
  [[nodiscard]] double server_us_per(std::uint64_t count) const {
    return ratio(server_cpu_ns, count) / 1e3;
  }
  [[nodiscard]] double own_us_per(std::uint64_t count) const {
    return ratio(own_cpu_ns, count) / 1e3;
  }

  std::uint64_t ns, server_cpu_ns, own_cpu_ns, source_cpu_ns, published, deliveries, reads, bytes;
  std::vector<double> steal;    ///< Share of each core.
  std::vector<double> threads;  ///< Of a core, by each of the server's, the busiest first.
};

std::string listed(const std::vector<double>& shares, std::string_view separator) {
  std::string text;
  for (const double share : shares) {
    if (!text.empty()) text += separator;
    text += fmt::format("{:.3f}", share);
  }
  return text;
}

double growth(std::uint64_t before, std::uint64_t after) {
  return static_cast<double>(after) - static_cast<double>(before);
}

std::string json_percentiles(const Histogram& histogram) {
  std::string out = "{";
  constexpr std::array<std::pair<const char*, double>, 4> kShares{
      {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};
  for (const auto& [name, share] : kShares) {
    out += fmt::format("\"{}\": {:.6f}, ", name,
                       static_cast<double>(histogram.percentile(share)) / 1e6);
  }
  return out + fmt::format("\"max\": {:.6f}, \"count\": {}}}",
                           static_cast<double>(histogram.max()) / 1e6, histogram.count());
}

std::string json_asked(const Options& options) {
  const auto rate =
      options.rate == Options::kAsFastAsItGoes ? "\"max\"" : fmt::format("{}", options.rate);
  return fmt::format(R"({{"connections": {}, "streams": {}, "size": {}, "rate": {}, "window": {}, )"
                     R"("publishers": {}, "stream_window": {}, "connection_window": {}}})",
                     options.connections, options.streams, options.size, rate, options.window,
                     options.publishers, options.stream_window, options.connection_window);
}

std::string json_setup(const Run& run) {
  const Span span(run.begin, run.ready);
  const auto connections = run.ready.counts.connections_open;
  return fmt::format(
      R"({{"seconds": {:.6f}, "connections": {}, "streams_ready": {}, "connections_per_s": {:.1f}, )"
      R"("server_cpu_us_per_connection": {:.3f}, "own_cpu_us_per_connection": {:.3f}, )"
      R"("steal": [{}], "first_byte_ms": {}}})",
      span.seconds(), connections, run.ready.counts.streams_ready,
      ratio(static_cast<double>(connections), span.seconds()), span.server_us_per(connections),
      span.own_us_per(connections), listed(span.steal, ", "),
      json_percentiles(run.audience().first_byte));
}

std::string json_measured(const Run& run) {
  const Span span(run.measure_from, run.measure_to);
  return fmt::format(
      R"({{"seconds": {:.6f}, "published": {}, "publishes_per_s": {:.1f}, "deliveries": {}, )"
      R"("deliveries_per_s": {:.1f}, "events_per_read": {:.3f}, "bytes_per_delivery": {:.1f}, )"
      R"("server_cpu_us_per_delivery": {:.5f}, "server_busy": {:.5f}, )"
      R"("own_cpu_us_per_delivery": {:.5f}, "own_busy": {:.5f}, "source_busy": {:.5f}, )"
      R"("steal": [{}], )"
      R"("thread_busy": [{}], "busiest_threads": {{"first": {:.5f}, "second": {:.5f}}}, )"
      R"("latency_ms": {}}})",
      span.seconds(), span.published, ratio(static_cast<double>(span.published), span.seconds()),
      span.deliveries, ratio(static_cast<double>(span.deliveries), span.seconds()),
      ratio(span.deliveries, span.reads), ratio(span.bytes, span.deliveries),
      span.server_us_per(span.deliveries), ratio(span.server_cpu_ns, span.ns),
      span.own_us_per(span.deliveries), ratio(span.own_cpu_ns, span.ns),
      ratio(span.source_cpu_ns, span.ns), listed(span.steal, ", "), listed(span.threads, ", "),
      span.threads.empty() ? 0 : span.threads[0], span.threads.size() < 2 ? 0 : span.threads[1],
      json_percentiles(run.audience().latency));
}

double mib_kept(const Run& run) {
  return growth(run.begin.server_rss_kib, run.left.back().gone_kib) / 1024;
}

std::string json_left(const Run& run) {
  if (run.left.empty()) return {};
  std::string rounds;
  for (const auto& it : run.left) {
    rounds += fmt::format(R"({}{{"connected_kib": {}, "gone_kib": {}}})",
                          rounds.empty() ? "" : ", ", it.connected_kib, it.gone_kib);
  }
  return fmt::format(R"(, "gone_kib": {}, "kept_mib": {:.3f}, "left": [{}])",
                     run.left.back().gone_kib, mib_kept(run), rounds);
}

std::string json_memory(const Run& run) {
  const auto before = run.begin.server_rss_kib;
  const auto after = run.ready.server_rss_kib;
  const auto grown = growth(before, after);
  return fmt::format(R"({{"before_kib": {}, "connected_kib": {}, "end_kib": {}, )"
                     R"("kib_per_connection": {:.3f}, "kib_per_stream": {:.4f}{}}})",
                     before, after, run.end.server_rss_kib,
                     grown / static_cast<double>(run.options().connections),
                     grown / static_cast<double>(run.options().subscribers()), json_left(run));
}

std::string json_faults(const Run& run) {
  std::string members;
  for (const auto& [name, count] : run.faults()) {
    members += fmt::format("{}\"{}\": {}", members.empty() ? "" : ", ", name, count);
  }
  return "{" + members + "}";
}

std::string text_faults(const Run& run) {
  std::string text;
  for (const auto& [name, count] : run.faults()) {
    if (count > 0) text += fmt::format(" {} {}", count, name);
  }
  return text.empty() ? " none" : text;
}

}  // namespace

std::string report_json(const Run& run) {
  return fmt::format(
      "{{\n\"asked\": {},\n\"setup\": {},\n\"measured\": {},\n\"memory\": {},\n"
      "\"whole_run\": {{\"published\": {}, \"deliveries\": {}}},\n\"faults\": {},\n"
      "\"clean\": {}\n}}\n",
      json_asked(run.options()), json_setup(run), json_measured(run), json_memory(run),
      run.end.published, run.end.counts.deliveries, json_faults(run), run.is_clean());
}

std::string report_text(const Run& run) {
  const auto& options = run.options();
  const Span setup(run.begin, run.ready);
  const Span span(run.measure_from, run.measure_to);
  const auto ms = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e6; };
  const auto& latency = run.audience().latency;
  auto text = fmt::format(
      "set-up    {} of {} streams on {} connections in {:.2f} s, server {:.0f} us/connection\n",
      run.ready.counts.streams_ready, options.subscribers(), options.connections, setup.seconds(),
      setup.server_us_per(run.ready.counts.connections_open));
  text += fmt::format("memory    {:.1f} KiB/connection, {:.2f} KiB/stream (server, {} to {} KiB)\n",
                      growth(run.begin.server_rss_kib, run.ready.server_rss_kib) /
                          static_cast<double>(options.connections),
                      growth(run.begin.server_rss_kib, run.ready.server_rss_kib) /
                          static_cast<double>(options.subscribers()),
                      run.begin.server_rss_kib, run.ready.server_rss_kib);
  if (!run.left.empty()) {
    text += fmt::format("all gone  {} KiB {:.0f} s later, {:.2f} MiB more than at first\n",
                        run.left.back().gone_kib, static_cast<double>(options.leave_ns) / 1e9,
                        mib_kept(run));
  }
  text += fmt::format("measured  {} published, {} delivered in {:.2f} s: {:.0f}/s, {:.1f} a read\n",
                      span.published, span.deliveries, span.seconds(),
                      ratio(static_cast<double>(span.deliveries), span.seconds()),
                      ratio(span.deliveries, span.reads));
  text += fmt::format(
      "cpu       server {:.3f} us/delivery, {:.2f} busy; load {:.3f} us/delivery, "
      "{:.2f} busy; steal {}\n",
      span.server_us_per(span.deliveries), ratio(span.server_cpu_ns, span.ns),
      span.own_us_per(span.deliveries), ratio(span.own_cpu_ns, span.ns), listed(span.steal, " "));
  text +=
      fmt::format("latency   ms: p50 {:.2f}, p90 {:.2f}, p99 {:.2f}, p99.9 {:.2f}, max {:.2f}\n",
                  ms(latency.percentile(0.5)), ms(latency.percentile(0.9)),
                  ms(latency.percentile(0.99)), ms(latency.percentile(0.999)), ms(latency.max()));
  text += fmt::format("whole run {} published, {} delivered; faults:{}\n", run.end.published,
                      run.end.counts.deliveries, text_faults(run));
  if (!run.publish_counts().last_failure.empty()) {
    text += fmt::format("a publish failed: {}\n", run.publish_counts().last_failure);
  }
  return text;
}

}  // namespace sluice::bench
