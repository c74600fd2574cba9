#include "gateway/journal/writer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/journal/trimmer.h"

namespace sluice::journal {
namespace {

/// What a draft costs while it waits.
std::size_t bytes_of(const sse::Draft& draft) {
  std::size_t bytes = sizeof(sse::Draft) + draft.data.size() + draft.id.size() + draft.type.size() +
                      draft.key.size() + draft.once.size();
  for (const std::string& topic : draft.topics) bytes += sizeof(std::string) + topic.size();
  return bytes;
}

}  // namespace

Writer::Writer(OpenHistory& history, const FileOptions& options, const Clock& clock,
               WriterCounters& counters)
    : store_(*history.store),
      epoch_(history.epoch),
      seed_(history.seed),
      options_(options),
      clock_(clock),
      counters_(counters),
      evicted_(history.state.evicted),
      last_(history.state.last),
      state_(history.state),
      repeats_(options.repeats, history.seed),
      last_sync_(clock.now()),
      last_house_(clock.now()) {
  load_repeats();
  show_figures();
}

Writer::~Writer() {
  stop();
}

void Writer::load_repeats() {
  Txn txn = store_.begin_read();
  Cursor cursor(txn, Table::once);
  for (bool has = cursor.first(); has; has = cursor.next()) {
    const auto entry = parse_once(cursor.value());
    if (entry) repeats_.remember(entry->key, entry->id, entry->time);
  }
  repeats_.expire(clock_.wall());
}

void Writer::start() {
  thread_ = std::thread([this] { run(); });
}

void Writer::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Writer::hand_over() {
  {
    const std::lock_guard lock(mutex_);
    is_handed_over_ = true;
  }
  stop();
}

void Writer::resume(const State& state) {
  state_ = state;
  evicted_.store(state.evicted, std::memory_order_release);
  last_.store(state.last, std::memory_order_release);
  repeats_ = Repeats(options_.repeats, seed_);
  load_repeats();
  show_figures();
  {
    const std::lock_guard lock(mutex_);
    is_handed_over_ = false;
    is_stopping_ = false;
  }
  start();
}

void Writer::append(std::vector<sse::Draft> drafts, Appended done) {
  Batch batch{.drafts = std::move(drafts), .done = std::move(done)};
  for (const sse::Draft& draft : batch.drafts) batch.bytes += bytes_of(draft);
  if (auto queued = enqueue(batch); queued) {
    wake_.notify_one();
  } else {
    batch.done(tl::unexpected(std::move(queued.error())));
  }
}

Result<void> Writer::enqueue(Batch& batch) {
  const std::lock_guard lock(mutex_);
  if (is_handed_over_) return handed_over();
  if (is_stopping_) return fail(Errc::io, "history is being closed");
  const bool is_full = queue_events_ + batch.drafts.size() > options_.queue_events ||
                       queue_bytes_ + batch.bytes > options_.queue_bytes;
  if (is_full && !queue_.empty()) return fail(Errc::limit, "too many events wait to be stored");
  queue_events_ += batch.drafts.size();
  queue_bytes_ += batch.bytes;
  queue_.push_back(std::move(batch));
  return {};
}

void Writer::tick() {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = ++ticks_wanted_;
  wake_.notify_one();
  ticked_.wait(lock, [&] { return ticks_done_ >= mine || is_stopping_; });
}

void Writer::run() {
  std::unique_lock lock(mutex_);
  bool is_last = false;
  while (!is_last) {
    // Time is told by clock_; the wait is only how long it may go unasked.
    wake_.wait_for(lock, patience(), [this] {
      return !queue_.empty() || is_stopping_ || ticks_wanted_ != ticks_done_;
    });
    const std::uint64_t ticks = ticks_wanted_;
    const bool is_asked = ticks != ticks_done_;
    std::vector<Batch> batches = take_batches();
    is_last = is_stopping_ && queue_.empty();
    lock.unlock();
    if (!batches.empty()) write(batches);
    keep_house(is_asked);
    batches.clear();
    lock.lock();
    ticks_done_ = ticks;
    ticked_.notify_all();
  }
  lock.unlock();
  if (health_ != Health::dead) close_well();
}

std::vector<Writer::Batch> Writer::take_batches() {
  std::vector<Batch> batches;
  std::size_t events = 0;
  std::size_t bytes = 0;
  while (!queue_.empty()) {
    const Batch& next = queue_.front();
    const bool has_room = events + next.drafts.size() <= options_.group_events &&
                          bytes + next.bytes <= options_.group_bytes;
    if (!batches.empty() && !has_room) break;
    events += next.drafts.size();
    bytes += next.bytes;
    batches.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_events_ -= events;
  queue_bytes_ -= bytes;
  return batches;
}

void Writer::write(std::vector<Batch>& batches) {
  const int error = try_write(batches);
  if (error == 0) return;
  if (batches.size() == 1 || health_ == Health::dead) {
    for (Batch& batch : batches) refuse(batch, error);
    return;
  }
  // Perhaps one was too much: each by itself, so that it alone is refused.
  for (Batch& batch : batches) {
    if (const int its = try_write({&batch, 1}); its != 0) refuse(batch, its);
  }
}

void Writer::refuse(Batch& batch, int error) {
  counters_.refused.add();
  batch.done(fail(Errc::io, sentence(error)));
}

int Writer::try_write(std::span<Batch> batches) {
  Group group = make_group(batches);
  const int error = store(group);
  note_health(error);
  if (error != 0) {
    repeats_.forget_newest(group.once.size());
    return error;
  }
  counters_.appended.add(group.events.size());
  counters_.repeats.add(group.repeats);
  if (!group.events.empty()) {
    counters_.groups.add();
    for (Follower* follower : followers_) follower->on_events(group.events);
  }
  for (std::size_t i = 0; i < batches.size(); ++i) {
    batches[i].done(std::move(group.receipts[i]));
  }
  return 0;
}

Writer::Group Writer::make_group(std::span<const Batch> batches) {
  Group group{.time = clock_.wall(), .events = {}, .once = {}, .receipts = {}};
  repeats_.expire(group.time);
  for (const Batch& batch : batches) {
    auto& receipts = group.receipts.emplace_back();
    receipts.reserve(batch.drafts.size());
    for (const sse::Draft& draft : batch.drafts) order(draft, group, receipts);
  }
  return group;
}

void Writer::order(const sse::Draft& draft, Group& group, std::vector<Receipt>& receipts) {
  const bool has_once = !draft.once.empty();
  const Repeats::Key key = has_once ? repeats_.key_of(draft.once) : Repeats::Key{};
  if (const std::string* first = has_once ? repeats_.find(key) : nullptr) {
    receipts.push_back({*first, true});
    ++group.repeats;
    return;
  }
  const sse::Position position(state_.last + group.events.size() + 1);
  // The draft is kept: when the group cannot be stored, it may get another position.
  group.events.push_back(sse::make_event(sse::Draft(draft), position, epoch_, group.time));
  const sse::Event& event = *group.events.back();
  receipts.push_back({event.id});
  if (!has_once) return;
  repeats_.remember(key, event.id, group.time);
  group.once.push_back({position.value(), {key, group.time, event.id}});
}

}  // namespace sluice::journal
