/// Scene: a crowd of streams, feeds of events, and figures of what came of it.
///
/// Each kind of scene plays its phases and adds its figures; what they have in common is here.
///
/// Thread  one; everything happens within its turns.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/crowd/feed.h"
#include "bench/crowd/options.h"
#include "bench/load/audience.h"
#include "bench/load/subscriber.h"
#include "bench/load/usage.h"

namespace sluice::bench {

class Scene {
 public:
  explicit Scene(const CrowdOptions& options);
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  virtual ~Scene() = default;
  /// All phases; false when one of them came to no end.
  bool perform();

  // What came of it; valid after perform().
  [[nodiscard]] const Faults& faults() const { return faults_; }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string json() const;

 protected:
  virtual bool play() = 0;

  [[nodiscard]] const CrowdOptions& options() const { return options_; }
  Audience& audience() { return audience_; }
  [[nodiscard]] const Audience& audience() const { return audience_; }
  std::vector<std::unique_ptr<Subscriber>>& subscribers() { return subscribers_; }
  std::uint64_t& fault(const std::string& name) { return faults_[name]; }
  [[nodiscard]] Usage usage() const { return Usage::now(options_.load); }
  Feed& add_feed(const Feed::Plan& plan);
  /// Ends the publishing streams, and waits for their answers.
  bool finish_feeds();
  /// All connections, until all their streams are ready.
  bool connect_all();
  /// Turns until it is done, or the limit; whether it is done.
  bool turn_until(std::uint64_t limit_ns, const std::function<bool()>& is_done);
  void turn_for(std::uint64_t duration_ns);
  /// Called in each turn.
  virtual void each_turn() {}
  /// Whether the next turn must not wait.
  [[nodiscard]] virtual bool is_eager() const { return false; }
  /// Events delivered to one reader of what a feed publishes, for feeds that are bounded by it.
  [[nodiscard]] virtual std::uint64_t delivered() const { return 0; }

  void add(std::string name, double value) { figures_.emplace_back(std::move(name), value); }
  /// NAME_p50_ms and NAME_p99_ms.
  void add(std::string_view name, const Histogram& latency);
  /// What is between them counts as what was measured. `events`: there were meanwhile, for Redis.
  void measured(Usage from, Usage to, std::uint64_t events = 0);

 private:
  const CrowdOptions& options_;
  Audience audience_;
  TlsContextPtr tls_;
  H2Poster::Target target_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  Faults faults_;
  std::vector<std::pair<std::string, double>> figures_;
  Usage from_, to_;
  std::uint64_t events_ = 0;
};

}  // namespace sluice::bench
