/// Sources: which logs there are, of all workers.
///
/// A shared log is found by its key (what was asked for, by whom); one with names by its name, and
/// by its key beside others of the same. The process' bounds are held here: above `sources` or
/// `replay_bytes` the log that has been without readers for longest goes; where all have some, the
/// newcomer is relayed plainly, and the process is tight (log.h) until a quarter is free again.
///
/// Owner   the process; outlives the workers. Thread  any; the mutex is held for a look-up, or, at
/// a bound, for one pass over the logs.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/relay/log.h"
#include "gateway/relay/options.h"

namespace sluice::relay {

class Sources {
 public:
  explicit Sources(const LimitOptions& options) : options_(options) {}
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;

  struct Found {
    std::shared_ptr<Log> log;  ///< Null: there is no room for one more.
    bool is_new = false;       ///< Whoever has it starts its Source.
  };
  /// The shared log of that key, or a new one, whose Source will live behind `door`.
  Found find_or_add(const Log::Setting& setting, const std::shared_ptr<Door>& door);
  /// A new log, which is not shared; null: there is no room for it.
  std::shared_ptr<Log> add(const Log::Setting& setting, const std::shared_ptr<Door>& door);
  /// By a name of ours; null: unknown, or of another key.
  [[nodiscard]] std::shared_ptr<Log> find_named(std::string_view name, std::string_view key) const;
  /// The one log of that key without readers that holds the upstream's id. Where none has that, the
  /// one exclusive log with a reader, if Log::may_be_back() says so. Null: none or several.
  [[nodiscard]] std::shared_ptr<Log> find_holder(const std::string& key, std::string_view id,
                                                 TimePoint since) const;

  /// Newcomers get another one; with `for_good`, who comes back does not find it either.
  void remove(const Log& log, bool for_good);
  /// After an append: holds to replay_bytes.
  void relieve(Log& newest);
  /// When something may have gone: the process is tight no longer, if so, and who waits is told.
  void relax();

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t bytes() const { return account_.bytes.load(std::memory_order_relaxed); }

 private:
  using Logs = std::unordered_map<std::string, std::shared_ptr<Log>>;

  [[nodiscard]] bool make_room();
  bool drop_longest_idle();
  std::shared_ptr<Log> make(const Log::Setting& setting, const std::shared_ptr<Door>& door);
  void forget(const Log& log);

  const LimitOptions options_;
  Account account_;
  mutable std::mutex mutex_;
  Logs by_key_;   ///< Shared ones that newcomers join.
  Logs by_name_;  ///< All.
  std::unordered_multimap<std::string, std::shared_ptr<Log>> replays_;  ///< By key: with names.
};

}  // namespace sluice::relay
