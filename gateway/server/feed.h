/// Feed: hands what the journal has ordered to every worker. The only way an event crosses threads.
///
/// Owner   server::Gateway. Thread  on_events(): whichever appended, one at a time.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "gateway/journal/journal.h"
#include "gateway/server/worker.h"

namespace sluice::server {

class Feed final : public journal::Follower {
 public:
  Feed(const std::vector<std::unique_ptr<Worker>>& workers, const LimitOptions& limits)
      : workers_(workers), limits_(limits) {}

  void on_events(std::span<const sse::EventPtr> events) override {
    for (const auto& worker : workers_) worker->deliver(events);
  }
  [[nodiscard]] bool has_room() const override {
    return std::none_of(workers_.begin(), workers_.end(), [this](const auto& worker) {
      return worker->backlog() > limits_.backlog_events ||
             worker->backlog_bytes() > limits_.backlog_bytes;
    });
  }

 private:
  const std::vector<std::unique_ptr<Worker>>& workers_;
  const LimitOptions& limits_;
};

}  // namespace sluice::server
