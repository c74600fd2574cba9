#include "gateway/journal/reader.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/journal/open.h"
#include "gateway/journal/page_maker.h"
#include "gateway/journal/record.h"
#include "gateway/journal/tables.h"

namespace sluice::journal {
namespace {

tl::unexpected<Error> cannot_read(int error) {
  return fail(Errc::io, fmt::format("history cannot be read: {}", error_text(error)));
}

}  // namespace

Reader::Reader(Store& store, Options options, const Clock& clock, ReaderCounters& counters)
    : store_(store),
      options_(options),
      clock_(clock),
      counters_(counters),
      cache_(options.cache_bytes) {}

Reader::~Reader() {
  stop();
}

void Reader::start() {
  thread_ = std::thread([this] { run(); });
}

void Reader::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Reader::read(Query query, History::PageDone done) {
  add(ReadJob{std::move(query), std::move(done)});
}

void Reader::find(std::string own_id, History::FindDone done) {
  add(FindJob{std::move(own_id), std::move(done)});
}

void Reader::add(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_stopping_) {
      jobs_.push_back(std::move(job));
      if (jobs_.size() == 1) wake_.notify_one();
      return;
    }
  }
  std::visit([](auto& it) { it.done(fail(Errc::io, "history is being closed")); }, job);
}

void Reader::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    wake_.wait(lock, [this] { return !jobs_.empty() || is_stopping_; });
    if (jobs_.empty() || is_stopping_) continue;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    std::visit([this](auto& it) { work(it); }, job);
    lock.lock();
  }
  std::deque<Job> left = std::exchange(jobs_, {});
  lock.unlock();
  for (Job& job : left) {
    std::visit([](auto& it) { it.done(fail(Errc::io, "history is being closed")); }, job);
  }
}

void Reader::work(ReadJob& job) {
  auto page = page_of(job.query);
  counters_.pages.add();
  if (page) counters_.events.add(page->events.size());
  job.done(std::move(page));
}

void Reader::work(FindJob& job) {
  job.done(find_now(job.own_id));
}

Result<Page> Reader::page_of(const Query& query) {
  Txn txn = store_.begin_read();
  const auto state = read_state(txn);
  if (!state) return cannot_read(txn.error());
  PageMaker maker(
      txn, query,
      [&](std::uint64_t position, std::optional<std::string_view> record) {
        return event_at(txn, position, record);
      },
      clock_.wall());
  Page page = maker.make(*state, options_.seed);
  if (txn.error() != 0) return cannot_read(txn.error());
  return page;
}

Result<std::optional<sse::Position>> Reader::find_now(const std::string& own_id) {
  Txn txn = store_.begin_read();
  Cursor cursor(txn, Table::ids);
  const std::uint64_t hash = hash_of(own_id, options_.seed);
  for (bool has = cursor.seek_in(hash, 0); has; has = cursor.next_in()) {
    const std::uint64_t position = cursor.member();
    const sse::EventPtr event = event_at(txn, position, std::nullopt);
    if (event && event->has_own_id && event->id == own_id) return sse::Position(position);
  }
  if (txn.error() != 0) return cannot_read(txn.error());
  return std::nullopt;
}

/// Whoever asks for old events can make this be said again, but no more than once a second.
void Reader::tell_damage(std::uint64_t position) {
  if (clock_.now() < next_complaint_) return;
  next_complaint_ = clock_.now() + std::chrono::seconds(1);
  log::error(
      "event {} of history is damaged: it is left out, and its readers are told of a gap. The disk "
      "gave something else than was written: look at it before more is lost",
      position);
}

sse::EventPtr Reader::event_at(Txn& txn, std::uint64_t position,
                               std::optional<std::string_view> record) {
  if (const sse::EventPtr* known = cache_.find(position)) {
    counters_.cache_hits.add();
    return *known;
  }
  counters_.cache_misses.add();
  if (!record) record = txn.get(Table::events, position);
  const auto parsed = record ? parse_record(*record, sse::Position(position)) : std::nullopt;
  sse::EventPtr event = parsed ? to_event(*parsed, sse::Position(position)) : nullptr;
  if (!event && txn.error() == 0) {
    counters_.damaged.add();
    tell_damage(position);
  }
  cache_.put(position, event);
  return event;
}

}  // namespace sluice::journal
