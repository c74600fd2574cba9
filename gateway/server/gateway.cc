#include "gateway/server/gateway.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/base/random.h"
#include "gateway/net/address.h"
#include "gateway/net/signals.h"
#include "gateway/server/absence.h"
#include "gateway/server/access_log.h"
#include "gateway/server/admin.h"
#include "gateway/server/certificates.h"
#include "gateway/server/demo_feed.h"
#include "gateway/server/descriptors.h"
#include "gateway/server/drain.h"
#include "gateway/server/feed.h"
#include "gateway/server/heap_trim.h"
#include "gateway/server/instances.h"
#include "gateway/server/journals.h"
#include "gateway/server/jwks.h"
#include "gateway/server/jwks_fetch.h"
#include "gateway/server/memory_budget.h"
#include "gateway/server/notify.h"
#include "gateway/server/pid_file.h"
#include "gateway/server/predecessor.h"
#include "gateway/server/reload.h"
#include "gateway/server/sockets.h"
#include "gateway/server/upgrade.h"
#include "gateway/server/upstream_contexts.h"
#include "gateway/server/watchdog.h"
#include "tls/record_pool.h"

namespace sluice::server {
namespace {

constexpr Millis kDemoInterval{100};
/// A start waits so long for the first keys; after that tokens are refused until they come.
constexpr Millis kFirstKeys{3'000};

/// The address as configured, with the port it became.
std::string url_of(std::string_view scheme, std::string_view address, int fd) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host == "*") host = "localhost";
  return fmt::format("{}://{}:{}", scheme, host, net::local_port(fd));
}

class Gateway {
 public:
  /// `parts` is what can fail to be made.
  struct Parts {
    SteadyClock clock;
    JournalCounters counters;
    Sockets sockets;
    std::unique_ptr<Predecessor> predecessor;  ///< Null: this is no upgrade.
    UpstreamContexts upstream_contexts;
    std::unique_ptr<journal::Journal> journal;
    std::size_t descriptors = 0;            ///< How many there may be.
    std::unique_ptr<AccessLog> access_log;  ///< Null: it is off.
  };

  Gateway(const Config& config, Parts& parts)
      : config_(config),
        clock_(parts.clock),
        sockets_(parts.sockets),
        predecessor_(std::move(parts.predecessor)),
        journal_(std::move(parts.journal)),
        shared_(config, clock_, *journal_),
        loop_(clock_),
        certificates_(loop_, clock_),
        feed_(workers_, config_.limits),
        admin_(loop_, shared_, workers_),
        instances_(shared_, workers_),
        drain_(loop_, shared_, workers_, [this] { stop(); }),
        reload_(loop_, shared_, workers_, certificates_),
        upgrade_(loop_, config.process.upgrade_timeout,
                 {.sockets = sockets_,
                  .hand_over = [this] { hand_over(); },
                  .take_back = [this] { return journal_->take_back(); },
                  .step_down = [this] { step_down(); }}),
        watchdog_(loop_, workers_),
        absence_(
            loop_, config.history.away_limit, [this] { return journal_->trouble(); },
            [this] { leave_to_others(); }),
        heap_trim_(loop_, allocator()),
        memory_(loop_, memory_budget_of(config), allocator(),
                [this](MemoryLevel level) { tell_memory(level); }),
        demo_feed_(1),
        demo_timer_(loop_, [this] { publish_demo(); }) {
    const std::size_t cpus = std::max(1U, std::thread::hardware_concurrency());
    const std::size_t count = config.workers == 0 ? cpus : config.workers;
    shared_.journal_counters = &parts.counters.journal;
    shared_.redis_counters = &parts.counters.redis;
    shared_.live_counters = &admin_.live_counters();
    shared_.drain_progress = [this] { return drain_.progress(); };
    shared_.worker_count = count;
    shared_.access_log = parts.access_log.get();
    shared_.upstream_contexts = std::move(parts.upstream_contexts);
    shared_.totals = [this] { return totals(workers_); };
    shared_.is_behind = [this] { return !feed_.has_room(); };
    shared_.choose = [this](Worker& accepting) -> Worker& { return least_loaded(accepting); };
    shared_.drain = [this] { drain(); };
    shared_.descriptor_limit = parts.descriptors;
    shared_.connection_limit = connection_limit(config, count, parts.descriptors);
    shared_.memory = &memory_;
    shared_.revoke = [this](const std::string& subject) { instances_.revoke(subject); };
    shared_.reload = [this] { return reload_.run(); };
    shared_.reload_counters = &reload_.counters();
    shared_.certificates = &certificates_;
    for (std::size_t i = 0; i < count; ++i) {
      workers_.push_back(std::make_unique<Worker>(i, shared_));
    }
    make_jwks(config.access.publisher_jwks, shared_.publishers);
    make_jwks(config.access.subscriber_jwks, shared_.subscribers);
    for (std::size_t i = 0; i < config.relay.access.size(); ++i) {
      if (auth::Verifier* own = shared_.routes->own_verifier(i)) {
        make_jwks(config.relay.access[i].jwks, *own);
      }
    }
    // A new process takes over, and tells its clients.
    journal_->on_break([] { ::kill(::getpid(), SIGUSR2); });
    journal_->follow(feed_);
    instances_.join();
    loop_.set_turn_end([this] { return admin_.flush(); });
  }

  /// The journal's and the resolver's threads call into the workers: they end first, and store what
  /// waits before.
  ~Gateway() {
    shared_.resolver.reset();
    journal_.reset();
  }
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  Result<void> open_listeners() {
    auto contexts = certificates_.make(config_);
    if (!contexts) return tl::unexpected(contexts.error());
    certificates_.use(config_, std::move(*contexts));
    for (std::size_t i = 0; i < config_.listens.size(); ++i) {
      if (auto opened = open_listener(config_.listens[i], i); !opened) return opened;
    }
    if (!config_.admin.address.empty()) {
      auto sockets = sockets_.open(config_.admin.address, 1);
      if (!sockets) return fail(sockets.error().code, "admin: " + sockets.error().what);
      urls_ += " admin " + url_of("http", config_.admin.address, sockets->front().get());
      for (UniqueFd& socket : *sockets) admin_.listen(std::move(socket));
    }
    return sockets_.drop_others();
  }

  int run() {
    const net::SignalWatch terminate(loop_, SIGTERM, [this] { on_stop(); });
    const net::SignalWatch interrupt(loop_, SIGINT, [this] { on_stop(); });
    const net::SignalWatch replace(loop_, SIGUSR2, [this] { begin_upgrade(); });
    const net::SignalWatch hang_up(loop_, SIGHUP, [this] { reload_.run(); });
    const net::SignalWatch reopen(loop_, SIGUSR1, [this] { reopen_access_log(); });
    start_jwks();
    for (const auto& worker : workers_) worker->start();
    heap_trim_.start();
    memory_.start();
    reload_.start();
    if (config_.demo.feed) demo_timer_.start_periodic(kDemoInterval);
    std::printf("ready%s\n", urls_.c_str());
    std::fflush(stdout);
    if (auto written = pid_file_.write(config_.process.pid_file); !written) {
      log::warning("{}", written.error().what);
    }
    watchdog_.start(predecessor_ != nullptr);
    absence_.start();
    if (predecessor_ != nullptr) predecessor_->say_ready();
    notify_service_manager("READY=1");
    loop_.run();
    watchdog_.stop();
    absence_.stop();
    demo_timer_.stop();
    heap_trim_.stop();
    memory_.stop();
    if (shared_.presence) shared_.presence->fall_silent();
    for (const auto& worker : workers_) worker->post([&worker = *worker] { worker.stop(); });
    for (const auto& worker : workers_) worker->join();
    for (const auto& jwks : jwks_) jwks->begin_stop();  // All first: they may be in a slow fetch.
    for (const auto& jwks : jwks_) jwks->stop();
    log::info("stopped");
    return 0;
  }

 private:
  /// Dashboards are told in this last turn.
  void stop() {
    admin_.end_live();
    loop_.stop();
  }

  void drain() {
    if (!upgrade_.cancel()) drain_.begin();
  }

  void on_stop() {
    if (!upgrade_.cancel()) drain_.on_signal();
  }

  void begin_upgrade() {
    if (shared_.is_draining.load()) return log::warning("no upgrade: this process ends");
    upgrade_.begin();
  }

  void hand_over() {
    journal_->hand_over();
    for (const auto& worker : workers_) {
      worker->post([&worker = *worker] { worker.end_publish_streams(); });
    }
  }

  void step_down() {
    admin_.stop_listening();
    for (const auto& worker : workers_) {
      worker->post([&worker = *worker] { worker.stop_listening(); });
    }
    drain_.begin_at_once();
  }

  void reopen_access_log() {
    if (shared_.access_log != nullptr) return shared_.access_log->reopen();
    log::info("SIGUSR1 opens the access log again, and there is none: see access_log.file");
  }

  void make_jwks(const std::vector<JwksSource>& sources, auth::Verifier& verifier) {
    std::vector<Jwks*> of_this;
    for (const JwksSource& source : sources) {
      jwks_.push_back(
          std::make_unique<Jwks>(source, config_.access.jwks, verifier.keys(), clock_, fetch_jwks));
      of_this.push_back(jwks_.back().get());
      shared_.jwks.push_back(jwks_.back().get());
    }
    verifier.keys().on_unknown_key([of_this] {
      for (Jwks* jwks : of_this) jwks->hurry();
    });
  }

  void start_jwks() {
    for (const auto& jwks : jwks_) jwks->start();
    const TimePoint until = clock_.now() + kFirstKeys;
    for (const auto& jwks : jwks_) {
      const auto left = std::chrono::duration_cast<Millis>(until - clock_.now());
      jwks->wait_for_first(std::max(left, Millis(0)));
    }
  }

  Result<void> open_listener(const Listen& listen, std::size_t index) {
    const std::shared_ptr<tls::Context> context = certificates_.contexts()[index];
    auto sockets = sockets_.open(listen.address, workers_.size());
    if (!sockets) return tl::unexpected(sockets.error());
    const std::string url =
        url_of(listen.tls ? "https" : "http", listen.address, sockets->front().get());
    urls_ += " " + url;
    if (!listen.tls && shared_.plain_origin.empty()) shared_.plain_origin = url;
    for (std::size_t i = 0; i < sockets->size(); ++i) {
      workers_[i % workers_.size()]->listen(std::move((*sockets)[i]), context, index);
    }
    return {};
  }

  /// The kernel spreads by a hash: of four connections often all go to one worker, and with
  /// HTTP/2 each may be a hundred streams. To pass one on costs a hundredth of its handshake.
  [[nodiscard]] Worker& least_loaded(Worker& accepting) const {
    Worker* least = &accepting;
    std::size_t load = accepting.load();
    for (const auto& worker : workers_) {
      if (const std::size_t other = worker->load(); other < load) {
        least = worker.get();
        load = other;
      }
    }
    return *least;
  }

  void leave_to_others() {
    for (const auto& worker : workers_) {
      worker->post(
          [&worker = *worker, window = config_.drain.window] { worker.leave_to_others(window); });
    }
  }

  void tell_memory(MemoryLevel level) {
    shared_.memory_level.store(level, std::memory_order_relaxed);
    for (const auto& worker : workers_) {
      worker->post([&worker = *worker] { worker.look_at_memory(); });
    }
  }

  /// The system's, and each worker sees to its own heap.
  HeapTrim::Allocator allocator() {
    HeapTrim::Allocator result = system_allocator();
    result.trim = [this, trim = std::move(result.trim)] {
      trim();
      for (const auto& worker : workers_) worker->post(&trim_thread_heap);
    };
    return result;
  }

  void publish_demo() {
    const auto now = std::chrono::duration_cast<Millis>(clock_.wall().time_since_epoch());
    journal_->append(demo_feed_.tick(now.count()), [](const auto&) {});
  }

  // Set before start; the order is that of dependence.
  const Config& config_;
  const Clock& clock_;
  Sockets& sockets_;
  const std::unique_ptr<Predecessor> predecessor_;  ///< Null: this is no upgrade.
  std::unique_ptr<journal::Journal> journal_;
  Shared shared_;
  std::vector<std::unique_ptr<Jwks>> jwks_;
  net::Loop loop_;
  Certificates certificates_;
  Workers workers_;
  Feed feed_;
  Admin admin_;
  Instances instances_;
  Drain drain_;
  Reload reload_;
  Upgrade upgrade_;
  Watchdog watchdog_;
  Absence absence_;
  PidFile pid_file_;
  // Control thread only.
  HeapTrim heap_trim_;
  MemoryBudget memory_;
  DemoFeed demo_feed_;
  net::Timer demo_timer_;
  std::string urls_;
};

/// All that can fail without the journal comes before it: in an upgrade nobody can publish from
/// the moment that it is asked for.
Result<void> make_parts(const Config& config, Gateway::Parts& parts) {
  auto predecessor = Predecessor::find(parts.sockets);
  if (!predecessor) return tl::unexpected(predecessor.error());
  parts.predecessor = std::move(*predecessor);
  if (auto taken = parts.sockets.take_passed(); !taken) return taken;
  auto contexts = make_upstream_contexts(config.relay.upstreams);
  if (!contexts) return tl::unexpected(contexts.error());
  parts.upstream_contexts = std::move(*contexts);
  if (!config.access_log.file.empty()) {
    auto opened = AccessLog::open(config.access_log);
    if (!opened) return tl::unexpected(opened.error());
    parts.access_log = std::move(*opened);
  }
  if (parts.predecessor != nullptr && config.history.journal != Journal::memory) {
    if (auto given = parts.predecessor->ask_for_history(); !given) return given;
  }
  return {};
}

// What serve() returns when there was no start. A supervisor tries again only where that may help
// (packaging/systemd).
constexpr int kTryAgain = 1;
constexpr int kCannotWork = 2;

int failed(int status, const Error& why) {
  log::error("{}", why.what);
  return status;
}

}  // namespace

int serve(const Config& config) {
  log::set_level(config.log_level);
  if (!tls::pools_records()) log::debug("OpenSSL keeps its own allocator: TLS costs more here");
  // A log or a client that is gone is an error of one write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow is a full disk, of which publishers are told.
  std::signal(SIGXFSZ, SIG_IGN);
  Gateway::Parts parts;
  parts.descriptors = raise_descriptor_limit();
  if (auto made = make_parts(config, parts); !made) return failed(kCannotWork, made.error());
  auto journal = make_journal(config, parts.clock, parts.counters);
  if (!journal) {
    const bool is_elsewhere = config.history.journal == Journal::redis;  // It may come back.
    return failed(is_elsewhere ? kTryAgain : kCannotWork, journal.error());
  }
  parts.journal = std::move(*journal);
  Gateway gateway(config, parts);
  if (auto opened = gateway.open_listeners(); !opened) return failed(kCannotWork, opened.error());
  return gateway.run();
}

}  // namespace sluice::server
