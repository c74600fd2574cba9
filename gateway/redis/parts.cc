#include "gateway/redis/parts.h"

#include <algorithm>

namespace sluice::redis {
namespace {

constexpr Millis kLastWords{2'000};      // For what waits when it is closed.
constexpr Millis kReplaceAgain{15'000};  // Until the process is replaced.

std::string base_of(const std::string& key) {
  return key.find('{') == std::string::npos ? "{" + key + "}" : key;
}

}  // namespace

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
                  .has_room = [this] { return has_room(); },
                  .on_progress = [this] { publisher->on_progress(); },
                  .on_broken = [this](const std::string& why) { on_broken(why); },
                  .on_link = heard(Health::tail)});
  publisher = std::make_unique<Publisher>(
      wiring, Publisher::Setting{.options = options, .epoch = epoch}, journal_counters.writer,
      counters,
      Publisher::Doors{.followed = followed,
                       .on_other_history = [this] { tail->look(); },
                       .on_link = heard(Health::publisher),
                       .on_figures =
                           [this](sse::Position first, std::size_t bytes) {
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

bool RedisJournal::Parts::has_room() {
  const std::lock_guard lock(mutex);
  return std::all_of(followers.begin(), followers.end(),
                     [](const journal::Follower* follower) { return follower->has_room(); });
}

void RedisJournal::Parts::on_broken(const std::string& why) {
  is_broken = true;
  health.breaks(why);
  roster->tell_again();
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

}  // namespace sluice::redis
