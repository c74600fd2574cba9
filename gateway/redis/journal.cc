#include "gateway/redis/journal.h"

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/net/connections.h"
#include "gateway/net/loop.h"
#include "gateway/net/mailbox.h"
#include "gateway/net/resolver.h"
#include "gateway/net/timer.h"
#include "gateway/redis/aim.h"
#include "gateway/redis/entry.h"
#include "gateway/redis/health.h"
#include "gateway/redis/link.h"
#include "gateway/redis/opening.h"
#include "gateway/redis/past.h"
#include "gateway/redis/publisher.h"
#include "gateway/redis/roster.h"
#include "gateway/redis/tail.h"
#include "gateway/redis/whereabouts.h"
#include "tls/client_context.h"

namespace sluice::redis {
namespace {

using Task = std::function<void()>;

constexpr Millis kLastWords{2'000};        // For what waits when it is closed.
constexpr std::size_t kMostWords = 4'000;  // Of an event: journal.lua takes no more.
constexpr Millis kReplaceAgain{15'000};    // Until the process is replaced.

/// How many drafts and bytes wait, of all threads that append.
class Room {
 public:
  Room(std::size_t events, std::size_t bytes) : max_events_(events), max_bytes_(bytes) {}

  bool take(std::size_t events, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (events_ + events > max_events_ || bytes_ + bytes > max_bytes_) return false;
    events_ += events;
    bytes_ += bytes;
    return true;
  }
  void give(std::size_t events, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    events_ -= events;
    bytes_ -= bytes;
  }

 private:
  const std::size_t max_events_;
  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::size_t events_ = 0;
  std::size_t bytes_ = 0;
};

std::string base_of(const std::string& key) {
  return key.find('{') == std::string::npos ? "{" + key + "}" : key;
}

Result<std::shared_ptr<const tls::ClientContext>> context_of(const Aim& aim,
                                                             const LinkOptions& options) {
  if (!aim.is_tls) return nullptr;
  return tls::ClientContext::create(
      {.ca_file = options.ca_file, .protocols = tls::ClientContext::Protocols::http1});
}

}  // namespace

/// What the thread works with, in the order of dependence.
struct RedisJournal::Parts {
  /// Where it is, and what it is reported to.
  struct Setting {
    const Clock& clock;
    journal::Counters& journal_counters;
    Counters& counters;
    Aim aim;
    std::shared_ptr<const tls::ClientContext> tls;
  };

  Parts(Options its_options, Setting its)
      : options(std::move(its_options)),
        clock(its.clock),
        journal_counters(its.journal_counters),
        counters(its.counters),
        health(its.aim.name, clock, counters),
        room(options.queue_events, options.queue_bytes),
        loop(clock),
        mailbox(loop,
                [](std::vector<Task>& tasks) {
                  for (const Task& task : tasks) task();
                }),
        connections(loop, {}, nullptr),
        resolver({.threads = 1}),
        wiring{.loop = loop,
               .connections = connections,
               .resolver = resolver,
               .post = [this](Task task) { mailbox.post(std::move(task)); },
               .tls = std::move(its.tls),
               .whereabouts = whereabouts,
               .options = options.link,
               .login = its.aim.login,
               .key = options.key},
        whereabouts(wiring, its.aim, counters.moves),
        replace_again(loop, [this] { replace(); }) {}

  void make(const Opened& opened);
  void run();
  bool end_turn();
  void start_tail();
  void on_events(std::span<const sse::EventPtr> events);
  void on_broken(const std::string& why);
  void replace();
  void stop();

  // Set before the thread runs.
  const Options options;
  const Clock& clock;
  journal::Counters& journal_counters;
  Counters& counters;
  std::string epoch;
  Task on_break;
  // Any thread.
  Health health;
  Room room;
  std::atomic<bool> is_handed_over{false};
  std::atomic<bool> is_broken{false};
  std::atomic<bool> is_following{false};
  std::mutex mutex;
  std::vector<journal::Follower*> followers;  ///< Under mutex.
  // The thread's.
  net::Loop loop;
  net::Mailbox<Task> mailbox;
  net::Connections connections;
  net::Resolver resolver;
  const Wiring wiring;
  Whereabouts whereabouts;
  net::Timer replace_again;
  bool is_stopping = false;
  TimePoint stop_due{};
  std::unique_ptr<Tail> tail;
  std::unique_ptr<Publisher> publisher;
  std::unique_ptr<Past> past;
  std::unique_ptr<Roster> roster;
  std::thread thread;
};

void RedisJournal::Parts::make(const Opened& opened) {
  epoch = opened.epoch;
  const auto heard = [this](Health::Part part) {
    return [this, part](std::string_view trouble) { health.set(part, trouble); };
  };
  const auto followed = [this] { return tail->last(); };
  tail = std::make_unique<Tail>(
      wiring, base_of(options.key) + ":state",
      Tail::Place{.epoch = epoch, .last = opened.last, .mark = opened.mark}, counters,
      Tail::Doors{.on_events = [this](auto events) { on_events(events); },
                  .on_progress = [this] { publisher->on_progress(); },
                  .on_broken = [this](const std::string& why) { on_broken(why); },
                  .on_link = heard(Health::tail)});
  publisher = std::make_unique<Publisher>(
      wiring, options, epoch, journal_counters.writer, counters,
      Publisher::Doors{.followed = followed,
                       .on_link = heard(Health::publisher),
                       .on_figures = [this](sse::Position first, std::size_t bytes) {
                         past->begins_at(first);
                         journal_counters.writer.bytes.set(static_cast<std::int64_t>(bytes));
                       }});
  past = std::make_unique<Past>(wiring,
                                Past::Setting{.base = base_of(options.key),
                                              .epoch = epoch,
                                              .first = opened.first,
                                              .cache_bytes = options.cache_bytes,
                                              .clock = clock,
                                              .followed = followed,
                                              .on_link = heard(Health::past)},
                                journal_counters.reader, counters);
  roster = std::make_unique<Roster>(wiring,
                                    Roster::Setting{.base = base_of(options.key),
                                                    .timeout = options.instance_timeout,
                                                    .bytes = options.roster_bytes,
                                                    .revocations = options.revocations,
                                                    .remember = options.remember,
                                                    .on_link = heard(Health::roster)},
                                    counters);
}

void RedisJournal::Parts::run() {
  loop.set_turn_end([this] { return end_turn(); });
  publisher->start();
  past->start();
  roster->start();
  loop.run();
  publisher->give_up();
  past->give_up("history is being closed");
  roster.reset();
  past.reset();
  publisher.reset();
  tail.reset();
  whereabouts.stop();
  connections.close_all();
}

bool RedisJournal::Parts::end_turn() {
  publisher->pump();
  const bool has_work = connections.flush();
  if (is_stopping && (publisher->is_idle() || clock.now() >= stop_due)) loop.stop();
  return has_work;
}

void RedisJournal::Parts::start_tail() {
  if (is_following.exchange(true)) return;
  mailbox.post([this] { tail->start(); });
}

void RedisJournal::Parts::on_events(std::span<const sse::EventPtr> events) {
  const std::lock_guard lock(mutex);
  for (journal::Follower* follower : followers) follower->on_events(events);
}

void RedisJournal::Parts::on_broken(const std::string& why) {
  is_broken = true;
  health.breaks(why);
  replace();
  replace_again.start_periodic(kReplaceAgain);
}

void RedisJournal::Parts::replace() {
  if (on_break && !is_handed_over) on_break();
}

void RedisJournal::Parts::stop() {
  mailbox.post([this] {
    roster->leave();
    is_stopping = true;
    stop_due = clock.now() + kLastWords;
  });
  thread.join();
}

// --- The journal --------------------------------------------------------------------------------

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
    const std::size_t count = batch.words.count();
    const std::size_t size = batch.words.bytes();
    add_draft(draft, batch.words);
    if (batch.words.count() - count > kMostWords ||
        batch.words.bytes() - size > parts.options.link.answer_bytes / 4) {
      return done(fail(Errc::limit,
                       "an event has too many topics for Redis, or more bytes than a "
                       "quarter of history.answer_bytes"));
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
