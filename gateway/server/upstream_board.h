/// UpstreamBoard: how each worker finds the addresses of each upstream, for /status.
///
/// Only its worker may look at an upstream. So each puts down here, once a second and whenever an
/// address fails or answers again, what it sees, and the admin listener reads that without waiting
/// for anybody.
///
/// What one worker finds out, all do: so an address that goes down, or is well again, is told of
/// here, for one line in the log instead of one of each worker.
///
/// Owner   server::Shared. Thread  any, under a mutex that is held for a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "gateway/relay/upstream.h"

namespace sluice::server {

class UpstreamBoard {
 public:
  using Address = relay::Upstream::Address;
  using Addresses = std::vector<Address>;
  enum class State : std::uint8_t {
    well,     ///< It answered last, or was never asked.
    resting,  ///< It failed last, and is left alone for a while.
    failing,  ///< It failed last, and is tried for the next request.
  };

  /// How an address is for all workers together, where that has just changed.
  struct Change {
    Address address;
    bool is_well = false;
  };

  /// Of `upstream`, as `worker` sees it now. Each change is told once, with the mutex held, so that
  /// they are told in their order. One that answers while it rests may fail again at once (some of
  /// the servers behind it are gone): it is told to be well when it has rested.
  using Tell = std::function<void(const Change&)>;
  void put(std::size_t worker, std::size_t upstream, Addresses addresses, TimePoint now,
           const Tell& tell);
  /// Of all workers together, by name: the last that any of them has seen of an address.
  [[nodiscard]] Addresses of(std::size_t upstream) const;
  [[nodiscard]] static State state_of(const Address& address, TimePoint now);

 private:
  /// With the mutex held.
  [[nodiscard]] std::map<std::string, Address> sums_of(std::size_t upstream) const;

  mutable std::mutex mutex_;
  std::vector<std::vector<Addresses>> seen_;  ///< By worker, then by upstream.
  std::vector<std::set<std::string>> down_;   ///< By upstream: those last told to be down.
};

}  // namespace sluice::server
