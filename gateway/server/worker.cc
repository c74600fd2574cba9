#include "gateway/server/worker.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/base/units.h"
#include "gateway/h1/session.h"
#include "gateway/h2/session.h"
#include "gateway/server/publish_stream.h"

namespace sluice::server {
namespace {

constexpr Millis kTidyInterval{1'000};
/// Of an upstream's connection: what an application may write ahead of its client lies here, and
/// left to itself the kernel would let that grow to megabytes for each.
constexpr int kUpstreamBuffer = 256 * 1024;

net::Connections::Options upstream_connections(net::Connections::Options options) {
  options.receive_buffer = kUpstreamBuffer;
  return options;
}

void tell_change(const std::string& upstream, const UpstreamBoard::Change& change) {
  const UpstreamBoard::Address& address = change.address;
  if (change.is_well) return log::info("upstream {}: {} is well again", upstream, address.name);
  const auto rest =
      std::chrono::duration_cast<Millis>(address.rests_until - address.health.failed_at);
  log::warning("upstream {}: {}: {}; it rests for {}", upstream, address.name, address.health.error,
               format_duration(std::max(rest, Millis(0))));
}

}  // namespace

Worker::Worker(std::size_t index, Shared& shared)
    : index_(index),
      shared_(shared),
      retry_(shared.config.retry),
      loop_(shared.clock),
      hub_(shared.config.hub,
           {.clock = shared.clock,
            .wheel = loop_.wheel(),
            .epoch = shared.journal.epoch(),
            .last = shared.journal.last(),
            .newest = [&journal = shared.journal] { return journal.last(); },
            .history = shared.journal.history(),
            .post = [this](Task task) { post(std::move(task)); }},
           counters_.hub),
      stream_memory_(sizeof(EventStream)),
      relay_(shared.config.relay.has_routes()
                 ? std::make_unique<relay::Relay>(
                       relay::Relay::Setting{.loop = loop_,
                                             .resolver = *shared.resolver,
                                             .routes = shared.config.relay.routes,
                                             .upstreams = shared.config.relay.upstreams,
                                             .contexts = shared.upstream_contexts,
                                             .net = upstream_connections(shared.config.net),
                                             .retry = retry_,
                                             .post = [this](Task task) { post(std::move(task)); },
                                             .sources = &shared.sources})
                 : nullptr),
      site_(
          shared, loop_, counters_.site,
          Subscribe(shared, hub_, streams_,
                    {.memory = stream_memory_,
                     .loop = loop_,
                     .heartbeat = shared.config.heartbeat,
                     .retry = retry_,
                     .counters = counters_.site}),
          Publish({.shared = shared,
                   .loop = loop_,
                   .counters = counters_.site,
                   .streams = publish_streams_,
                   .post = [this](Task task) { run_here(std::move(task)); }}),
          SubscriptionApi(shared, counters_.site, [this](Task task) { run_here(std::move(task)); }),
          make_relay_site()),
      pacing_(shared.config.limits.gather),
      connections_(
          loop_, connection_options(),
          [this](Transport& transport, const net::Hello& hello) { return speak(transport, hello); },
          &shared.addresses),
      mailbox_(loop_, [this](std::vector<Letter>& letters) { take_letters(letters); }),
      tidy_(loop_, [this] { tidy(); }),
      drain_(loop_, [this] { end_due_streams(); }),
      leave_(loop_, [this] { end_cut_off(); }),
      shedding_(loop_, {.connections = connections_,
                        .streams = streams_,
                        .retry = shared.config.retry,
                        .counters = counters_.site}) {
  loop_.set_turn_end([this] { return end_turn(); });
}

void Worker::run_here(Task task) {
  if (loop_.in_thread()) return task();
  post(std::move(task));
}

Worker::~Worker() {
  join();
  connections_.close_all();
}

std::unique_ptr<RelaySite> Worker::make_relay_site() {
  if (relay_ == nullptr) return nullptr;
  relay::Relay& relay = *relay_;
  RelaySite::Doors doors{.retry = retry_,
                         .open =
                             [&relay](std::size_t route, const http::Request& request,
                                      http::Exchange& exchange, relay::Terms terms) {
                               return relay.open(route, request, exchange, std::move(terms));
                             },
                         .ask =
                             [this](const AuthCallOptions& call, http::Outgoing question,
                                    relay::AuthRequest::Done done) {
                               const relay::AuthRequest::Setting setting{
                                   .upstream = relay_->upstream(call.upstream),
                                   .loop = loop_,
                                   .copied = call.copy,
                                   .timeout = call.timeout};
                               return std::make_unique<relay::AuthRequest>(
                                   setting, std::move(question), std::move(done));
                             },
                         .counters = [&relay](std::size_t route) -> relay::RouteCounters& {
                           return relay.route_counters(route);
                         }};
  return std::make_unique<RelaySite>(shared_, *shared_.routes, counters_.site, std::move(doors));
}

void Worker::tidy() {
  hub_.tidy();
  h2_memory_.tidy();
  if (relay_ != nullptr) relay_->tidy();
  show_upstreams(true);
}

void Worker::show_upstreams(bool all) {
  if (relay_ == nullptr) return;
  for (std::size_t i = 0; i < shared_.config.relay.upstreams.size(); ++i) {
    relay::Upstream& upstream = relay_->upstream(i);
    if (!upstream.has_news() && !all) continue;
    shared_.upstreams.put(index_, i, upstream.addresses(), loop_.now(),
                          [&name = shared_.config.relay.upstreams[i].name](const auto& change) {
                            tell_change(name, change);
                          });
  }
}

void Worker::listen(UniqueFd socket, std::shared_ptr<tls::Context> context, std::size_t index) {
  const std::size_t at = ports_.size();
  auto listener = std::make_unique<net::Listener>(
      loop_, std::move(socket), net::Listener::Options{},
      [this, at, index](UniqueFd accepted, std::string peer) {
        shared_.choose(*this).take(
            std::make_unique<Newcomer>(Newcomer{.socket = std::move(accepted),
                                                .peer = std::move(peer),
                                                .context = ports_[at].context,
                                                .listener = index}));
      });
  ports_.push_back({std::move(listener), std::move(context), index});
}

void Worker::use_contexts(const std::vector<std::shared_ptr<tls::Context>>& contexts) {
  for (Port& port : ports_) port.context = contexts[port.index];
}

void Worker::start() {
  tidy_.start_periodic(kTidyInterval);
  thread_ = std::thread([this] { loop_.run(); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::take(std::unique_ptr<Newcomer> newcomer) {
  taken_.fetch_add(1, std::memory_order_relaxed);
  if (loop_.in_thread()) {
    let_in(*newcomer);
  } else {
    mailbox_.post(std::move(newcomer));
  }
}

std::size_t Worker::load() const {
  const std::uint64_t closed = connection_counters().closed.value();
  const std::uint64_t taken = taken_.load(std::memory_order_relaxed);
  return taken > closed ? taken - closed : 0;  // They are not read at the same moment.
}

void Worker::let_in(Newcomer& newcomer) {
  auto proxied = net::Proxied::no;
  if (shared_.config.listens[newcomer.listener].proxy_protocol) {
    const bool is_trusted = shared_.proxies.contains(newcomer.peer);
    proxied = is_trusted ? net::Proxied::yes : net::Proxied::refused;
  }
  connections_.add(std::move(newcomer.socket), std::move(newcomer.peer), newcomer.context,
                   newcomer.listener, proxied);
  accept_within_limits();
}

void Worker::deliver(std::span<const sse::EventPtr> events) {
  if (events.empty()) return;
  delivery_.accepted(shared_.clock);
  std::size_t bytes = 0;
  for (const sse::EventPtr& event : events) bytes += event->wire.size();
  backlog_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  mailbox_.post_all(events);
}

std::unique_ptr<Protocol> Worker::speak(Transport& transport, const net::Hello& hello) {
  const bool is_h2 = hello.alpn == "h2" && shared_.config.listens[hello.listener].http2;
  // Unique in the process, and small: the workers' numbers interleave.
  http::Connection connection{.id = hello.id * shared_.worker_count + index_,
                              .peer = hello.peer,
                              .via = hello.via,
                              .since = loop_.now(),
                              .is_tls = hello.is_tls,
                              .protocol = is_h2 ? "h2" : "http/1.1",
                              .certificate = hello.certificate};
  if (is_h2) {
    const h2::Session::Setting setting{.options = shared_.config.h2,
                                       .counters = counters_.h2,
                                       .clock = shared_.clock,
                                       .memory = h2_memory_};
    // Browsers speak HTTP/2 through TLS only: the others are proxies, or programs of operators.
    const bool is_proxy =
        !shared_.config.listens[hello.listener].tls || shared_.proxies.contains(hello.peer);
    auto session = std::make_unique<h2::Session>(
        transport, site_, std::move(connection), setting,
        is_proxy ? h2::Session::HeaderTable::standard : h2::Session::HeaderTable::none);
    if (has_finished_drain_) {
      session->drain_finish();
    } else if (drain_ends_) {
      session->drain_notice();
    }
    return session;
  }
  auto session = std::make_unique<h1::Session>(transport, site_, std::move(connection),
                                               shared_.config.h1, counters_.h1, shared_.clock);
  // Its first request is on its way: the answer to that is its last.
  if (drain_ends_) session->drain_notice();
  return session;
}

void Worker::take_letters(std::vector<Letter>& letters) {
  delivery_.taken();
  for (Letter& letter : letters) {
    if (auto* event = std::get_if<sse::EventPtr>(&letter)) {
      backlog_bytes_.fetch_sub((*event)->wire.size(), std::memory_order_relaxed);
      hub_.publish(std::move(*event));
    } else if (auto* newcomer = std::get_if<std::unique_ptr<Newcomer>>(&letter)) {
      let_in(**newcomer);
    } else {
      std::get<Task>(letter)();
    }
  }
}

bool Worker::end_turn() {
  mailbox_.drain();
  const TimePoint begin = shared_.clock.now();
  const bool has_news = hub_.has_news();
  const Duration wait = has_news ? gathering_.wait(begin) : Duration::zero();
  if (wait > Duration::zero()) {
    counters_.site.gathered.add();
    loop_.pause(wait);
  } else {
    hub_.wake_readers();
  }
  // Upstreams first: what they did not take or answer is told to clients in this turn; and again
  // for what those have then given back. Also before a wait: publishers that have their answers
  // publish what it is for.
  if (relay_ != nullptr) {
    relay_->flush();
    connections_.set_pace(pacing_.look(begin, loop_.busy(), connections_.paced_flush()));
  }
  show_upstreams(false);  // Who is told of a failure may look at once.
  connections_.flush();
  if (relay_ != nullptr) relay_->end_turn();
  const bool is_unfinished = connections_.has_work() || (relay_ != nullptr && relay_->has_work());
  if (!has_news) {
    delivery_.skipped();
  } else if (wait == Duration::zero()) {
    const TimePoint now = shared_.clock.now();
    gathering_.flushed(begin, now);
    delivery_.flushed(now);
  }
  if (!is_accepting_) accept_within_limits();
  if (is_unfinished || wait > Duration::zero() || hub_.has_work()) return true;
  const Duration rest = connections_.rest();
  loop_.pause(rest);
  return rest > Duration::zero();
}

/// Newcomers wait in the kernel's queue while there are too many connections: to reset them would
/// close a browser's EventSource for ever.
void Worker::accept_within_limits() {
  const bool has_room =
      connections_.size() < connection_share() && !shared_.is_short_of_memory(MemoryLevel::full);
  if (has_room == is_accepting_) return;
  is_accepting_ = has_room;
  for (Port& port : ports_) has_room ? port.listener->resume() : port.listener->pause();
}

std::size_t Worker::connection_share() const {
  return std::max<std::size_t>(1, shared_.connection_limit / shared_.worker_count);
}

/// Those who wait because of their address leave most places to others.
net::Connections::Options Worker::connection_options() const {
  net::Connections::Options options = shared_.config.net;
  const std::size_t room = options.waiting_room / shared_.worker_count;
  options.waiting_room = std::max<std::size_t>(1, std::min(room, connection_share() / 8));
  return options;
}

/// A drain waits for all to end, and who is not read does not.
void Worker::read_newcomers() {
  using Newcomers = net::Connections::Newcomers;
  const MemoryLevel level = shared_.memory_level.load(std::memory_order_relaxed);
  auto which = level == MemoryLevel::park ? Newcomers::few : Newcomers::all;
  if (level == MemoryLevel::full) which = Newcomers::none;
  connections_.read_newcomers(has_finished_drain_ ? Newcomers::all : which);
}

void Worker::look_at_memory() {
  hub_.set_replay(!shared_.is_short_of_memory(MemoryLevel::no_replay));
  read_newcomers();
  shedding_.set(shared_.memory_level.load(std::memory_order_relaxed));
  accept_within_limits();
}

/// Who turns a list round must be alone in that.
void Worker::survey(std::shared_ptr<Survey> survey) {
  surveys_.push_back(std::move(survey));
  if (surveys_.size() == 1) go_on_surveying();
}

void Worker::go_on_surveying() {
  const bool has_relay = relay_ != nullptr;
  const Survey::Field field{
      .loop = loop_,
      .streams = streams_,
      .relayed = has_relay ? &relay_->streams() : nullptr,
      .hub_count = static_cast<std::size_t>(counters_.site.event_streams.value()),
      .relayed_count = has_relay ? relay_->event_streams() : 0,
      .connections = connections_,
      .retry = retry_};
  if (!surveys_.front()->step(field)) {
    surveys_.front()->finish();
    surveys_.pop_front();
  }
  if (!surveys_.empty()) post([this] { go_on_surveying(); });
}

}  // namespace sluice::server
