#include "gateway/redis/journal.h"

#include <utility>

#include "gateway/base/log.h"
#include "gateway/redis/entry.h"
#include "gateway/redis/parts.h"

namespace sluice::redis {
namespace {

Result<std::shared_ptr<const tls::ClientContext>> context_of(const Aim& aim,
                                                             const LinkOptions& options) {
  if (!aim.is_tls) return nullptr;
  return tls::ClientContext::create(
      {.ca_file = options.ca_file, .protocols = tls::ClientContext::Protocols::http1});
}

}  // namespace

Result<std::unique_ptr<RedisJournal>> RedisJournal::open(Options options, const Clock& clock,
                                                         journal::Counters& counters,
                                                         Counters& own_counters) {
  auto aim = aim_of(options.link);
  if (!aim) return tl::unexpected(aim.error());
  auto context = context_of(*aim, options.link);
  if (!context) return fail(context.error().code, "history.ca_file: " + context.error().what);
  auto parts =
      std::make_unique<Parts>(std::move(options), Parts::Setting{.clock = clock,
                                                                 .journal_counters = counters,
                                                                 .counters = own_counters,
                                                                 .aim = std::move(*aim),
                                                                 .tls = std::move(*context)});
  auto opened = open_history(parts->wiring, parts->options);
  if (!opened) return tl::unexpected(opened.error());
  if (const auto warning = warning_of_eviction(opened->eviction)) log::warning("{}", *warning);
  log::info("history in Redis at {}: epoch {}, {} events up to {}",
            parts->wiring.whereabouts.name(), opened->epoch,
            opened->last.next().value() - opened->first.value(), opened->last.value());
  parts->make(*opened);
  parts->thread = std::thread([its = parts.get()] { its->run(); });
  return std::unique_ptr<RedisJournal>(new RedisJournal(std::move(parts)));
}

RedisJournal::RedisJournal(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

RedisJournal::~RedisJournal() {
  parts_->stop();
}

const std::string& RedisJournal::epoch() const {
  return parts_->epoch;
}

void RedisJournal::append(std::vector<sse::Draft> drafts, journal::Appended done) {
  Parts& parts = *parts_;
  if (parts.is_handed_over) return done(journal::handed_over());
  if (parts.is_broken) return done(fail(Errc::limit, parts.health.trouble()));
  if (drafts.empty()) return done(std::vector<journal::Receipt>());
  Batch batch{.words = {}, .drafts = drafts.size(), .done = nullptr};
  for (const sse::Draft& draft : drafts) {
    const std::size_t size = batch.words.bytes();
    add_draft(draft, batch.words);
    if (batch.words.bytes() - size > parts.options.link.answer_bytes / 4) {
      return done(
          fail(Errc::limit, "an event has more bytes than a quarter of history.answer_bytes"));
    }
  }
  const std::size_t events = batch.drafts;
  const std::size_t bytes = batch.words.bytes();
  if (!parts.room.take(events, bytes)) {
    return done(fail(Errc::limit, "too much waits for Redis already"));
  }
  batch.done = [&parts, events, bytes, done = std::move(done)](auto receipts) {
    parts.room.give(events, bytes);
    done(std::move(receipts));
  };
  parts.start_tail();
  const auto posted = std::make_shared<Batch>(std::move(batch));
  parts.mailbox.post([&parts, posted] {
    posted->due = parts.loop.now() + parts.options.publish_timeout;
    parts.publisher->submit(std::move(*posted));
  });
}

void RedisJournal::follow(journal::Follower& follower) {
  {
    const std::lock_guard lock(parts_->mutex);
    parts_->followers.push_back(&follower);
  }
  parts_->start_tail();
}

void RedisJournal::hand_over() {
  parts_->is_handed_over = true;
}

Result<void> RedisJournal::take_back() {
  parts_->is_handed_over = false;
  return {};
}

sse::Position RedisJournal::last() const {
  return parts_->tail->last();
}

std::string RedisJournal::trouble() const {
  return parts_->health.trouble();
}

void RedisJournal::on_break(const std::function<void()>& replace) {
  parts_->on_break = replace;
}

journal::Roster* RedisJournal::roster() {
  return parts_->roster.get();
}

sse::Position RedisJournal::evicted() const {
  return parts_->past->evicted();
}

void RedisJournal::read(journal::Query query, PageDone done) {
  const auto asked =
      std::make_shared<std::pair<journal::Query, PageDone>>(std::move(query), std::move(done));
  parts_->mailbox.post([&parts = *parts_, asked] {
    parts.past->read(std::move(asked->first), std::move(asked->second));
  });
}

void RedisJournal::find(std::string own_id, FindDone done) {
  parts_->mailbox.post([&parts = *parts_, id = std::move(own_id), done = std::move(done)] {
    parts.past->find(id, done);
  });
}

}  // namespace sluice::redis
