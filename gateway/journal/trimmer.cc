#include "gateway/journal/trimmer.h"

#include <chrono>

namespace sluice::journal {

Trimmer::Trimmer(Txn& txn, State& state, Tables& tables, Bounds bounds)
    : txn_(txn), state_(state), tables_(tables), bounds_(bounds), steps_(bounds.steps) {}

bool Trimmer::step() {
  if (steps_ == 0 || txn_.error() != 0) return false;
  --steps_;
  return true;
}

bool Trimmer::is_too_old(WallTime time, const Retention& rule) const {
  return rule.age.count() > 0 && time <= bounds_.now - rule.age;
}

void Trimmer::trim_topic(std::string_view name, const Retention& rule, std::uint64_t seed) {
  const std::uint64_t topic = hash_of(name, seed);
  while (true) {
    const TopicFigures its = tables_.figures(topic);
    const bool is_over = (rule.events != 0 && its.events > rule.events) ||
                         (rule.bytes != 0 && its.bytes > rule.bytes);
    if (!is_over) return;
    const auto held = tables_.oldest_of(topic);
    if (!held || !step()) return;
    tables_.remove_by_rule(*held, !rule.is_state);
    ++removed_;
  }
}

void Trimmer::trim_all() {
  trim_due();
  trim_front();
  trim_marks();
  trim_once();
}

void Trimmer::trim_due() {
  const auto now = std::chrono::duration_cast<Millis>(bounds_.now.time_since_epoch()).count();
  while (true) {
    std::uint64_t topic = 0;
    {
      Cursor cursor(txn_, Table::due);
      if (!cursor.first() || cursor.key() > static_cast<std::uint64_t>(now)) return;
      topic = cursor.member();
    }
    if (!step()) return;
    trim_due_topic(topic);
  }
}

void Trimmer::trim_due_topic(std::uint64_t topic) {
  while (const auto held = tables_.oldest_of(topic)) {
    bool is_missed = true;
    if (!held->is_damaged) {
      const Retention* rule =
          bounds_.options.retention_of ? bounds_.options.retention_of(held->first_topic) : nullptr;
      const bool has_age = rule != nullptr && rule->age.count() > 0;
      if (!has_age || !is_too_old(held->time, *rule)) {
        tables_.set_due(topic, has_age ? due_of(held->time, *rule) : 0);
        return;
      }
      is_missed = !rule->is_state;
    }
    if (!step()) return;
    tables_.remove_by_rule(*held, is_missed);
    ++removed_;
  }
  tables_.set_due(topic, 0);
}

void Trimmer::trim_front() {
  const Retention& rule = bounds_.options.retention;
  while (true) {
    const bool is_over = (rule.events != 0 && state_.events > rule.events) ||
                         (rule.bytes != 0 && state_.bytes > rule.bytes);
    if (!is_over && rule.age.count() == 0) return;
    const auto held = tables_.oldest();
    if (!held || (!is_over && !is_too_old(held->time, rule)) || !step()) return;
    tables_.evict(*held);
    ++removed_;
  }
}

void Trimmer::trim_marks() {
  while (steps_ > 0 && tables_.drop_mark_through(state_.evicted)) step();
  while (state_.marks > bounds_.options.marks && step()) tables_.fold_oldest_mark();
}

void Trimmer::trim_once() {
  const RepeatOptions& repeats = bounds_.options.repeats;
  const WallTime oldest = bounds_.now - repeats.window;
  while (true) {
    std::uint64_t position = 0;
    {
      Cursor cursor(txn_, Table::once);
      if (!cursor.first()) return;
      const auto entry = parse_once(cursor.value());
      const bool is_over = txn_.count(Table::once) > repeats.keys;
      if (entry && entry->time > oldest && !is_over) return;
      position = cursor.key();
    }
    if (!step()) return;
    txn_.erase(Table::once, position);
  }
}

}  // namespace sluice::journal
