#include "gateway/journal/tables.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <xxhash.h>

#include "gateway/journal/record.h"

namespace sluice::journal {
namespace {

void subtract(std::uint64_t& from, std::uint64_t n) {
  from -= std::min(from, n);
}

/// The fixed part of an entry of Table::once.
struct OnceHead {
  std::uint64_t low;
  std::uint64_t high;
  std::int64_t time;
};

}  // namespace

std::uint64_t hash_of(std::string_view name, std::uint64_t seed) {
  return XXH3_64bits_withSeed(name.data(), name.size(), seed);
}

std::string make_once(const OnceEntry& entry) {
  const OnceHead head{entry.key.low, entry.key.high, entry.time.time_since_epoch().count()};
  return seal(head) + entry.id;
}

std::optional<OnceEntry> parse_once(std::string_view bytes) {
  constexpr std::size_t kSealed = sizeof(OnceHead) + sizeof(std::uint64_t);
  if (bytes.size() < kSealed) return std::nullopt;
  const auto head = unseal<OnceHead>(bytes.substr(0, kSealed));
  if (!head) return std::nullopt;
  return OnceEntry{.key = {.low = head->low, .high = head->high},
                   .time = WallTime(WallTime::duration(head->time)),
                   .id = std::string(bytes.substr(kSealed))};
}

std::uint64_t due_of(WallTime time, const Retention& rule) {
  const auto due = std::chrono::duration_cast<Millis>(time.time_since_epoch()) + rule.age;
  // Rounded up, and never 0, which means none.
  return static_cast<std::uint64_t>(std::max<Millis::rep>(due.count() + 1, 1));
}

Held Tables::describe(std::uint64_t position, std::string_view record) const {
  Held held{.position = position,
            .cost = record_cost(record.size(), 1),
            .first_topic = {},
            .topics = {},
            .own_id = {},
            .time = {}};
  const auto parsed = parse_record(record, sse::Position(position));
  if (!parsed) {
    held.is_damaged = true;
    return held;
  }
  held.first_topic = parsed->topics.front();
  for (const std::string_view topic : parsed->topics) {
    const std::uint64_t hash = hash_of(topic, seed_);
    if (std::find(held.topics.begin(), held.topics.end(), hash) == held.topics.end()) {
      held.topics.push_back(hash);
    }
  }
  held.cost = record_cost(record.size(), parsed->topics.size());
  if (parsed->has_own_id) held.own_id = hash_of(parsed->id, seed_);
  held.time = parsed->time;
  held.is_ruled = parsed->is_ruled;
  return held;
}

void Tables::add(const sse::Event& event, const Retention* rule) {
  const std::string record = make_record(event, rule != nullptr);
  const std::uint64_t position = event.position.value();
  const Held held = describe(position, record);
  txn_.append(Table::events, position, record);
  for (const std::uint64_t topic : held.topics) txn_.insert(Table::topics, topic, position);
  if (held.own_id) txn_.insert(Table::ids, *held.own_id, position);
  if (rule != nullptr) {
    const std::uint64_t topic = held.topics.front();
    txn_.insert(Table::ruled, topic, position);
    TopicFigures its = figures(topic);
    ++its.events;
    its.bytes += held.cost;
    if (rule->age.count() > 0 && its.due == 0) {
      its.due = due_of(held.time, *rule);
      txn_.insert(Table::due, its.due, topic);
    }
    put_figures(topic, its);
  }
  state_.last = position;
  ++state_.events;
  state_.bytes += held.cost;
}

std::optional<Held> Tables::oldest() {
  Cursor cursor(txn_, Table::events);
  if (!cursor.first()) return std::nullopt;
  return describe(cursor.key(), cursor.value());
}

std::optional<Held> Tables::oldest_of(std::uint64_t topic) {
  Cursor cursor(txn_, Table::ruled);
  while (cursor.seek_in(topic, 0)) {
    const std::uint64_t position = cursor.member();
    const auto record = txn_.get(Table::events, position);
    if (record) {
      Held held = describe(position, *record);
      // What cannot be read any more is still this topic's.
      if (held.is_damaged) held.topics = {topic};
      held.is_ruled = true;
      return held;
    }
    txn_.remove(Table::ruled, topic, position);
  }
  return std::nullopt;
}

void Tables::remove(const Held& held) {
  txn_.erase(Table::events, held.position);
  for (const std::uint64_t topic : held.topics) txn_.remove(Table::topics, topic, held.position);
  if (held.own_id) txn_.remove(Table::ids, *held.own_id, held.position);
  if (held.is_ruled) {
    const std::uint64_t topic = held.topics.front();
    txn_.remove(Table::ruled, topic, held.position);
    TopicFigures its = figures(topic);
    subtract(its.events, 1);
    subtract(its.bytes, held.cost);
    put_figures(topic, its);
  }
  subtract(state_.events, 1);
  subtract(state_.bytes, held.cost);
}

void Tables::evict(const Held& held) {
  remove(held);
  state_.evicted = std::max(state_.evicted, held.position);
}

void Tables::remove_by_rule(const Held& held, bool is_missed) {
  remove(held);
  if (!is_missed) return;
  for (const std::uint64_t topic : held.topics) mark(topic, held.position);
}

void Tables::mark(std::uint64_t topic, std::uint64_t position) {
  TopicFigures its = figures(topic);
  if (its.missing_last == 0) {
    its.missing_first = position;
    ++state_.marks;
  }
  its.missing_first = std::min(its.missing_first, position);
  if (position > its.missing_last) {
    if (its.missing_last != 0) txn_.remove(Table::marks, its.missing_last, topic);
    its.missing_last = position;
    txn_.insert(Table::marks, position, topic);
  }
  put_figures(topic, its);
}

void Tables::drop_mark(std::uint64_t position, std::uint64_t topic) {
  txn_.remove(Table::marks, position, topic);
  TopicFigures its = figures(topic);
  its.missing_first = 0;
  its.missing_last = 0;
  put_figures(topic, its);
  subtract(state_.marks, 1);
}

bool Tables::drop_mark_through(std::uint64_t position) {
  std::uint64_t at = 0;
  std::uint64_t topic = 0;
  {
    Cursor cursor(txn_, Table::marks);
    if (!cursor.first() || cursor.key() > position) return false;
    at = cursor.key();
    topic = cursor.member();
  }
  drop_mark(at, topic);
  return true;
}

void Tables::fold_oldest_mark() {
  std::uint64_t at = 0;
  std::uint64_t topic = 0;
  {
    Cursor cursor(txn_, Table::marks);
    if (!cursor.first()) return;
    at = cursor.key();
    topic = cursor.member();
  }
  drop_mark(at, topic);
  state_.folded = std::max(state_.folded, at);
}

TopicFigures Tables::figures(std::uint64_t topic) {
  const auto bytes = txn_.get(Table::figures, topic);
  return bytes ? unseal<TopicFigures>(*bytes).value_or(TopicFigures{}) : TopicFigures{};
}

void Tables::put_figures(std::uint64_t topic, const TopicFigures& figures) {
  if (figures.is_empty()) {
    txn_.erase(Table::figures, topic);
  } else {
    txn_.put(Table::figures, topic, seal(figures));
  }
}

void Tables::set_due(std::uint64_t topic, std::uint64_t due) {
  TopicFigures its = figures(topic);
  if (its.due != 0) txn_.remove(Table::due, its.due, topic);
  its.due = due;
  if (due != 0) txn_.insert(Table::due, due, topic);
  put_figures(topic, its);
}

void Tables::put_state() {
  txn_.put(Table::meta, static_cast<std::uint64_t>(MetaKey::state), seal(state_));
}

}  // namespace sluice::journal
