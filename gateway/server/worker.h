/// Worker: a thread, its loop, and everything that lives on it: listeners, connections, a hub.
///
/// Workers share nothing but what `Shared` holds. What they are sent comes through one mailbox:
/// events, in the journal's order, and tasks. A turn of the loop goes like this:
///
///   sockets are read, requests opened, publishes appended
///   → the mailbox's events go to the hub → (busy: a moment's wait for more of them, gathering.h)
///   → the hub wakes streams → every connection that has something to send is flushed, once
///
/// Owner   server::Gateway. Thread  post(), deliver(), take(), backlog(), load() and counters: any.
/// All else: its own, or main before start() and after join().
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "gateway/base/c_handle.h"
#include "gateway/base/spread.h"
#include "gateway/h1/options.h"
#include "gateway/h2/counters.h"
#include "gateway/h2/memory.h"
#include "gateway/hub/hub.h"
#include "gateway/net/connections.h"
#include "gateway/net/listener.h"
#include "gateway/net/loop.h"
#include "gateway/net/mailbox.h"
#include "gateway/net/timer.h"
#include "gateway/relay/relay.h"
#include "gateway/server/delivery.h"
#include "gateway/server/gathering.h"
#include "gateway/server/pacing.h"
#include "gateway/server/shared.h"
#include "gateway/server/shedding.h"
#include "gateway/server/site.h"
#include "gateway/server/survey.h"
#include "tls/context.h"

namespace sluice::server {

class Worker {
 public:
  struct AllCounters {
    h1::Counters h1;
    h2::Counters h2;
    hub::Counters hub;
    Counters site;
  };
  using Task = std::function<void()>;
  /// An accepted socket, until it is at its worker.
  struct Newcomer {
    UniqueFd socket;
    std::string peer;
    std::shared_ptr<tls::Context> context;
    std::size_t listener;
  };

  Worker(std::size_t index, Shared& shared);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// `context` null: clear text. `index`: of the [[listen]] table. Before start().
  void listen(UniqueFd socket, std::shared_ptr<tls::Context> context, std::size_t index);
  void start();
  void join();

  // Any thread.
  void post(Task task) { mailbox_.post(std::move(task)); }
  /// At once if this is its thread, else soon.
  void run_here(Task task);
  void deliver(std::span<const sse::EventPtr> events);
  /// Takes a connection over; load() counts it from now on.
  void take(std::unique_ptr<Newcomer> newcomer);
  /// Its connections, those on their way to it included.
  [[nodiscard]] std::size_t load() const;
  [[nodiscard]] std::size_t backlog() const { return mailbox_.size(); }
  [[nodiscard]] std::size_t backlog_bytes() const {
    return backlog_bytes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const AllCounters& counters() const { return counters_; }
  [[nodiscard]] const net::Connections::Counters& connection_counters() const {
    return connections_.counters();
  }
  [[nodiscard]] const Histogram& loop_delay() const { return loop_.delay(); }
  [[nodiscard]] const Histogram& delivery() const { return delivery_.seconds(); }
  /// Its routes' and upstreams' figures; null: there are no routes.
  [[nodiscard]] const relay::Relay* relay() const { return relay_.get(); }

  // Its own thread: post() them.
  /// Tells every client to open no more here, and ends the streams one by one over `window`.
  void begin_drain(Millis window);
  /// Accepts no more; connections end as soon as their exchanges have.
  void finish_drain();
  /// Another process accepts on the same sockets.
  void stop_listening() { ports_.clear(); }
  /// Publishing streams end; who publishes goes on elsewhere.
  void end_publish_streams();
  void stop() { loop_.stop(); }
  /// For those that are accepted from now on; one for each [[listen]].
  void use_contexts(const std::vector<std::shared_ptr<tls::Context>>& contexts);
  /// For the `retry` lines that are sent from now on.
  void use_retry(const RetryOptions& retry) { retry_ = retry; }
  /// Ends the hub's streams that are there now, one by one over `window`; newcomers are welcome.
  void leave_to_others(Millis window);
  /// Ends all streams of a token's subject.
  void end_streams_of(const std::string& subject);
  /// Does what Shared::memory_level asks for, until the next call.
  void look_at_memory();
  /// Looks at all streams or connections, over several turns; one survey after the other.
  void survey(std::shared_ptr<Survey> survey);

 private:
  struct Port {
    std::unique_ptr<net::Listener> listener;
    std::shared_ptr<tls::Context> context;
    std::size_t index;  ///< Of the [[listen]] table.
  };
  using Letter = std::variant<sse::EventPtr, Task, std::unique_ptr<Newcomer>>;

  std::unique_ptr<RelaySite> make_relay_site();
  void tidy();
  /// Puts upstreams on the board; unless `all`, those with news.
  void show_upstreams(bool all);
  std::unique_ptr<Protocol> speak(Transport& transport, const net::Hello& hello);
  void let_in(Newcomer& newcomer);
  void take_letters(std::vector<Letter>& letters);
  bool end_turn();
  [[nodiscard]] bool has_streams();
  void end_a_stream(Millis retry);
  void end_due_streams();
  void end_streams(std::size_t most);
  void end_cut_off();
  void accept_within_limits();
  void read_newcomers();
  [[nodiscard]] std::size_t connection_share() const;
  [[nodiscard]] net::Connections::Options connection_options() const;
  void go_on_surveying();

  // Set in the constructor.
  const std::size_t index_;
  Shared& shared_;
  RetryOptions retry_;  ///< Worker thread only: a reload changes it.
  AllCounters counters_;
  net::Loop loop_;
  hub::Hub hub_;
  Slab stream_memory_;
  EventStreams streams_;
  PublishStreams publish_streams_;
  const std::unique_ptr<relay::Relay> relay_;  ///< Null: there are no routes.
  Site site_;
  std::vector<Port> ports_;
  h2::SharedMemory h2_memory_;
  Gathering gathering_;
  Delivery delivery_;
  Pacing pacing_;
  net::Connections connections_;
  net::Mailbox<Letter> mailbox_;
  std::atomic<std::size_t> backlog_bytes_{0};  ///< Any thread.
  std::atomic<std::uint64_t> taken_{0};        ///< Connections since the start. Any thread.
  net::Timer tidy_;
  net::Timer drain_;
  net::Timer leave_;
  Shedding shedding_;
  // Worker thread only.
  std::optional<Spread> drain_ends_;  ///< Of the streams; it is there as soon as a drain has begun.
  std::optional<Spread> cut_off_ends_;  ///< Of those that leave_to_others() has found.
  bool has_finished_drain_ = false;     ///< Who was silent until now has to be told.
  bool is_accepting_ = true;
  std::deque<std::shared_ptr<Survey>> surveys_;  ///< The first is under way.
  std::thread thread_;
};

}  // namespace sluice::server
