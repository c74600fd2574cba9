/// Client: a session without a socket, the one who speaks to it, and a service that it serves.
///
///   /hello   "hello" at once         /echo    the request's body, when it is complete
///   /stream  an event stream         /page    a finite body whose length nobody knows
///   /empty   204                     /slow    answers when told to
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/out_buffer.h"
#include "gateway/h1/session.h"
#include "gateway/http/answers.h"

namespace sluice::h1 {

/// What a test can do to an answer, and see of it, from outside.
struct Stage {
  http::Exchange* exchange = nullptr;
  std::string ready;     ///< Body bytes to be taken.
  bool is_last = false;  ///< Nothing after them.
  std::string received;  ///< Of the request's body.
  bool body_ended = false;
  bool consumes = true;  ///< Gives each byte of the body back at once.
  int alive = 0;         ///< Answers that are not destroyed.
  int calls = 0;         ///< Nested calls into the answer: 0 when it is destroyed.
  bool destroyed_inside = false;
  bool aborts_when_asked = false;  ///< ready() ends the exchange.
  bool ends_with_client = false;   ///< As http::Answer's.
  std::size_t ready_calls = 0;
};

/// An answer that does what its Stage says.
class StagedAnswer final : public http::Answer {
 public:
  explicit StagedAnswer(Stage& stage) : stage_(stage) { ++stage_.alive; }
  ~StagedAnswer() override {
    --stage_.alive;
    if (stage_.calls > 0) stage_.destroyed_inside = true;
    if (stage_.exchange != nullptr) stage_.exchange->wake();  // Must do no harm.
    stage_.exchange = nullptr;
  }

  void on_body(std::string_view bytes) override {
    ++stage_.calls;
    stage_.received += bytes;
    if (stage_.consumes) stage_.exchange->consume(bytes.size());
    --stage_.calls;
  }
  void on_body_end() override { stage_.body_ended = true; }
  Ready ready(std::size_t max) override {
    ++stage_.calls;
    ++stage_.ready_calls;
    if (stage_.aborts_when_asked) stage_.exchange->abort();
    --stage_.calls;
    return {.bytes = std::min(max, stage_.ready.size()),
            .last = stage_.is_last && stage_.ready.size() <= max};
  }
  void take(std::span<std::byte> out) override {
    const auto from = std::as_bytes(std::span(stage_.ready)).first(out.size());
    std::copy(from.begin(), from.end(), out.begin());
    stage_.ready.erase(0, out.size());
  }
  bool ends_with_client() const override { return stage_.ends_with_client; }
  void end_in_order() override {
    stage_.is_last = true;
    stage_.exchange->wake();
  }

 private:
  Stage& stage_;
};

/// Answers with the request's body when it has all of it.
class EchoAnswer final : public http::Answer {
 public:
  explicit EchoAnswer(http::Exchange& exchange) : exchange_(exchange) {}
  void on_body(std::string_view bytes) override {
    body_ += bytes;
    exchange_.consume(bytes.size());
  }
  void on_body_end() override { text_ = http::reply(exchange_, {}, body_); }
  Ready ready(std::size_t max) override { return text_->ready(max); }
  void take(std::span<std::byte> out) override { text_->take(out); }

 private:
  http::Exchange& exchange_;
  std::string body_;
  std::unique_ptr<http::Answer> text_;
};

class Client : private Transport, private http::Service {
 public:
  explicit Client(Options given = {}) : options(given) {
    session.emplace(static_cast<Transport&>(*this), static_cast<http::Service&>(*this),
                    http::Connection{.id = 1, .peer = "192.0.2.1", .protocol = "http/1.1"}, options,
                    counters, clock);
  }

  /// Sends `text`, and hears what comes back at once.
  std::string say(std::string_view text) {
    session->feed(std::as_bytes(std::span(text.data(), text.size())));
    return hear();
  }
  /// The same, one byte at a time.
  std::string spell(std::string_view text) {
    std::string heard;
    for (std::size_t i = 0; i < text.size(); ++i) heard += say(text.substr(i, 1));
    return heard;
  }
  /// What the session has to send now, without the `date` fields.
  std::string hear() {
    std::string heard;
    OutBuffer out;
    for (bool more = true; more; out.clear()) {
      more = session->fill(out);
      const auto bytes = out.bytes();
      heard.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (more && out.empty()) break;
    }
    return without_dates(heard);
  }
  void leave() { session->on_eof(); }
  void pass(Duration time) {
    const TimePoint end = clock.now() + time;
    while (clock.now() < end) {
      const TimePoint next = session->check(clock.now());
      clock.advance(std::min(next, end) - clock.now());
    }
    session->check(clock.now());
  }

  static std::string without_dates(std::string text) {
    for (auto at = text.find("date: "); at != std::string::npos; at = text.find("date: ", at)) {
      text.erase(at, text.find("\r\n", at) + 2 - at);
    }
    return text;
  }

  Options options;
  Counters counters;
  ManualClock clock;
  Stage stage;                          ///< Of /stream, /page and /slow.
  std::vector<http::Request> requests;  ///< That reached the service.
  int flushes = 0;                      ///< Asked for.
  const http::Connection* connection = nullptr;
  std::optional<Session> session;

 private:
  void flush_later() override { ++flushes; }

  std::unique_ptr<http::Answer> open(const http::Request& request,
                                     http::Exchange& exchange) override {
    requests.push_back(request);
    connection = &exchange.connection();
    const bool is_head = request.method == "HEAD";
    if (request.path == "/echo") return std::make_unique<EchoAnswer>(exchange);
    if (request.path == "/empty") return http::reply(exchange, {.status = 204}, "");
    if (request.path == "/hello") return http::reply(exchange, {}, "hello", is_head);
    stage.exchange = &exchange;
    if (request.path == "/stream") {
      exchange.respond({.headers = {{"content-type", "text/event-stream"}}},
                       http::Kind::event_stream);
    } else if (request.path == "/page") {
      exchange.respond({}, http::Kind::finite);
    } else if (request.path != "/slow") {
      stage.exchange = nullptr;
      return http::problem(exchange, 404, "nothing here", {}, is_head);
    }
    return std::make_unique<StagedAnswer>(stage);
  }
};

/// "GET /path HTTP/1.1" with a host.
inline std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nhost: a\r\n" + std::string(fields) + "\r\n";
}

inline std::string post(std::string_view path, std::string_view body,
                        std::string_view fields = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

/// An answer of 200 that keeps the connection.
inline std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\nconnection: keep-alive\r\n\r\n" + std::string(body);
}

inline bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

}  // namespace sluice::h1
