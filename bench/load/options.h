/// What the load generator was asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/common/args.h"
#include "bench/common/net.h"

namespace sluice::bench {

struct Options {
  static constexpr std::uint64_t kAsFastAsItGoes = UINT64_MAX;

  Url subscribe;
  Url publish;
  Url source;  ///< The application behind a relay, whose events are read; empty: there is none.
  std::string token;
  std::size_t connections = 1;
  std::size_t streams = 1;               ///< Of each connection.
  std::size_t connecting = 64;           ///< Connections that are being set up at once.
  std::size_t rehearsal = 0;             ///< Connections that come and go before all.
  std::size_t topics = 0;                ///< Stream N has PATH/(N % topics); 0: all have PATH.
  std::size_t size = 100;                ///< Bytes of each event's data.
  std::uint64_t rate = kAsFastAsItGoes;  ///< Events per second; 0 publishes nothing.
  std::uint64_t window = 16;             ///< Events in flight when as fast as it goes.
  std::size_t publishers = 8;
  std::int32_t stream_window = 6'291'456;  ///< Chromium's.
  std::int32_t connection_window = 15'728'640;
  std::uint64_t setup_limit_ns = 0;
  std::uint64_t settle_ns = 0;  ///< Between the last stream's first byte and the warm-up.
  std::uint64_t warm_up_ns = 0;
  std::uint64_t duration_ns = 0;
  std::uint64_t drain_limit_ns = 0;
  std::uint64_t leave_ns = 0;     ///< After all have left, until memory is read; 0: they stay.
  std::size_t returns = 0;        ///< Times that they come and leave again.
  bool is_ready_at_head = false;  ///< A stream is ready when it has its 200, not its first byte.
  std::vector<int> server_pids;
  std::vector<int> source_pids;
  std::uint16_t redis_port = 0;  ///< Of the Redis that the servers share; 0: there is none.
  std::string json_file;

  [[nodiscard]] std::size_t subscribers() const { return connections * streams; }
  [[nodiscard]] bool has_source() const { return !source.host.empty(); }
  /// Whether this program publishes what is read.
  [[nodiscard]] bool publishes() const { return rate > 0 && !has_source(); }
  /// Where a stream subscribes.
  [[nodiscard]] std::string path_of(std::size_t stream) const;
};

/// Reads what every program takes: token, size, windows, processes, Redis, the report's file.
void read_common(Args& args, Options& options);
/// The application behind a relay, where there is one.
void read_source(Args& args, Options& options);
/// Seconds, when the command line does not say.
struct Times {
  double setup_limit, warm_up, duration, drain_limit;
};
void read_times(Args& args, Options& options, const Times& otherwise);

/// Dies with one line when the command line cannot work.
Options options_from(int argc, char** argv);

}  // namespace sluice::bench
