/// Attackers: hostile clients from many addresses, who hold what they can get, and come again when
/// they are sent away.
///
///   mute       connects, and says nothing               half hello   begins a TLS handshake
///   half head  sends 24 KB of a head without an end     half body    a QUERY whose body does not
///   end unread     asks for all of history, reads nothing   starving     does so with 20 streams
///   over
///                                                                    TLS and HTTP/2, windows shut
///
/// They are looked at one at a time between two looks at the readers that are measured.
///
/// Owner  a scene. Thread  one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/common/net.h"
#include "bench/crowd/options.h"
#include "bench/load/audience.h"
#include "bench/load/subscriber.h"

namespace sluice::bench {

class Attackers final : private Watcher {
 public:
  static constexpr std::size_t kAddresses = 200;  ///< 127.0.1.1 to 127.0.1.200.
  static constexpr std::size_t kStreams = 20;     ///< Of one that starves.

  Attackers(const CrowdOptions& options, const Poller& poller);
  ~Attackers() override;

  /// Some more come, or come again. To be called after each turn while they attack.
  void proceed();
  /// All leave at once.
  void leave();
  /// How often one has come.
  [[nodiscard]] std::uint64_t attempts() const { return attempts_; }
  /// Who has not all come yet, or not again, can at once.
  [[nodiscard]] bool is_eager() const { return is_eager_; }

 private:
  class Raw;
  struct Place {
    std::unique_ptr<Raw> raw;
    std::unique_ptr<Subscriber> starving;
  };

  void on_ready(std::uint32_t epoll_events) override;
  void come(std::size_t place);
  [[nodiscard]] static bool is_gone(const Place& place);

  const CrowdOptions& options_;
  Options starving_options_;
  std::unique_ptr<Audience> audience_;
  std::vector<Place> places_;
  std::size_t next_ = 0;
  std::uint64_t attempts_ = 0;
  bool is_eager_ = true;
};

}  // namespace sluice::bench
