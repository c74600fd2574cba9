/// The writer's part that touches the file: transactions, failures, and what time demands.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/journal/trimmer.h"
#include "gateway/journal/writer.h"

namespace sluice::journal {
namespace {

constexpr Millis kHousekeeping{1'000};
/// Entries that one transaction of housekeeping may remove: some milliseconds of work.
constexpr std::size_t kSteps = 2048;

/// Room that the disk must have for these events: records, and pages of the indexes.
std::size_t room_for(const std::vector<sse::EventPtr>& events) {
  constexpr std::size_t kPage = 4_KiB;
  constexpr std::size_t kMostOfIndexes = 16_MiB;
  std::size_t bytes = 0;
  std::size_t entries = 0;
  for (const sse::EventPtr& event : events) {
    bytes += event->memory() + kPage / 2;
    entries += event->topics.size() + 2;
  }
  return 2 * bytes + std::min(entries * kPage, kMostOfIndexes) + 64 * kPage;
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

int Writer::store(const Group& group) {
  if (health_ == Health::dead) return EIO;
  if (group.events.empty()) return 0;
  int error = store_.reserve(room_for(group.events));
  if (error != 0) return error;
  error = store_once(group);
  if (is_map_full(error)) {
    // What need not be held any more makes room; if that does not do, the map grows.
    int ignored = 0;
    if (trim_step(ignored) > 0) error = store_once(group);
  }
  while (is_map_full(error) && store_.grow_map() == 0) error = store_once(group);
  // LMDB takes a write that the disk did not take whole for an error of the disk.
  if (error == EIO && is_disk_full(store_.reserve(4 * room_for(group.events)))) return ENOSPC;
  return error;
}

int Writer::store_once(const Group& group) {
  State state = state_;
  Txn txn = store_.begin_write();
  Tables tables(txn, state, seed_);
  Trimmer trimmer(
      txn, state, tables,
      {.options = options_, .now = group.time, .steps = 2 * group.events.size() + kSteps / 8});
  for (const sse::EventPtr& event : group.events) {
    const std::string& topic = event->topics.front();
    const Retention* rule = options_.retention_of ? options_.retention_of(topic) : nullptr;
    tables.add(*event, rule);
    if (rule != nullptr) trimmer.trim_topic(topic, *rule, seed_);
  }
  for (const Once& once : group.once) txn.append(Table::once, once.first, make_once(once.second));
  trimmer.trim_all();
  tables.put_state();
  const int error = commit(std::move(txn), state);
  if (error == 0) {
    counters_.removed.add(trimmer.removed());
    has_more_to_trim_ = trimmer.has_more();
  }
  return error;
}

int Writer::commit(Txn txn, const State& state) {
  const TimePoint begin = clock_.now();
  const int error = txn.commit();
  if (error != 0) return error;
  counters_.commit.observe(seconds(clock_.now() - begin));
  state_ = state;
  evicted_.store(state.evicted, std::memory_order_release);
  last_.store(state.last, std::memory_order_release);
  if (options_.sync == Sync::always) {
    counters_.syncs.add();
  } else if (!is_unsynced_) {
    is_unsynced_ = true;
    last_sync_ = clock_.now();
  }
  show_figures();
  return 0;
}

void Writer::show_figures() {
  counters_.events.set(static_cast<std::int64_t>(state_.events));
  counters_.bytes.set(static_cast<std::int64_t>(state_.bytes));
  counters_.file_bytes.set(static_cast<std::int64_t>(store_.file_bytes()));
}

std::size_t Writer::trim_step(int& error) {
  State state = state_;
  Txn txn = store_.begin_write();
  Tables tables(txn, state, seed_);
  Trimmer trimmer(txn, state, tables, {.options = options_, .now = clock_.wall(), .steps = kSteps});
  trimmer.trim_all();
  has_more_to_trim_ = trimmer.has_more();
  error = txn.error();
  if (!trimmer.has_changed() || error != 0) return 0;
  tables.put_state();
  error = commit(std::move(txn), state);
  if (error != 0) return 0;
  counters_.removed.add(trimmer.removed());
  return kSteps;
}

void Writer::keep_house(bool is_asked) {
  if (health_ == Health::dead) return;
  const TimePoint now = clock_.now();
  const bool is_time = is_asked || now - last_house_ >= kHousekeeping;
  if (is_time || has_more_to_trim_) {
    last_house_ = now;
    if (is_time) store_.forget_dead_readers();
    int error = 0;
    do {
      trim_step(error);
    } while (is_asked && has_more_to_trim_ && error == 0);
    // Only what stores events says that all is well again.
    if (error != 0) {
      has_more_to_trim_ = false;
      note_health(error);
    }
  }
  const bool is_due = options_.sync == Sync::interval && now - last_sync_ >= options_.sync_interval;
  if (is_unsynced_ && is_due) sync_now();
}

void Writer::sync_now() {
  if (!is_unsynced_) return;
  is_unsynced_ = false;
  last_sync_ = clock_.now();
  const int error = store_.sync();
  counters_.syncs.add();
  if (error != 0) note_health(EIO);
}

void Writer::close_well() {
  if (options_.sync == Sync::always) return;
  sync_now();
  if (health_ == Health::dead) return;
  // Not before all else is on the disk.
  Txn txn = store_.begin_write();
  txn.put(Table::meta, static_cast<std::uint64_t>(MetaKey::session), seal(Session{}));
  if (txn.commit() == 0) static_cast<void>(store_.sync());
}

Duration Writer::patience() const {
  if (health_ == Health::dead) return kHousekeeping;
  if (has_more_to_trim_) return Duration(0);
  const TimePoint now = clock_.now();
  Duration wait = last_house_ + kHousekeeping - now;
  if (is_unsynced_ && options_.sync == Sync::interval) {
    wait = std::min(wait, last_sync_ + options_.sync_interval - now);
  }
  return std::clamp<Duration>(wait, Millis(1), kHousekeeping);
}

std::string Writer::sentence(int error) const {
  if (health_ == Health::dead) {
    return fmt::format("history in {} takes nothing more until the next start: {}", options_.path,
                       error_text(error));
  }
  if (is_disk_full(error)) {
    return fmt::format("history in {} cannot be written: {}; free some space on that disk",
                       options_.path, error_text(error));
  }
  return fmt::format("this cannot be stored in the history in {}: {}", options_.path,
                     error_text(error));
}

void Writer::note_health(int error) {
  if (health_ == Health::dead) return;
  Health next = Health::good;
  if (is_disk_full(error) || is_map_full(error)) {
    next = Health::full;
  } else if (error != 0 && !is_too_large(error)) {
    next = Health::dead;
  } else if (error != 0) {
    next = health_;
  }
  if (next == health_) return;
  health_ = next;
  if (next == Health::good) {
    log::info("the history in {} can be written again", options_.path);
  } else if (next == Health::full) {
    log::error("{}; until then publishers are refused", sentence(error));
  } else {
    log::error("{}; what the disk holds is not certain. Look at that disk, then start again",
               sentence(error));
  }
}

}  // namespace sluice::journal
