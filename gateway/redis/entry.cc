#include "gateway/redis/entry.h"

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

/// What is read of an entry before it is an event.
struct Reading {
  sse::Draft draft;
  Entry entry;
  std::optional<std::int64_t> expires;
  bool is_good = true;
};

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

sse::Position position_of(ReplyView entry) {
  std::uint64_t position = 0;
  if (entry.size() != 2) return sse::Position(0);
  const std::string_view id = entry[0].text();
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), position);
  const bool is_ours =
      error == std::errc{} && id.substr(static_cast<std::size_t>(end - id.data())) == "-0";
  return sse::Position(is_ours ? position : 0);
}

std::optional<Entry> read_entry(ReplyView entry, std::string_view epoch) {
  Reading reading;
  reading.entry.position = position_of(entry);
  if (reading.entry.position == sse::Position(0)) return std::nullopt;
  const ReplyView fields = entry[1];
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    read_field(fields[i].text(), fields[i + 1], reading);
  }
  if (reading.entry.mark == 0) return std::nullopt;
  sse::Draft& draft = reading.draft;
  if (!reading.entry.epoch.empty() || !reading.is_good || draft.topics.empty()) {
    return std::move(reading.entry);
  }
  const auto since = std::chrono::microseconds(reading.entry.mark);
  const WallTime time{std::chrono::duration_cast<WallTime::duration>(since)};
  if (reading.expires) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
    const std::int64_t left = *reading.expires - now;
    if (left <= kLongest) draft.ttl = std::chrono::milliseconds(std::max<std::int64_t>(left, 0));
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
  for (const std::string& topic : draft.topics) add("topic", topic);
  add("data", draft.data);
  if (!draft.id.empty()) add("id", draft.id);
  if (!draft.type.empty()) add("type", draft.type);
  if (draft.retry) add("retry", std::to_string(draft.retry->count()));
  if (draft.is_private) add("private", "1");
  if (!draft.key.empty()) add("key", draft.key);
  if (draft.ttl) add("ttl", std::to_string(draft.ttl->count()));
  if (!draft.once.empty()) add("once", draft.once);
  words.add(std::to_string(fields.count()));
  words.add(fields);
}

}  // namespace sluice::redis
