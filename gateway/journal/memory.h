/// MemoryJournal: orders events by a lock and a counter, and keeps none itself.
///
/// What a reader can come back to is in the workers' windows (hub::Window). When the process ends,
/// history is gone, and the next one has another epoch.
/// Thread  any.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/journal/journal.h"
#include "gateway/journal/repeats.h"

namespace sluice::journal {

class MemoryJournal final : public Journal {
 public:
  explicit MemoryJournal(const Clock& clock, RepeatOptions repeats = {});
  MemoryJournal(const Clock& clock, std::string epoch, RepeatOptions repeats = {});

  [[nodiscard]] const std::string& epoch() const override { return epoch_; }
  void append(std::vector<sse::Draft> drafts, Appended done) override;
  void follow(Follower& follower) override;
  /// The other process begins a history of its own: there is nothing to show.
  void hand_over() override { is_handed_over_ = true; }
  Result<void> take_back() override {
    is_handed_over_ = false;
    return {};
  }
  [[nodiscard]] sse::Position last() const override {
    return sse::Position(last_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] History* history() override { return nullptr; }

 private:
  // Set in the constructor.
  const Clock& clock_;
  const std::string epoch_;
  // Set before start.
  std::vector<Follower*> followers_;
  // Any thread, under mutex_: it also keeps the order of on_events() that of positions.
  std::mutex mutex_;
  std::atomic<std::uint64_t> last_{0};  ///< Read by anybody.
  std::atomic<bool> is_handed_over_{false};
  Repeats repeats_;
};

}  // namespace sluice::journal
