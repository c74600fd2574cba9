/// Both ends of an h2::ClientSession, for its tests: callers whose part a test plays, an owner that
/// remembers, and servers: the project's own (client.h), or frames made by hand.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/h2/client_session.h"
#include "tests/h2/client.h"

namespace sluice::h2::testing {

/// One call as a test sees it: what arrived, and what is still to be sent.
class Asker final : public http::Caller {
 public:
  http::Call* call = nullptr;
  std::optional<http::Response> head;
  std::optional<std::uint64_t> content_length;
  std::string body;
  bool is_ended = false;
  std::optional<http::CallFailure> failure;
  bool consumes = true;  ///< Gives every byte back at once.
  std::string pending;   ///< Of the request's body.
  bool ends = false;     ///< It ends after `pending`.
  std::size_t taken = 0;
  /// What the test does inside a function of the caller.
  std::function<void()> in_head, in_body, in_end, in_failure, in_ready, in_take;

  void upload(std::string_view more, bool is_last = false) {
    pending += more;
    ends = is_last;
    call->wake();
  }
  [[nodiscard]] bool is_over() const { return is_ended || failure.has_value(); }
  [[nodiscard]] bool failed(http::CallError error, bool is_untouched = false) const {
    return failure && failure->error == error && failure->is_untouched == is_untouched &&
           !failure->what.empty();
  }

  void on_head(http::Response response, std::optional<std::uint64_t> length) override {
    CHECK_FALSE((head.has_value() || is_over()));
    head = std::move(response);
    content_length = length;
    if (in_head) in_head();
  }
  void on_bytes(std::string_view bytes) override {
    CHECK((head.has_value() && !is_over()));
    body += bytes;
    if (consumes) call->consume(bytes.size());
    if (in_body) in_body();
  }
  void on_end(bool until_close) override {
    CHECK_FALSE((is_over() || until_close));
    is_ended = true;
    if (in_end) in_end();
  }
  void on_failure(const http::CallFailure& why) override {
    CHECK_FALSE(is_over());
    failure = why;
    if (in_failure) in_failure();
  }
  Ready body_ready(std::size_t max) override {
    if (in_ready) in_ready();
    const std::size_t n = std::min(max, pending.size());
    return {.bytes = n, .last = ends && n == pending.size()};
  }
  void body_take(std::span<std::byte> out) override {
    taken += out.size();
    std::memcpy(out.data(), pending.data(), out.size());
    pending.erase(0, out.size());
    if (in_take) in_take();
  }
};

class Keeper final : public http::ClientOwner {
 public:
  int changes = 0;
  bool is_gone = false;
  std::function<void()> in_change;

  void on_change(http::Client&) override {
    ++changes;
    if (in_change) in_change();
  }
  void on_gone(http::Client&) override { is_gone = true; }
};

inline http::Outgoing outgoing(const std::string& path = "/", const std::string& method = "GET",
                               bool has_body = false) {
  http::Outgoing request;
  request.head = {.method = method, .scheme = "https", .authority = "a.example", .path = path};
  request.head.has_body = has_body;
  return request;
}

/// A client session and all that it needs.
struct Agent {
  /// `lent`: what other sessions have as well.
  explicit Agent(ClientOptions o = {}, SharedMemory* lent = nullptr)
      : options(o), memory(lent != nullptr ? *lent : own_memory) {}

  ClientOptions options;
  ManualClock clock;
  ClientCounters counters;
  CountingTransport transport;
  SharedMemory own_memory;
  SharedMemory& memory;
  Keeper owner;
  std::vector<std::unique_ptr<Asker>> askers;
  std::unique_ptr<ClientSession> session = std::make_unique<ClientSession>(
      transport, owner, ClientSession::Setting{options, counters, clock, memory});
  OutBuffer out;
  bool has_more = false;  ///< What the last fill() returned.

  Asker& ask(http::Outgoing request = outgoing()) {
    askers.push_back(std::make_unique<Asker>());
    Asker& asker = *askers.back();
    asker.call = &session->call(std::move(request), asker);
    return asker;
  }
  Asker& post(bool has_length = false, std::uint64_t length = 0) {
    http::Outgoing request = outgoing("/", "POST", true);
    if (has_length) request.body_length = length;
    return ask(std::move(request));
  }
  void feed(std::string_view bytes) { session->feed(bytes_of(bytes)); }
  std::string fill() {
    out.clear();
    has_more = session->fill(out);
    return {reinterpret_cast<const char*>(out.bytes().data()), out.size()};
  }
  std::string fill_all() {
    std::string all;
    do {
      all += fill();
    } while (has_more);
    return all;
  }
  /// What fill() gives, without the connection preface if that is still in it.
  std::vector<Frame> frames() {
    constexpr std::string_view kMagic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    std::string wire = fill_all();
    if (wire.starts_with(kMagic)) wire.erase(0, kMagic.size());
    return parse(wire);
  }
  /// The server made by hand takes what waits, says hello, and acknowledges.
  void greet(const std::string& settings = {}) {
    fill_all();
    feed(to_wire({.type = NGHTTP2_SETTINGS, .payload = settings}) + settings_ack());
    fill_all();
  }
  /// Lets the time pass as a worker would: check() whenever the session asked for it.
  void pass(Duration time) {
    const TimePoint end = clock.now() + time;
    for (;;) {
      const TimePoint next = std::min(session->check(clock.now()), end);
      if (clock.now() >= end) return;
      clock.advance(std::max<Duration>(next - clock.now(), std::chrono::milliseconds(1)));
    }
  }
};

/// A client session and a server session with a wire between them.
struct Link {
  explicit Link(ClientOptions client_options = {}, Options server_options = {})
      : server(server_options), client(client_options) {
    settle();
  }
  /// Carries bytes to and fro until nobody has more to say.
  void settle() {
    for (;;) {
      const std::string to_server = client.fill();
      if (!to_server.empty()) server.feed(to_server);
      const std::string to_client = server.fill();
      if (!to_client.empty()) client.feed(to_client);
      if (to_server.empty() && to_client.empty()) return;
    }
  }
  Talk& talk(std::size_t n) { return *server.service.talks.at(n); }

  Server server;
  Agent client;
};

// A server made by hand.

inline std::string setting(std::uint16_t id, std::uint32_t value) {
  return number(id).substr(2) + number(value);
}
inline std::string settings(std::uint16_t id, std::uint32_t value) {
  return to_wire({.type = NGHTTP2_SETTINGS, .payload = setting(id, value)});
}
inline std::string goaway(std::int32_t last, std::uint32_t code = NGHTTP2_NO_ERROR) {
  return to_wire(
      {.type = NGHTTP2_GOAWAY, .payload = number(static_cast<std::uint32_t>(last)) + number(code)});
}
/// A head of an answer.
inline std::string answer(std::int32_t stream, Fields fields = {}, int flags = 0,
                          const std::string& status = "200") {
  fields.insert(fields.begin(), {":status", status});
  return headers(stream, fields, flags);
}

}  // namespace sluice::h2::testing
