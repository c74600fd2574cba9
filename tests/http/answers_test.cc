#include "gateway/http/answers.h"

#include <optional>
#include <string>

#include <doctest/doctest.h>

namespace sluice::http {
namespace {

/// Remembers what an answer said to it.
class RecordedExchange final : public Exchange {
 public:
  void respond(Response head, Kind kind, std::optional<std::uint64_t> content_length) override {
    ++responses;
    response = std::move(head);
    is_finite = kind == Kind::finite;
    length = content_length;
  }
  void wake() override {}
  void consume(std::size_t n) override { consumed += n; }
  void abort() override {}
  [[nodiscard]] const Connection& connection() const override { return connection_; }

  int responses = 0;
  Response response;
  bool is_finite = false;
  std::optional<std::uint64_t> length;
  std::size_t consumed = 0;

 private:
  Connection connection_;
};

/// The whole body, taken `max` bytes at a time.
std::string body_of(Answer& answer, std::size_t max) {
  std::string body;
  for (;;) {
    const auto ready = answer.ready(max);
    std::string piece(ready.bytes, '\0');
    answer.take(std::as_writable_bytes(std::span(piece)));
    body += piece;
    if (ready.last) return body;
    REQUIRE(ready.bytes > 0);
  }
}

TEST_SUITE("TextAnswer") {
  TEST_CASE("a reply sends its head at once and tells its length") {
    RecordedExchange exchange;
    const auto answer =
        reply(exchange, {.status = 201, .headers = {{"content-type", "text/plain"}}}, "hello");
    CHECK(exchange.responses == 1);
    CHECK(exchange.response.status == 201);
    CHECK(exchange.is_finite);
    CHECK(exchange.length == 5);
    CHECK(body_of(*answer, 100) == "hello");
  }

  TEST_CASE("a body can be taken in pieces of any size") {
    for (std::size_t max = 1; max < 8; ++max) {
      RecordedExchange exchange;
      CHECK(body_of(*reply(exchange, {}, "hello"), max) == "hello");
    }
  }

  TEST_CASE("a reply to HEAD tells the length of the body that it does not have") {
    RecordedExchange exchange;
    const auto answer = reply(exchange, {}, "hello", true);
    CHECK(exchange.length == 5);
    CHECK(body_of(*answer, 100).empty());
  }

  TEST_CASE("204 has neither body nor length") {
    RecordedExchange exchange;
    const auto answer = reply(exchange, {.status = 204}, "hello");
    CHECK_FALSE(exchange.length.has_value());
    CHECK(body_of(*answer, 100).empty());
  }

  TEST_CASE("the request's body is read and forgotten") {
    RecordedExchange exchange;
    const auto answer = reply(exchange, {}, "hello");
    answer->on_body("12345");
    answer->on_body("678");
    answer->on_body_end();
    CHECK(exchange.consumed == 8);
  }

  TEST_CASE("a problem is a line of text with the given fields") {
    RecordedExchange exchange;
    const auto answer = problem(exchange, 404, "no such topic", {{"vary", "origin"}});
    CHECK(exchange.response.status == 404);
    CHECK(*exchange.response.headers.find("vary") == "origin");
    CHECK(*exchange.response.headers.find("content-type") == "text/plain; charset=utf-8");
    CHECK(body_of(*answer, 100) == "no such topic\n");
  }

  TEST_CASE("a problem without words says what its status means") {
    RecordedExchange exchange;
    CHECK(body_of(*problem(exchange, 401, ""), 100) == "Unauthorized\n");
  }
}

}  // namespace
}  // namespace sluice::http
