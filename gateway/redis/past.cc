#include "gateway/redis/past.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/redis/entry.h"
#include "gateway/redis/refusal.h"
#include "gateway/sse/event_id.h"

namespace sluice::redis {

using sse::Position;

namespace {
constexpr Millis kLook{100};
}  // namespace

Past::Past(const Wiring& wiring, Setting setting, journal::ReaderCounters& read, Counters& counters)
    : wiring_(wiring),
      setting_(std::move(setting)),
      read_(read),
      counters_(counters),
      chunks_(setting_.cache_bytes),
      pace_(Chunk::kSize, Chunk::kSize, wiring.options.answer_bytes),
      evicted_(setting_.first.value() - 1),
      link_(wiring, "sluice-history", *this),
      clock_(wiring.loop, [this] { look_at_time(); }) {}

void Past::begins_at(Position first) {
  if (first > evicted()) evicted_.store(first.value() - 1, std::memory_order_release);
}

// --- Pages --------------------------------------------------------------------------------------

void Past::read(journal::Query query, PageDone done) {
  auto reading = std::make_shared<Reading>();
  reading->page.through = query.after;
  reading->end = std::max(query.after, std::min(query.through, setting_.followed()));
  reading->due = wiring_.loop.now() + 2 * wiring_.options.answer_timeout;
  reading->query = std::move(query);
  reading->done = std::move(done);
  go_on(reading);
}

void Past::go_on(const ReadingPtr& reading) {
  Reading& its = *reading;
  if (its.page.through < evicted()) {
    its.page.through = std::min(evicted(), its.end);
    its.page.missing = its.page.through;
  }
  while (its.page.through < its.end) {
    const Position next = its.page.through.next();
    const std::uint64_t number = Chunk::number_of(next);
    const ChunkPtr chunk = chunks_.find(number);
    if (chunk == nullptr || chunk->through < next || next < chunk->from) {
      return want(number, reading);
    }
    if (!pass(its, *chunk, std::min(chunk->through, its.end))) break;
  }
  finish(its);
}

bool Past::pass(Reading& reading, const Chunk& chunk, Position last) {
  journal::Page& page = reading.page;
  const Position before = page.through;
  bool goes_on = true;
  if (reading.query.topics.empty()) {
    for (Position at = before.next(); at <= last && goes_on; at = at.next()) {
      goes_on = look_at(reading, at, chunk.at(at));
    }
  } else {
    for (const Position at : chunk.places_of(reading.query.topics, before, last)) {
      goes_on = look_at(reading, at, chunk.at(at));
      if (!goes_on) break;
    }
    if (goes_on) page.through = last;
    reading.looks += kChunkLooks;
    goes_on = goes_on && reading.looks < reading.query.max_looks;
  }
  for (const Position hole : chunk.holes) {
    if (hole > before && hole <= page.through) page.missing = hole;
  }
  return goes_on;
}

bool Past::look_at(Reading& reading, Position position, const Chunk::Slot& slot) {
  const journal::Query& query = reading.query;
  if (reading.looks >= std::max<std::size_t>(query.max_looks, 1)) return false;
  ++reading.looks;
  const sse::EventPtr& event = slot.event;
  if (event != nullptr && !event->is_expired(setting_.clock.wall()) &&
      (!query.wants || query.wants(*event))) {
    const std::size_t size = event->wire.size();
    const bool is_full =
        reading.page.events.size() >= query.max_events || reading.bytes + size > query.max_bytes;
    if (is_full && !reading.page.events.empty()) return false;
    reading.bytes += size;
    reading.page.events.push_back(event);
  }
  reading.page.through = position;
  return true;
}

void Past::finish(Reading& reading) {
  read_.pages.add();
  read_.events.add(reading.page.events.size());
  std::exchange(reading.done, nullptr)(std::move(reading.page));
}

// --- Chunks -------------------------------------------------------------------------------------

void Past::want(std::uint64_t number, const ReadingPtr& reading) {
  const auto [place, is_new] = wanted_.try_emplace(number);
  place->second.push_back(reading);
  if (!clock_.is_running()) clock_.start_periodic(kLook);
  if (!is_new) {
    read_.cache_hits.add(Chunk::kSize);
    return;
  }
  queue_.push_back(number);
  fetch_more();
}

void Past::fetch_more() {
  while (link_.is_up() && fetching_ < kFetches && !queue_.empty()) {
    const std::uint64_t number = queue_.front();
    queue_.pop_front();
    if (wanted_.contains(number)) fetch(number);
  }
}

Past::Piece Past::next_piece(std::uint64_t number) {
  Position next = Chunk::last_of(number);
  for (const ReadingPtr& reading : wanted_.at(number)) {
    next = std::min(next, reading->page.through.next());
  }
  Piece piece{.number = number,
              .before = chunks_.find(number),
              .first = Chunk::first_of(number),
              .through = std::min(Chunk::last_of(number), setting_.followed()),
              .count = pace_.count()};
  if (piece.before == nullptr) return piece;
  if (next < piece.before->from) {
    piece.before = nullptr;
  } else if (piece.before->bytes > setting_.cache_bytes) {
    piece.before = nullptr;
    piece.first = next;
  } else {
    piece.first = piece.before->through.next();
  }
  return piece;
}

void Past::fetch(std::uint64_t number) {
  ++fetching_;
  counters_.fetches.add();
  Piece piece = next_piece(number);
  link_.call(Words{"XRANGE", wiring_.key, fmt::format("{}-0", piece.first.value()),
                   fmt::format("{}-0", piece.through.value()), "COUNT", std::to_string(piece.count)}
                 .command(),
             [this, piece](const auto& answer) { on_fetched(piece, answer); });
}

void Past::on_fetched(const Piece& piece, const Result<Reply>& answer) {
  --fetching_;
  if (!answer) {
    const bool is_oversized = answer.error().code == Errc::limit;
    if (is_oversized) counters_.oversized.add();
    pace_.was_too_much();  // Or it did not come in time: a slow link brings a smaller one.
    if (is_oversized && piece.count == 1) return put(piece.number, make_hole(piece));
    if (wanted_.contains(piece.number)) queue_.push_front(piece.number);
    return;
  }
  if (answer->is_error()) {
    queue_.push_front(piece.number);
    return link_.cut(read_refusal(answer->text()).what);
  }
  pace_.took(answer->size(), answer->memory());
  put(piece.number, make_chunk(piece, *answer));
}

void Past::put(std::uint64_t number, ChunkPtr chunk) {
  chunks_.put(number, std::move(chunk));
  const auto node = wanted_.extract(number);
  if (!node.empty()) {
    for (const ReadingPtr& reading : node.mapped()) {
      if (reading->done) go_on(reading);
    }
  }
  fetch_more();
}

ChunkPtr Past::make_chunk(const Piece& piece, const ReplyView& entries) {
  auto chunk = piece.before ? std::make_shared<Chunk>(*piece.before) : std::make_shared<Chunk>();
  if (!piece.before) chunk->from = piece.first;
  chunk->through = piece.through;
  if (entries.size() >= piece.count) {  // There may be more behind them.
    chunk->through = std::clamp(place_of(entries[entries.size() - 1]), piece.first, piece.through);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto entry = read_entry(entries[i], setting_.epoch);
    if (!entry || entry->position < piece.first || entry->position > piece.through) continue;
    read_.cache_misses.add();
    if (!entry->event && entry->epoch.empty()) read_.damaged.add();
    chunk->add(entry->position, std::move(entry->event));
  }
  chunk->note_holes(piece.first);
  return chunk;
}

/// Of what is larger than an answer may be: readers are told that it is missing.
ChunkPtr Past::make_hole(const Piece& piece) {
  read_.damaged.add();
  auto chunk = piece.before ? std::make_shared<Chunk>(*piece.before) : std::make_shared<Chunk>();
  if (!piece.before) chunk->from = piece.first;
  chunk->through = piece.first;
  chunk->note_holes(piece.first);
  return chunk;
}

// --- Places -------------------------------------------------------------------------------------

void Past::find(std::string id, FindDone done) {
  ask({std::move(id), std::move(done), wiring_.loop.now() + 2 * wiring_.options.answer_timeout});
}

void Past::ask(Finding finding) {
  if (!link_.is_up()) {
    findings_.push_back(std::move(finding));
    if (!clock_.is_running()) clock_.start_periodic(kLook);
    return;
  }
  const auto id = sse::parse_id(finding.id);
  if (id && id->epoch == setting_.epoch) return ask_place(std::move(finding), id->position);
  ask_id(std::move(finding));
}

/// An id of this history that is ahead of us: another instance has shown its event already.
void Past::ask_place(Finding finding, Position position) {
  auto shared = std::make_shared<Finding>(std::move(finding));
  link_.call(Words{"HMGET", setting_.base + ":state", "epoch", "seq"}.command(),
             [this, shared, position](const Result<Reply>& answer) {
               if (!is_heard(answer)) return ask(std::move(*shared));
               const bool is_ours = answer->size() == 2 && (*answer)[0].text() == setting_.epoch;
               const auto last =
                   is_ours ? static_cast<std::uint64_t>((*answer)[1].integer().value_or(0)) : 0;
               shared->done(position.value() <= last ? std::optional(position) : std::nullopt);
             });
}

/// The places of an id are kept newest first; the earliest that is held is wanted.
void Past::ask_id(Finding finding) {
  auto shared = std::make_shared<Finding>(std::move(finding));
  link_.call(Words{"HGET", setting_.base + ":ids", shared->id}.command(),
             [this, shared](const Result<Reply>& answer) {
               if (!is_heard(answer)) return ask(std::move(*shared));
               shared->done(earliest_of(answer->text()));
             });
}

std::optional<Position> Past::earliest_of(std::string_view places) const {
  std::optional<Position> earliest;
  const char* at = places.data();
  const char* const end = at + places.size();
  while (at != end) {
    std::uint64_t place = 0;
    const auto [rest, error] = std::from_chars(at, end, place);
    if (error != std::errc{}) break;
    if (Position(place) > evicted() && Position(place) <= setting_.followed()) {
      earliest = Position(place);
    }
    at = rest == end ? end : rest + 1;
  }
  return earliest;
}

/// A refusal is no answer to a question for a place: it is asked again on another link.
bool Past::is_heard(const Result<Reply>& answer) {
  if (!answer) return false;
  if (answer->is_error()) link_.cut(read_refusal(answer->text()).what);
  return !answer->is_error();
}

// --- Time ---------------------------------------------------------------------------------------

void Past::on_up() {
  setting_.on_link("");
  for (Finding& finding : std::exchange(findings_, {})) ask(std::move(finding));
  fetch_more();
}

void Past::on_down(std::string_view why) {
  setting_.on_link(why);
}

void Past::look_at_time() {
  const TimePoint now = wiring_.loop.now();
  const auto late = [] { return fail(Errc::io, "Redis does not answer, and history is there"); };
  while (!findings_.empty() && findings_.front().due <= now) {
    const Finding finding = std::move(findings_.front());
    findings_.pop_front();
    finding.done(late());
  }
  for (auto& [number, readings] : wanted_) {
    std::erase_if(readings, [&](const ReadingPtr& reading) {
      if (reading->due > now) return false;
      std::exchange(reading->done, nullptr)(late());
      return true;
    });
  }
  std::erase_if(wanted_, [](const auto& one) { return one.second.empty(); });
  if (wanted_.empty() && findings_.empty()) clock_.stop();
}

void Past::give_up(const std::string& why) {
  for (const Finding& finding : std::exchange(findings_, {})) finding.done(fail(Errc::io, why));
  for (const auto& [number, readings] : std::exchange(wanted_, {})) {
    for (const ReadingPtr& reading : readings) {
      std::exchange(reading->done, nullptr)(fail(Errc::io, why));
    }
  }
}

}  // namespace sluice::redis
