#include "gateway/journal/file.h"

#include <algorithm>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/journal/open.h"
#include "gateway/journal/reader.h"
#include "gateway/journal/tail.h"
#include "gateway/journal/writer.h"

namespace sluice::journal {

/// In the order of dependence.
struct FileJournal::Parts {
  Parts(FileOptions options_, OpenHistory history_, const Clock& clock, Counters& counters)
      : options(std::move(options_)),
        history(std::move(history_)),
        writer(history, options, clock, counters.writer),
        tail(*history.store),
        reader(*history.store, {.cache_bytes = options.cache_bytes, .seed = history.seed}, clock,
               counters.reader) {}

  const FileOptions options;
  OpenHistory history;
  Writer writer;
  Tail tail;
  Reader reader;
};

Result<std::unique_ptr<FileJournal>> FileJournal::open(FileOptions options, const Clock& clock,
                                                       Counters& counters) {
  auto history = open_history(options, clock.wall());
  if (!history) return tl::unexpected(history.error());
  const State& state = history->state;
  log::info("history in {}: epoch {}, {} events up to {}", options.path, history->epoch,
            state.events, state.last);
  auto parts = std::make_unique<Parts>(std::move(options), std::move(*history), clock, counters);
  return std::unique_ptr<FileJournal>(new FileJournal(std::move(parts)));
}

FileJournal::FileJournal(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
  parts_->writer.start();
  parts_->reader.start();
}

FileJournal::~FileJournal() {
  parts_->writer.stop();
  parts_->tail.stop();
  parts_->reader.stop();
}

const std::string& FileJournal::epoch() const {
  return parts_->history.epoch;
}

void FileJournal::append(std::vector<sse::Draft> drafts, Appended done) {
  parts_->writer.append(std::move(drafts), std::move(done));
}

void FileJournal::follow(Follower& follower) {
  parts_->writer.follow(follower);
  parts_->tail.follow(follower);
}

void FileJournal::hand_over() {
  if (parts_->tail.is_running()) return;
  parts_->writer.hand_over();
  parts_->history.lock.reset();
  parts_->tail.start(parts_->writer.last());
}

Result<void> FileJournal::take_back() {
  if (!parts_->tail.is_running()) return {};
  if (auto taken = take_history_back(parts_->history, parts_->options); !taken) return taken;
  parts_->tail.catch_up(sse::Position(parts_->history.state.last));
  parts_->writer.resume(parts_->history.state);
  return {};
}

sse::Position FileJournal::last() const {
  return std::max(parts_->writer.last(), parts_->tail.last());
}

sse::Position FileJournal::evicted() const {
  return std::max(parts_->writer.evicted(), parts_->tail.evicted());
}

void FileJournal::read(Query query, PageDone done) {
  parts_->reader.read(std::move(query), std::move(done));
}

void FileJournal::find(std::string own_id, FindDone done) {
  parts_->reader.find(std::move(own_id), std::move(done));
}

void FileJournal::tick_for_test() {
  parts_->writer.tick();
}

}  // namespace sluice::journal
