#include "gateway/relay/sources.h"

#include <iterator>

namespace sluice::relay {

Sources::Found Sources::find_or_add(const Log::Setting& setting,
                                    const std::shared_ptr<Door>& door) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(setting.key); found != by_key_.end()) {
    if (!found->second->is_closed()) return {.log = found->second};
    forget(*found->second);
  }
  if (!make_room()) return {};
  auto log = make(setting, door);
  by_key_.emplace(setting.key, log);
  return {.log = std::move(log), .is_new = true};
}

std::shared_ptr<Log> Sources::add(const Log::Setting& setting, const std::shared_ptr<Door>& door) {
  const std::lock_guard lock(mutex_);
  return make_room() ? make(setting, door) : nullptr;
}

std::shared_ptr<Log> Sources::make(const Log::Setting& setting, const std::shared_ptr<Door>& door) {
  auto log = std::make_shared<Log>(setting, account_, std::make_shared<Bell>(door));
  by_name_.emplace(setting.name, log);
  if (setting.has_names) replays_.emplace(setting.key, log);
  return log;
}

std::shared_ptr<Log> Sources::find_named(std::string_view name, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(std::string(name));
  if (found == by_name_.end()) return nullptr;
  const Log::Setting& setting = found->second->setting();
  return setting.has_names && setting.key == key ? found->second : nullptr;
}

std::shared_ptr<Log> Sources::find_holder(const std::string& key, std::string_view id,
                                          TimePoint since) const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Log> waiting;
  std::shared_ptr<Log> attached;
  std::size_t are_attached = 0;
  const auto [begin, end] = replays_.equal_range(key);
  for (auto each = begin; each != end; ++each) {
    const auto& log = each->second;
    if (!log->holds(id)) continue;
    if (log->idle_since() == TimePoint::max()) {
      attached = log;
      ++are_attached;
    } else if (waiting != nullptr) {
      return nullptr;
    } else {
      waiting = log;
    }
  }
  if (waiting != nullptr || are_attached != 1) return waiting;
  return attached->setting().is_exclusive && attached->may_be_back(id, since) ? attached : nullptr;
}

void Sources::remove(const Log& log, bool for_good) {
  const std::lock_guard lock(mutex_);
  if (for_good) return forget(log);
  const auto found = by_key_.find(log.setting().key);
  if (found != by_key_.end() && found->second.get() == &log) by_key_.erase(found);
}

void Sources::forget(const Log& log) {
  const auto kept = by_name_.find(log.setting().name);
  if (kept == by_name_.end()) return;
  const std::shared_ptr<Log> alive = kept->second;
  by_name_.erase(kept);
  const auto [begin, end] = replays_.equal_range(log.setting().key);
  for (auto each = begin; each != end; ++each) {
    if (each->second.get() != &log) continue;
    replays_.erase(each);
    break;
  }
  const auto found = by_key_.find(log.setting().key);
  if (found != by_key_.end() && found->second.get() == &log) by_key_.erase(found);
}

bool Sources::make_room() {
  while (by_name_.size() >= options_.sources || bytes() > options_.replay_bytes) {
    if (!drop_longest_idle()) return false;
  }
  return true;
}

bool Sources::drop_longest_idle() {
  std::shared_ptr<Log> longest;
  for (const auto& [name, log] : by_name_) {
    const TimePoint since = log->idle_since();
    if (since == TimePoint::max()) continue;
    if (longest == nullptr || since < longest->idle_since()) longest = log;
  }
  if (longest == nullptr) return false;
  // A reader may just have come back to it: then it stays.
  if (longest->close(true)) forget(*longest);
  return true;
}

void Sources::relieve(Log& newest) {
  if (bytes() <= options_.replay_bytes) return relax();
  const std::lock_guard lock(mutex_);
  while (bytes() > options_.replay_bytes) {
    if (drop_longest_idle()) continue;
    account_.is_tight = true;
    return newest.trim();
  }
}

void Sources::relax() {
  if (!account_.is_tight || bytes() >= options_.replay_bytes / 4 * 3) return;
  const std::lock_guard lock(mutex_);
  account_.is_tight = false;
  for (const auto& [name, log] : by_name_) log->relax();
}

std::size_t Sources::size() const {
  const std::lock_guard lock(mutex_);
  return by_name_.size();
}

}  // namespace sluice::relay
