/// What the tests of shared and replayed streams have in common: workers, an upstream that does as
/// it is told, and clients that read.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/net/loop.h"
#include "gateway/net/mailbox.h"
#include "gateway/relay/sharing.h"
#include "gateway/sse/parser.h"

namespace sluice::relay {

/// One request as the upstream has it. It says when its answer comes, and what.
class FakeCall final : public SourceCall {
 public:
  struct Record {
    http::Outgoing request;
    std::string body;
    std::size_t unpaid = 0;
    bool is_stopped = false;
    bool is_over = false;
  };
  using Records = std::deque<Record>;

  FakeCall(std::vector<FakeCall*>& all, SourceCall::Owner& owner) : all_(all), owner_(owner) {
    all_.push_back(this);
  }
  ~FakeCall() override {
    std::replace(all_.begin(), all_.end(), this, static_cast<FakeCall*>(nullptr));
  }

  void start(http::Outgoing request) override {
    records.push_back({.request = std::move(request), .body = {}});
    is_open_ = true;
  }
  void stop() override {
    if (is_open_) records.back().is_stopped = true;
    is_open_ = false;
  }
  [[nodiscard]] bool is_open() const override { return is_open_; }
  void consume(std::size_t n) override {
    if (is_open_) records.back().unpaid -= n;
  }
  void wake_body() override {
    const http::Answer::Ready ready = owner_.body_ready(1'000'000);
    std::string bytes(ready.bytes, '\0');
    owner_.give_body(std::as_writable_bytes(std::span(bytes)));
    records.back().body += bytes;
  }
  void probe() override { is_probing = true; }
  void offer(bool spare) override { is_spare = spare; }

  // What the upstream does.
  void answer(int status = 200, std::string type = "text/event-stream", http::Headers extra = {}) {
    extra.add("content-type", std::move(type));
    owner_.on_answer({.status = status, .headers = std::move(extra)}, std::nullopt);
  }
  void send(std::string_view bytes) {
    records.back().unpaid += bytes.size();
    owner_.on_bytes(bytes);
  }
  void complete(bool until_close = false) {
    is_open_ = false;
    owner_.on_complete(until_close);
  }
  void cut(Failure failure = Failure::closed) {
    is_open_ = false;
    owner_.on_broken({.failure = failure, .what = "it broke"});
  }
  void answer_probe(bool is_there) {
    is_probing = false;
    owner_.on_probe(is_there);
  }
  /// Somebody else has no connection. False: the call is kept.
  bool want() { return owner_.on_wanted(); }
  [[nodiscard]] std::string header(std::string_view name) const {
    return records.back().request.head.headers.joined(name).value_or("-");
  }

  Records records;  ///< Of each time it was started.
  bool is_probing = false;
  bool is_spare = false;

 private:
  std::vector<FakeCall*>& all_;
  SourceCall::Owner& owner_;
  bool is_open_ = false;
};

class World;
class Client;

/// A worker: its loop, its mailbox, its side of what is shared.
class FakeWorker {
 public:
  FakeWorker(World& world, const RouteOptions& options);
  ~FakeWorker() { loop.set_turn_end(nullptr); }
  /// In the order of server::Worker::end_turn().
  bool end_turn();

  Memory memory;
  net::Loop loop;
  Streams streams;
  RetryRange retry;
  RouteContext route;
  net::Mailbox<std::function<void()>> mailbox;
  std::unique_ptr<Sharing> sharing;
  std::vector<Client*> eager;  ///< Who read at the end of each turn, as sessions do.
};

class World {
 public:
  explicit World(RouteOptions options_ = {}, LimitOptions limits = {})
      : World(std::move(options_), limits, clock) {}
  World(RouteOptions options_, LimitOptions limits, const Clock& time)
      : options(std::move(options_)), now(time), sources(limits) {
    if (options.replay.enabled) options.on_disconnect = OnDisconnect::linger;
    for (int i = 0; i < 2; ++i) workers.push_back(std::make_unique<FakeWorker>(*this, options));
    turn();
  }

  /// Until nothing is left to be done now.
  void turn() {
    for (int i = 0; i < 4; ++i) {
      for (const auto& worker : workers) worker->loop.turn(false);
    }
  }
  void pass(Duration time) {
    clock.advance(time);
    turn();
  }
  /// The upstream's side of the n-th stream that was asked for.
  [[nodiscard]] FakeCall& call(std::size_t n = 0) { return *calls.at(n); }
  [[nodiscard]] bool is_gone(std::size_t n = 0) const { return calls.at(n) == nullptr; }
  [[nodiscard]] std::size_t asked() const { return calls.size(); }

  ManualClock clock;
  RouteOptions options;
  const Clock& now;
  Sources sources;
  std::vector<FakeCall*> calls;
  int plain = 0;  ///< Requests that were relayed plainly.
  std::vector<std::unique_ptr<FakeWorker>> workers;
};

/// What answers a request that is relayed plainly.
class PlainAnswer final : public http::Answer {
 public:
  void on_body(std::string_view) override {}
  void on_body_end() override {}
  Ready ready(std::size_t) override { return {.bytes = 0, .last = true}; }
  void take(std::span<std::byte>) override {}
};

inline FakeWorker::FakeWorker(World& world, const RouteOptions& options)
    : loop(world.now),
      // No upstream is asked but through make_call().
      route{.options = options,
            .retry = retry,
            .upstream = reinterpret_cast<Upstream&>(loop),
            .loop = loop,
            .streams = streams,
            .memory = memory},
      mailbox(loop, [](auto& tasks) {
        for (auto& task : tasks) task();
      }) {
  loop.set_turn_end([this] { return end_turn(); });
  sharing = std::make_unique<Sharing>(Sharing::Setting{
      .loop = loop,
      .sources = world.sources,
      .post = [this](std::function<void()> task) { mailbox.post(std::move(task)); },
      .make_call =
          [&world](RouteContext&, SourceCall::Owner& owner) {
            return std::make_unique<FakeCall>(world.calls, owner);
          },
      .open_plainly =
          [&world](RouteContext&, const http::Request&, http::Exchange& exchange, Terms) {
            ++world.plain;
            exchange.respond({.status = 299, .headers = {}}, http::Kind::finite);
            return std::make_unique<PlainAnswer>();
          }});
}

/// A client: one request after the other, and what it has read.
class Client final : private http::Exchange {
 public:
  explicit Client(World& world, std::size_t worker = 0)
      : world_(world), worker_(*world.workers.at(worker)) {}
  ~Client() {
    leave();
    std::erase(worker_.eager, this);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// "GET /events?a=1"; headers as in {{"accept", "…"}}. Returns itself.
  Client& ask(std::string target = "/events", http::Headers headers = {},
              std::string method = "GET") {
    leave();
    const std::size_t mark = target.find('?');
    http::Request request{.method = std::move(method),
                          .scheme = "https",
                          .authority = "example.org",
                          .path = target.substr(0, mark),
                          .query = mark == std::string::npos ? "" : target.substr(mark + 1),
                          .headers = std::move(headers)};
    request.has_body = request.method == "POST";
    head.reset();
    has_ended = is_aborted = false;
    parser_ = std::make_unique<sse::Parser>(
        sse::Parser::Sink{.on_message = [this](sse::Message&& message) { note(message); },
                          .on_retry = [this](Millis retry) { retries.push_back(retry.count()); },
                          .on_overflow = nullptr});
    Terms terms;
    terms.principal = principal;
    terms.ends = ends;
    answer_ = worker_.sharing->open(worker_.route, request, *this, terms);
    if (answer_ == nullptr) {
      answer_ = std::make_unique<PlainAnswer>();
      ++world_.plain;
    }
    if (!request.has_body) answer_->on_body_end();
    return *this;
  }
  /// Comes back with the last id it has seen, as an EventSource does.
  Client& ask_again(std::string target = "/events") {
    http::Headers headers;
    if (!last_id.empty()) headers.add("last-event-id", last_id);
    return ask(std::move(target), std::move(headers));
  }
  Client& post(std::string target, std::string_view body) {
    ask(std::move(target), {}, "POST");
    return send(body, true);
  }
  /// A part of the request's body.
  Client& send(std::string_view bytes, bool is_last = false) {
    answer_->on_body(bytes);
    if (is_last) answer_->on_body_end();
    return *this;
  }
  /// From now on it takes what there is in each turn.
  Client& keep_up() {
    worker_.eager.push_back(this);
    return *this;
  }
  /// Reads what there is, at most `max` bytes of it, `piece` at a time.
  Client& read(std::size_t max = 10'000'000, std::size_t piece = 4096) {
    while (answer_ != nullptr && max > 0 && !has_ended && !is_aborted) {
      const http::Answer::Ready ready = answer_->ready(std::min(piece, max));
      std::string bytes(ready.bytes, '\0');
      if (ready.bytes > 0) answer_->take(std::as_writable_bytes(std::span(bytes)));
      wire += bytes;
      parser_->feed(bytes);
      max -= bytes.size();
      if (ready.last) {
        has_ended = true;
        answer_.reset();
      }
      if (ready.bytes == 0) break;
    }
    return *this;
  }
  /// Its connection is gone.
  void leave() { answer_.reset(); }
  /// Events not yet asked for: "data" or "type:data", separated by blanks.
  std::string events() {
    read();
    return std::exchange(events_, {});
  }
  [[nodiscard]] int status() const { return head ? head->status : 0; }
  [[nodiscard]] std::string header(std::string_view name) const {
    return head ? head->headers.joined(name).value_or("-") : "-";
  }
  [[nodiscard]] ReaderStream* stream() { return dynamic_cast<ReaderStream*>(answer_.get()); }

  std::string principal;
  TimePoint ends = TimePoint::max();
  std::optional<http::Response> head;
  http::Kind kind{};
  bool has_ended = false;
  bool is_aborted = false;
  int woken = 0;
  std::size_t consumed = 0;
  std::string wire;              ///< All bytes of all answers.
  std::string text;              ///< The data of all events that are no gap.
  std::vector<std::string> ids;  ///< Of all events.
  std::vector<Millis::rep> retries;
  std::string last_id;
  std::vector<std::string> gaps_behind;  ///< What the gap events say as `last_event_id`.
  int gaps = 0;

 private:
  void note(const sse::Message& message) {
    if (!events_.empty()) events_ += ' ';
    if (message.type == "gap") {
      ++gaps;
      const auto member = [&data = message.data](const std::string& name) {
        const std::size_t at = data.find('"' + name + "\":\"") + name.size() + 4;
        return data.substr(at, data.find('"', at) - at);
      };
      events_ += "gap(" + member("reason") + ")";
      gaps_behind.push_back(member("last_event_id"));
    } else {
      events_ += message.type.empty() ? message.data : message.type + ":" + message.data;
      text += message.data;
    }
    if (message.has_own_id) last_id = message.id;
    ids.push_back(message.id);
  }

  void respond(http::Response response, http::Kind how, std::optional<std::uint64_t>) override {
    head = std::move(response);
    kind = how;
  }
  void wake() override { ++woken; }
  void consume(std::size_t n) override { consumed += n; }
  void abort() override { is_aborted = true; }
  [[nodiscard]] const http::Connection& connection() const override { return connection_; }

  World& world_;
  FakeWorker& worker_;
  http::Connection connection_;
  std::unique_ptr<http::Answer> answer_;
  std::unique_ptr<sse::Parser> parser_;
  std::string events_;
};

inline bool FakeWorker::end_turn() {
  mailbox.drain();
  for (Client* client : eager) client->read();
  if (sharing != nullptr) sharing->end_turn();
  return false;
}

}  // namespace sluice::relay
