/// Reader: the thread that reads history, a page in a short transaction, one after the other.
///
/// Owner   the file journal. Thread  read(), find(): any. Its own thread answers.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "gateway/base/clock.h"
#include "gateway/journal/counters.h"
#include "gateway/journal/event_cache.h"
#include "gateway/journal/history.h"
#include "gateway/journal/store.h"

namespace sluice::journal {

class Reader {
 public:
  struct Options {
    std::size_t cache_bytes;
    std::uint64_t seed;
  };
  Reader(Store& store, Options options, const Clock& clock, ReaderCounters& counters);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void start();
  /// Answers what still waits with Errc::io, ends the thread.
  void stop();

  void read(Query query, History::PageDone done);
  void find(std::string own_id, History::FindDone done);

 private:
  friend class PageMaker;
  struct ReadJob {
    Query query;
    History::PageDone done;
  };
  struct FindJob {
    std::string own_id;
    History::FindDone done;
  };
  using Job = std::variant<ReadJob, FindJob>;

  void add(Job job);
  void run();
  void work(ReadJob& job);
  void work(FindJob& job);
  Result<Page> page_of(const Query& query);
  Result<std::optional<sse::Position>> find_now(const std::string& own_id);
  /// `record` as it was found, if it was; null: it cannot be read.
  sse::EventPtr event_at(Txn& txn, std::uint64_t position, std::optional<std::string_view> record);
  void tell_damage(std::uint64_t position);

  // Set in the constructor.
  Store& store_;
  const Options options_;
  const Clock& clock_;
  ReaderCounters& counters_;
  // Any thread, under mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool is_stopping_ = false;
  // The reader's thread only.
  EventCache cache_;
  TimePoint next_complaint_{};
  std::thread thread_;
};

}  // namespace sluice::journal
