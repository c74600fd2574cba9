/// Feed: hands what the journal has ordered to every worker. The only way an event crosses threads.
///
/// Owner   server::Gateway. Thread  on_events(): whichever appended, one at a time.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "gateway/journal/journal.h"
#include "gateway/server/worker.h"

namespace sluice::server {

class Feed final : public journal::Follower {
 public:
  explicit Feed(const std::vector<std::unique_ptr<Worker>>& workers) : workers_(workers) {}

  void on_events(std::span<const sse::EventPtr> events) override {
    for (const auto& worker : workers_) worker->deliver(events);
  }

 private:
  const std::vector<std::unique_ptr<Worker>>& workers_;
};

}  // namespace sluice::server
