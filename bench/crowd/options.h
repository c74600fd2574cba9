/// What a scene was asked to do: `crowd --help` has each of them.
#pragma once

#include <cstdint>
#include <string>

#include "bench/load/options.h"

namespace sluice::bench {

struct CrowdOptions {
  Options load;  ///< Where is read, connections, streams, topics, sizes, windows, times, server.
  Url publish;   ///< Its path is not used; of scenes that publish.
  std::string scene;
  double rate = 1'000;                     ///< Events a second, over all topics.
  std::size_t block = 1;                   ///< slow: connections that share their topics.
  std::uint64_t firehose_in_flight = 256;  ///< fair: events of the firehose.
  std::uint64_t firehose_share = 70;       ///< fair: percent of the most that goes through.
  std::size_t deaf = 0;                    ///< slow: connections whose socket nobody reads.
  std::size_t stalled = 0;                 ///< slow: streams that take nothing.
  std::size_t slow = 0;                    ///< slow: streams that take `slow_bytes` a second.
  std::size_t slow_bytes = 1'000;          ///< And flood: in a second.
  std::size_t flood_size = 16'000;
  std::size_t newcomers = 2'000;  ///< storm: connections of a wave.
  std::size_t attackers = 6'000;  ///< overload: hostile clients at once.
  std::size_t history = 10'000;   ///< overload: events that are there before they come.
  std::size_t budget_mib = 256;   ///< overload: what the server may take.
  std::uint64_t pause_ns = 0;     ///< follow: what comes due within this is sent together.
  std::uint64_t heartbeat_limit_ns = 0;
};

/// Dies with one line when the command line cannot work.
CrowdOptions crowd_options_from(int argc, char** argv);

}  // namespace sluice::bench
