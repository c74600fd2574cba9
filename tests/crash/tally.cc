#include "tests/crash/tally.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace sluice::crash {
namespace {
constexpr std::size_t kExamples = 10;
}  // namespace

std::uint64_t Tally::send() {
  events_.emplace_back();
  return events_.size() - 1;
}

void Tally::acknowledge(std::uint64_t event, std::string_view id) {
  Event& it = events_[event];
  it.is_acknowledged = true;
  ++acknowledged_;
  make_due(it);
  place(it, position_of(id, publishers_), publishers_);
}

void Tally::refuse(std::uint64_t event) {
  events_[event].is_refused = true;
  ++refused_;
}

void Tally::receive(std::size_t reader, std::uint64_t event, std::string_view id) {
  Reader& its = readers_[reader];
  ++received_;
  if (event >= events_.size() || events_[event].is_refused) {
    ++its.faults.strange;
    return;
  }
  const std::uint64_t position = position_of(id, its.faults);
  Event& it = events_[event];
  make_due(it);
  place(it, position, its.faults);
  if (its.has.size() <= event) its.has.resize(std::max(events_.size(), 2 * its.has.size()));
  if (its.has[event]) {
    ++its.faults.repeated;
    return;
  }
  its.has[event] = true;
  ++its.count;
  if (position <= its.position) ++its.faults.disordered;
  its.position = std::max(its.position, position);
}

void Tally::receive_gap(std::size_t reader) {
  ++readers_[reader].faults.gaps;
}

void Tally::receive_strange(std::size_t reader) {
  ++readers_[reader].faults.strange;
}

bool Tally::is_complete() const {
  return std::all_of(readers_.begin(), readers_.end(),
                     [this](const Reader& reader) { return reader.count == due_; });
}

Faults Tally::faults() const {
  Faults sum = publishers_;
  for (const Reader& reader : readers_) {
    sum.missing += due_ - reader.count;
    sum.repeated += reader.faults.repeated;
    sum.disordered += reader.faults.disordered;
    sum.misplaced += reader.faults.misplaced;
    sum.strange += reader.faults.strange;
    sum.epochs += reader.faults.epochs;
    sum.gaps += reader.faults.gaps;
  }
  return sum;
}

std::size_t Tally::readers_with_faults() const {
  return static_cast<std::size_t>(std::count_if(
      readers_.begin(), readers_.end(),
      [this](const Reader& reader) { return reader.count != due_ || !reader.faults.none(); }));
}

std::string Tally::examples() const {
  std::string text;
  std::size_t told = 0;
  for (std::size_t r = 0; r < readers_.size() && told < kExamples; ++r) {
    const Reader& reader = readers_[r];
    if (reader.count == due_ && reader.faults.none()) continue;
    ++told;
    text +=
        fmt::format("reader {}: at position {}, {} missing, {} repeated, {} disordered, {} gaps", r,
                    reader.position, due_ - reader.count, reader.faults.repeated,
                    reader.faults.disordered, reader.faults.gaps);
    std::size_t named = 0;
    for (std::size_t e = 0; e < events_.size() && named < 3; ++e) {
      if (!events_[e].is_due || (e < reader.has.size() && reader.has[e])) continue;
      text += fmt::format("{} event {} at {}", named++ == 0 ? "; missing" : ",", e,
                          events_[e].position);
    }
    text += '\n';
  }
  return text;
}

std::uint64_t Tally::position_of(std::string_view id, Faults& faults) {
  const std::size_t dash = id.rfind('-');
  std::uint64_t position = 0;
  if (dash == std::string_view::npos || dash == 0) {
    ++faults.strange;
    return 0;
  }
  const auto [end, error] = std::from_chars(id.data() + dash + 1, id.data() + id.size(), position);
  if (error != std::errc{} || end != id.data() + id.size()) ++faults.strange;
  const std::string_view epoch = id.substr(0, dash);
  if (epoch_.empty()) epoch_ = epoch;
  if (epoch != epoch_) ++faults.epochs;
  return position;
}

void Tally::place(Event& event, std::uint64_t position, Faults& faults) {
  if (event.position == 0) event.position = position;
  if (event.position != position) ++faults.misplaced;
}

void Tally::make_due(Event& event) {
  if (!event.is_due) ++due_;
  event.is_due = true;
}

}  // namespace sluice::crash
