#include "gateway/redis/entry.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/utf8.h"
#include "gateway/sse/encoder.h"

namespace sluice::redis {
namespace {

constexpr std::size_t kAnySize = std::numeric_limits<std::size_t>::max();
/// A hundred years: what is longer is taken for no time limit at all, and not for an overflow.
constexpr std::int64_t kLongest = 100LL * 365 * 24 * 3600 * 1000;
/// The script counts in doubles; and a time beyond this one, in 2112, has no room in a WallTime.
constexpr std::uint64_t kMostPosition = 1ULL << 53;
constexpr std::uint64_t kMostMark = 1ULL << 52;

/// What is read of an entry before it is an event.
struct Reading {
  sse::Draft draft;
  Entry entry;
  std::optional<std::int64_t> expires;
  bool is_good = true;
};

/// "7-0": 7 and "-0". What is no number, or too large for one of ours, is 0.
std::pair<sse::Position, std::string_view> read_id(std::string_view id) {
  std::uint64_t place = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), place);
  if (error != std::errc{} || place > kMostPosition) place = 0;
  return {sse::Position(place), id.substr(static_cast<std::size_t>(end - id.data()))};
}

void read_number(ReplyView value, std::uint64_t& number) {
  number = static_cast<std::uint64_t>(value.integer().value_or(0));
}

bool read_text(std::string_view what, std::string_view text, std::string& into) {
  into = text;
  return sse::check_text(what, text, kAnySize).has_value();
}

void read_field(std::string_view name, ReplyView value, Reading& reading) {
  sse::Draft& draft = reading.draft;
  bool is_good = true;
  if (name == "topic") {
    draft.topics.emplace_back();
    is_good = read_text(name, value.text(), draft.topics.back());
  } else if (name == "data") {
    draft.data = value.text();
    is_good = is_utf8(draft.data);
  } else if (name == "id") {
    is_good = read_text(name, value.text(), draft.id);
  } else if (name == "type") {
    is_good = read_text(name, value.text(), draft.type);
  } else if (name == "key") {
    is_good = read_text(name, value.text(), draft.key);
  } else if (name == "private") {
    draft.is_private = value.text() != "0";
  } else if (name == "retry") {
    const auto retry = value.integer();
    is_good = retry && *retry >= 0 && *retry <= kLongest;
    if (is_good) draft.retry = std::chrono::milliseconds(*retry);
  } else if (name == "expires") {
    reading.expires = value.integer();
  } else if (name == "time") {
    read_number(value, reading.entry.mark);
  } else if (name == "prev") {
    read_number(value, reading.entry.prev);
  } else if (name == "epoch") {
    reading.entry.epoch = value.text();
  }
  reading.is_good = reading.is_good && is_good;
}

}  // namespace

sse::Position place_of(ReplyView entry) {
  return read_id(entry[0].text()).first;
}

std::optional<Entry> read_entry(ReplyView entry, std::string_view epoch) {
  Reading reading;
  const auto [place, rest] = read_id(entry[0].text());
  if (place == sse::Position(0) || rest != "-0") return std::nullopt;
  reading.entry.position = place;
  const ReplyView fields = entry[1];
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    read_field(fields[i].text(), fields[i + 1], reading);
  }
  if (reading.entry.mark == 0 || reading.entry.mark > kMostMark) return std::nullopt;
  sse::Draft& draft = reading.draft;
  if (!reading.entry.epoch.empty() || !reading.is_good || draft.topics.empty()) {
    return std::move(reading.entry);
  }
  const auto since = std::chrono::microseconds(reading.entry.mark);
  const WallTime time{std::chrono::duration_cast<WallTime::duration>(since)};
  if (reading.expires) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
    const std::int64_t left = std::max<std::int64_t>(*reading.expires, now) - now;
    if (left <= kLongest) draft.ttl = std::chrono::milliseconds(left);
  }
  reading.entry.event = sse::make_event(std::move(draft), reading.entry.position, epoch, time);
  return std::move(reading.entry);
}

void add_draft(const sse::Draft& draft, Words& words) {
  Words fields;
  const auto add = [&](std::string_view name, std::string_view value) {
    fields.add(name);
    fields.add(value);
  };
  const auto add_time = [&](std::string_view name, std::chrono::milliseconds time) {
    add(name, std::to_string(std::clamp<std::int64_t>(time.count(), 0, kLongest)));
  };
  for (const std::string& topic : draft.topics) add("topic", topic);
  add("data", draft.data);
  if (!draft.id.empty()) add("id", draft.id);
  if (!draft.type.empty()) add("type", draft.type);
  if (draft.retry) add_time("retry", *draft.retry);
  if (draft.is_private) add("private", "1");
  if (!draft.key.empty()) add("key", draft.key);
  if (draft.ttl) add_time("ttl", *draft.ttl);
  if (!draft.once.empty()) add("once", draft.once);
  words.add(std::to_string(fields.count()));
  words.add(fields);
}

}  // namespace sluice::redis
