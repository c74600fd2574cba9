#include "gateway/server/logged_answer.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace sluice::server {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

/// The session's side.
struct Outer final : http::Exchange {
  void respond(http::Response, http::Kind, std::optional<std::uint64_t>) override {}
  void wake() override { ++woken; }
  void consume(std::size_t) override {}
  void abort() override { how = http::Ending::aborted; }
  [[nodiscard]] const http::Connection& connection() const override { return info; }
  [[nodiscard]] std::uint64_t id() const override { return 7; }
  [[nodiscard]] http::Ending ending() const override { return how; }

  http::Connection info{.id = 42, .peer = "192.0.2.1", .protocol = "h2"};
  http::Ending how = http::Ending::none;
  int woken = 0;
};

/// The handler's: it has what a test says.
struct Inner final : http::Answer {
  void on_body(std::string_view) override {}
  void on_body_end() override {}
  Ready ready(std::size_t max) override {
    return {.bytes = std::min(max, bytes), .is_all = bytes <= max};
  }
  void take(std::span<std::byte> out) override { bytes -= out.size(); }
  [[nodiscard]] http::Progress progress() const override {
    return {.events = 3, .gaps = 1, .behind = behind, .queued = bytes};
  }

  std::size_t bytes = 0;
  std::uint64_t behind = 0;
};

std::string fresh_name() {
  static int count = 0;
  return "/tmp/sluice-logged-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

/// One exchange of which the log is told, and what stands in the log.
struct Exchange {
  Exchange() {
    loop.turn(false);
    auto opened = AccessLog::open({.file = file});
    log = std::move(*opened);
    answer = std::make_unique<LoggedAnswer>(
        LoggedAnswer::Setting{.log = *log, .loop = loop, .trusted = trusted}, request, outer);
    auto held = std::make_unique<Inner>();
    inner = held.get();
    answer->hold(std::move(held));
  }
  ~Exchange() { std::filesystem::remove(file); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void pass(Duration time) {
    clock.advance(time);
    loop.turn(false);
  }
  /// The session takes at most `max`.
  void flush(std::size_t max = 1'000) {
    std::vector<std::byte> room(answer->ready(max).bytes);
    answer->take(room);
  }
  std::vector<Json> end(http::Ending how) {
    outer.how = how;
    answer.reset();
    log.reset();
    std::vector<Json> lines;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  http::Exchange& inside() { return answer->exchange(); }

  ManualClock clock;
  net::Loop loop{clock};
  std::string file = fresh_name();
  http::Networks trusted;
  http::Request request{.method = "GET", .path = "/x"};
  Outer outer;
  std::unique_ptr<AccessLog> log;
  std::unique_ptr<LoggedAnswer> answer;
  Inner* inner = nullptr;
};

TEST_SUITE("a logged answer") {
  TEST_CASE("that ends has one line, at its end") {
    Exchange exchange;
    exchange.pass(milliseconds(250));
    exchange.inside().respond({.status = 201}, http::Kind::finite, 5);
    exchange.inner->bytes = 5;
    exchange.flush();
    const auto lines = exchange.end(http::Ending::complete);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0]["type"] == "request");
    CHECK(lines[0]["id"] == "42-7");
    CHECK(lines[0]["client"] == "192.0.2.1");
    CHECK(lines[0]["status"] == 201);
    CHECK(lines[0]["bytes"] == 5);
    CHECK(lines[0]["first_byte"] == 0.25);
    CHECK(lines[0]["end"] == "complete");
  }

  TEST_CASE("that is a stream has a line when it begins, and one when it is over") {
    Exchange exchange;
    exchange.inside().account()->route = "chat";
    exchange.inside().respond({.status = 200}, http::Kind::event_stream, {});
    exchange.pass(std::chrono::seconds(60));
    const auto lines = exchange.end(http::Ending::client_left);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["type"] == "stream_start");
    CHECK(lines[0]["route"] == "chat");
    CHECK_FALSE(lines[0].contains("end"));
    CHECK(lines[1]["type"] == "stream_end");
    CHECK(lines[1]["duration"] == 60.0);
    CHECK(lines[1]["events"] == 3);
    CHECK(lines[1]["gaps"] == 1);
    CHECK(lines[1]["end"] == "client_left");
    CHECK(lines[1]["by"] == "client");
  }

  TEST_CASE("knows how far behind its client was at worst, in events and in time") {
    Exchange exchange;
    exchange.inside().respond({.status = 200}, http::Kind::event_stream, {});
    exchange.inner->behind = 9;
    exchange.inner->bytes = 10;
    exchange.inside().wake();
    exchange.pass(milliseconds(500));
    exchange.flush();
    exchange.inner->behind = 2;
    exchange.inner->bytes = 1;
    exchange.inside().wake();
    exchange.flush();
    const auto lines = exchange.end(http::Ending::client_left);
    CHECK(lines[1]["worst_lag_events"] == 9);
    CHECK(lines[1]["worst_lag_seconds"] == 0.5);
    CHECK(exchange.outer.woken == 2);
  }

  TEST_CASE("whose client never took the rest was behind until the end") {
    Exchange exchange;
    exchange.inside().respond({.status = 200}, http::Kind::event_stream, {});
    exchange.inner->bytes = 10;
    exchange.inside().wake();
    exchange.flush(4);
    exchange.inner->behind = 100;
    exchange.pass(std::chrono::seconds(30));
    const auto lines = exchange.end(http::Ending::stalled);
    CHECK(lines[1]["worst_lag_events"] == 100);
    CHECK(lines[1]["worst_lag_seconds"] == 30.0);
    CHECK(lines[1]["unsent_bytes"] == 6);
    CHECK(lines[1]["end"] == "stalled");
  }

  TEST_CASE("that said why it ends is believed if that is how it ended") {
    Exchange drained;
    drained.inside().respond({.status = 200}, http::Kind::event_stream, {});
    http::tell_ending(drained.inside(), http::Ending::drained);
    CHECK(drained.end(http::Ending::complete)[1]["end"] == "drain");

    Exchange left;
    left.inside().respond({.status = 200}, http::Kind::event_stream, {});
    http::tell_ending(left.inside(), http::Ending::drained);
    CHECK(left.end(http::Ending::client_left)[1]["end"] == "client_left");
  }

  TEST_CASE("that was never given says so by its status") {
    Exchange exchange;
    const auto lines = exchange.end(http::Ending::client_left);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0]["status"] == 0);
    CHECK_FALSE(lines[0].contains("first_byte"));
  }
}

}  // namespace
}  // namespace sluice::server
