/// Writer: the thread that stores events, in groups, and holds history to its bounds.
///
/// It takes all batches that wait, up to the bounds of a group, stores them in one transaction,
/// commits, shows the events to the followers, and then answers each batch. A batch is stored
/// whole or not at all. What cannot be stored is refused, and what was stored before stays good:
/// after a full disk the next batch tries again; after an error of the disk itself nothing is
/// stored until the next start, since nobody can say what the disk holds then.
///
/// Owner   the file journal. Thread  append(): any. follow(), start(): main. Its own thread calls
/// the followers and answers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/journal/counters.h"
#include "gateway/journal/journal.h"
#include "gateway/journal/open.h"
#include "gateway/journal/options.h"
#include "gateway/journal/repeats.h"
#include "gateway/journal/store.h"
#include "gateway/journal/tables.h"

namespace sluice::journal {

class Writer {
 public:
  /// `history` and the rest outlive it.
  Writer(OpenHistory& history, const FileOptions& options, const Clock& clock,
         WriterCounters& counters);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void follow(Follower& follower) { followers_.push_back(&follower); }
  void start();
  /// Takes no more, stores what waits, ends the thread.
  void stop();
  /// The same, for a time: see Journal::hand_over().
  void hand_over();
  /// Goes on behind `state`, which is what the store holds.
  void resume(const State& state);

  void append(std::vector<sse::Draft> drafts, Appended done);
  /// Does now what time demands, and returns when it is done.
  void tick();
  [[nodiscard]] sse::Position evicted() const {
    return sse::Position(evicted_.load(std::memory_order_acquire));
  }
  /// Of the newest event that is stored. Followers never know of a later one.
  [[nodiscard]] sse::Position last() const {
    return sse::Position(last_.load(std::memory_order_acquire));
  }

 private:
  struct Batch {
    std::vector<sse::Draft> drafts;
    Appended done;
    std::size_t bytes = 0;
  };
  using Once = std::pair<std::uint64_t, OnceEntry>;  ///< Position, and what is stored there.
  /// A group, made ready to be stored.
  struct Group {
    WallTime time;
    std::vector<sse::EventPtr> events;
    std::vector<Once> once;
    std::vector<std::vector<Receipt>> receipts;  ///< Of each batch.
    std::size_t repeats = 0;
  };
  enum class Health { good, full, dead };

  /// Takes the batch out of `batch`, or leaves it and says why.
  Result<void> enqueue(Batch& batch);
  void run();
  [[nodiscard]] Duration patience() const;
  std::vector<Batch> take_batches();
  void write(std::vector<Batch>& batches);
  int try_write(std::span<Batch> batches);
  [[nodiscard]] Group make_group(std::span<const Batch> batches);
  void order(const sse::Draft& draft, Group& group, std::vector<Receipt>& receipts);
  int store(const Group& group);
  int store_once(const Group& group);
  int commit(Txn txn, const State& state);
  void refuse(Batch& batch, int error);
  [[nodiscard]] std::string sentence(int error) const;
  void note_health(int error);
  void keep_house(bool is_asked);
  /// How many entries were removed in one transaction; `error` of it, if any.
  std::size_t trim_step(int& error);
  void sync_now();
  void close_well();
  void load_repeats();
  void show_figures();

  // Set in the constructor, followers_ before start.
  Store& store_;
  const std::string epoch_;
  const std::uint64_t seed_;
  const FileOptions& options_;
  const Clock& clock_;
  WriterCounters& counters_;
  std::vector<Follower*> followers_;
  // Any thread.
  std::atomic<std::uint64_t> evicted_;
  std::atomic<std::uint64_t> last_;
  // Any thread, under mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ticked_;
  std::deque<Batch> queue_;
  std::size_t queue_events_ = 0;
  std::size_t queue_bytes_ = 0;
  std::uint64_t ticks_wanted_ = 0;
  std::uint64_t ticks_done_ = 0;
  bool is_stopping_ = false;
  bool is_handed_over_ = false;
  // The writer's thread only, once it runs.
  State state_;
  Repeats repeats_;
  Health health_ = Health::good;
  bool is_unsynced_ = false;
  bool has_more_to_trim_ = false;
  TimePoint last_sync_;
  TimePoint last_house_;
  std::thread thread_;
};

}  // namespace sluice::journal
