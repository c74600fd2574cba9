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
};

/// "7-0": 7 and "-0". What is no number, or too large for one of ours, is 0.
std::pair<sse::Position, std::string_view> read_id(std::string_view id) {
  std::uint64_t place = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), place);
  if (error != std::errc{} || place > kMostPosition) place = 0;
  return {sse::Position(place), id.substr(static_cast<std::size_t>(end - id.data()))};
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc{} && end == last;
}

/// Up to the first `end`, which is taken off `rest` with it. None: there is no `end`.
std::optional<std::string_view> take_until(char end, std::string_view& rest) {
  const std::size_t at = rest.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return taken;
}

/// The first line. False: it is none of the script's.
bool read_marks(std::string_view& rest, Entry& entry) {
  const auto mark = take_until(' ', rest);
  const auto prev = take_until(' ', rest);
  const auto at = take_until('\n', rest);
  std::uint64_t bytes = 0;
  return mark && prev && at && read_number(*mark, entry.mark) && read_number(*prev, entry.prev) &&
         read_number(*at, bytes) && entry.mark > 0 && entry.mark <= kMostMark;
}

bool read_text(std::string_view what, std::string_view text, std::string& into) {
  into = text;
  return sse::check_text(what, text, kAnySize).has_value();
}

bool read_retry(std::string_view text, sse::Draft& draft) {
  std::int64_t retry = 0;
  if (!read_number(text, retry) || retry < 0 || retry > kLongest) return false;
  draft.retry = std::chrono::milliseconds(retry);
  return true;
}

/// False: no event that we could deliver has this. What nobody knows yet is passed over.
bool read_line(std::string_view name, std::string_view value, Reading& reading) {
  sse::Draft& draft = reading.draft;
  if (name == "topic") return read_text(name, value, draft.topics.emplace_back());
  if (name == "id") return read_text(name, value, draft.id);
  if (name == "type") return read_text(name, value, draft.type);
  if (name == "key") return read_text(name, value, draft.key);
  if (name == "retry") return read_retry(value, draft);
  if (name == "private") draft.is_private = value != "0";
  if (name == "epoch") reading.entry.epoch = value;
  std::int64_t expires = 0;
  if (name == "expires" && read_number(value, expires)) reading.expires = expires;
  return true;
}

/// The other lines, the empty one, and the data.
bool read_event(std::string_view rest, Reading& reading) {
  bool is_good = true;
  for (;;) {
    auto line = take_until('\n', rest);
    if (!line) return false;
    if (line->empty()) break;
    const auto name = take_until(' ', *line);
    is_good = name && read_line(*name, *line, reading) && is_good;
  }
  reading.draft.data = rest;
  return is_good && is_utf8(rest) && !reading.draft.topics.empty();
}

}  // namespace

sse::Position place_of(ReplyView entry) {
  return read_id(entry[0].text()).first;
}

std::optional<Entry> read_entry(ReplyView entry, std::string_view epoch) {
  Reading reading;
  const auto [place, suffix] = read_id(entry[0].text());
  const ReplyView fields = entry[1];
  std::string_view rest = fields[1].text();
  if (place == sse::Position(0) || suffix != "-0" || fields.size() != 2 ||
      fields[0].text() != "event" || !read_marks(rest, reading.entry)) {
    return std::nullopt;
  }
  reading.entry.position = place;
  const bool is_event = read_event(rest, reading);
  if (!is_event || !reading.entry.epoch.empty()) return std::move(reading.entry);
  sse::Draft& draft = reading.draft;
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
