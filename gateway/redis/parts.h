/// RedisJournal::Parts: what its thread works with, in the order of dependence. For this layer's
/// own .cc files.
///
/// Owner   RedisJournal. Thread  as its members say.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/net/connections.h"
#include "gateway/net/loop.h"
#include "gateway/net/mailbox.h"
#include "gateway/net/resolver.h"
#include "gateway/net/timer.h"
#include "gateway/redis/aim.h"
#include "gateway/redis/health.h"
#include "gateway/redis/journal.h"
#include "gateway/redis/opening.h"
#include "gateway/redis/past.h"
#include "gateway/redis/publisher.h"
#include "gateway/redis/room.h"
#include "gateway/redis/roster.h"
#include "gateway/redis/tail.h"
#include "gateway/redis/whereabouts.h"
#include "tls/client_context.h"

namespace sluice::redis {

struct RedisJournal::Parts {
  using Task = std::function<void()>;

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
  bool has_room();
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

}  // namespace sluice::redis
