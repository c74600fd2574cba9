#include "gateway/journal/tail.h"

#include <chrono>
#include <cstddef>

#include "gateway/base/log.h"
#include "gateway/journal/open.h"
#include "gateway/journal/record.h"

namespace sluice::journal {
namespace {

/// How late an event may be for those who still read here.
constexpr std::chrono::milliseconds kLook{5};
/// Of one transaction: pages that an old one may see are not used again.
constexpr std::size_t kAtOnce = 512;

}  // namespace

void Tail::start(sse::Position after) {
  last_.store(after.value(), std::memory_order_release);
  is_stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void Tail::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Tail::catch_up(sse::Position last) {
  stop();
  while (this->last() < last && look()) {
  }
}

void Tail::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    const bool has_more = look();
    lock.lock();
    if (!has_more) wake_.wait_for(lock, kLook, [this] { return is_stopping_; });
  }
}

bool Tail::look() {
  std::vector<sse::EventPtr> events;
  std::uint64_t last = last_.load(std::memory_order_relaxed);
  bool has_more = false;
  {
    Txn txn = store_.begin_read();
    const auto state = read_state(txn);
    if (!state) {
      if (!has_complained_.exchange(true)) {
        log::error("history cannot be followed: {}; readers here get it when they come back",
                   error_text(txn.error()));
      }
      return false;
    }
    evicted_.store(state->evicted, std::memory_order_release);
    if (state->last == last) return false;
    Cursor cursor(txn, Table::events);
    bool has = cursor.seek(last + 1);
    for (; has && events.size() < kAtOnce; has = cursor.next()) {
      last = cursor.key();
      const auto record = parse_record(cursor.value(), sse::Position(last));
      if (record) events.push_back(to_event(*record, sse::Position(last)));
    }
    has_more = has;
    // Behind the last one that is held there may have been others, which a rule took away.
    if (!has && txn.error() == 0) last = state->last;
  }
  last_.store(last, std::memory_order_release);
  if (events.empty()) return has_more;
  for (Follower* follower : followers_) follower->on_events(events);
  return has_more;
}

}  // namespace sluice::journal
