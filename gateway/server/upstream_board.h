/// UpstreamBoard: how each worker finds the addresses of each upstream, for /status.
///
/// Only its worker may look at an upstream. So each puts down here, once a second, what it sees,
/// and the admin listener reads that without waiting for anybody.
///
/// Owner   server::Shared. Thread  any, under a mutex that is held for a copy.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/relay/upstream.h"

namespace sluice::server {

class UpstreamBoard {
 public:
  using Addresses = std::vector<relay::Upstream::Address>;

  void put(std::size_t worker, std::size_t upstream, Addresses addresses);
  /// Of all workers together, by name. An address is well when no more than half of
  /// those that know it found it otherwise.
  [[nodiscard]] Addresses of(std::size_t upstream) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::vector<Addresses>> seen_;  ///< By worker, then by upstream.
};

}  // namespace sluice::server
