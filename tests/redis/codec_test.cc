#include "gateway/redis/codec.h"

#include <limits>
#include <string>

#include <doctest/doctest.h>

namespace sluice::redis {
namespace {

void feed(Decoder& decoder, std::string_view text) {
  decoder.feed(std::as_bytes(std::span(text)));
}

Result<std::optional<Reply>> read(std::string_view text, std::size_t limit = Decoder::kLimit) {
  Decoder decoder(limit);
  feed(decoder, text);
  return decoder.next();
}

/// Of something that is a whole answer.
Reply whole(std::string_view text) {
  auto reply = read(text);
  REQUIRE_MESSAGE(reply.has_value(), (reply ? "" : reply.error().what));
  REQUIRE(reply->has_value());
  return std::move(**reply);
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST_SUITE("an answer of Redis") {
  TEST_CASE("is a status, an error, a number, a string, nothing, or a list of them") {
    const Reply reply = whole("*6\r\n+OK\r\n-ERR no\r\n:-7\r\n$5\r\nab\r\nc\r\n$-1\r\n*-1\r\n");
    REQUIRE(reply.is_array());
    REQUIRE(reply.size() == 6);
    CHECK(reply[0].text() == "OK");
    CHECK(reply[1].is_error());
    CHECK(reply[1].text() == "ERR no");
    CHECK(reply[2].integer() == -7);
    CHECK(reply[3].text() == "ab\r\nc");
    CHECK(reply[4].is_nil());
    CHECK(reply[5].is_nil());
  }

  TEST_CASE("can be asked for what is not there, and has nothing there") {
    const Reply reply = whole("*1\r\n:5\r\n");
    CHECK(reply[1].is_nil());
    CHECK(reply[0][1][7].is_nil());
    CHECK(reply[0].size() == 0);
    CHECK(reply[0].text().empty());
    CHECK(reply[1].integer() == std::nullopt);
    CHECK_FALSE(reply[1].is_error());
  }

  TEST_CASE("is a number where a string is all of one, and has room in 64 bits") {
    const auto number = [](std::string_view text) {
      return whole("$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n")
          .integer();
    };
    CHECK(number("-12") == -12);
    CHECK(number("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
    CHECK(number("9223372036854775808") == std::nullopt);
    CHECK(number("12 ") == std::nullopt);
    CHECK(number("0x10") == std::nullopt);
    CHECK(number("") == std::nullopt);
  }

  TEST_CASE("comes when its last byte does, and what is behind it waits for its turn") {
    const std::string_view text = "*2\r\n$3\r\nabc\r\n*1\r\n:1\r\n+next\r\n";
    const std::size_t end = text.find("+next");
    Decoder decoder;
    for (std::size_t i = 0; i + 1 < end; ++i) {
      feed(decoder, text.substr(i, 1));
      const auto reply = decoder.next();
      REQUIRE(reply.has_value());
      CHECK_FALSE(reply->has_value());
    }
    feed(decoder, text.substr(end - 1));
    CHECK((**decoder.next())[1][0].integer() == 1);
    CHECK((**decoder.next()).text() == "next");
    CHECK_FALSE(decoder.next()->has_value());
  }

  TEST_CASE("that is none ends the reading for good") {
    for (const std::string_view text :
         {"HTTP/1.1 400 Bad Request\r\n\r\n", "%1\r\n+a\r\n+b\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n",
          "*99999999999999999999\r\n", "$99999999999999999999\r\n", ":1x\r\n"}) {
      CAPTURE(text);
      Decoder decoder;
      feed(decoder, text);
      const auto first = decoder.next();
      REQUIRE_FALSE(first.has_value());
      CHECK(first.error().code == Errc::io);
      CHECK(first.error().what.starts_with("this is no answer of Redis: "));
      feed(decoder, "+OK\r\n");
      CHECK_FALSE(decoder.next().has_value());
    }
  }

  TEST_CASE("is nested seven deep at most") {
    CHECK(whole(repeated("*1\r\n", 7) + ":1\r\n").is_array());
    CHECK_FALSE(read(repeated("*1\r\n", 9) + ":1\r\n").has_value());
    CHECK_FALSE(read(repeated("*1\r\n", 10'000)).has_value());
  }

  TEST_CASE("takes as much memory as it may, and no byte more") {
    const std::string text = "$1000\r\n" + std::string(1000, 'x') + "\r\n";
    const std::size_t memory = whole(text).memory();
    CHECK(memory >= 1000);
    CHECK(memory < 1200);
    CHECK(read(text, memory).has_value());
    const auto refused = read(text, memory - 1);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::limit);
    CHECK(refused.error().what == "an answer of Redis is larger than 1047B, history.answer_bytes");
  }

  TEST_CASE("that announces more than there is memory is refused before anything is taken") {
    for (const std::string_view text :
         {"*2147483647\r\n", "*1000000\r\n*1000000\r\n", "*1\r\n*1\r\n*1\r\n*134217728\r\n"}) {
      CAPTURE(text);
      const auto reply = read(text, 1_MiB);
      REQUIRE_FALSE(reply.has_value());
      CHECK(reply.error().code == Errc::limit);
    }
  }

  TEST_CASE("that announces a huge string is awaited, up to the limit and no longer") {
    Decoder decoder(64_KiB);
    feed(decoder, "$9223372036854775807\r\n");
    const std::string some(16_KiB, 'x');
    for (int i = 0; i < 3; ++i) {
      feed(decoder, some);
      CHECK_FALSE(decoder.next()->has_value());
    }
    feed(decoder, some);
    const auto refused = decoder.next();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::limit);
    feed(decoder, "+OK\r\n");
    CHECK_FALSE(decoder.next().has_value());
  }

  TEST_CASE("of very many very small parts is bounded by what they take, not by what they weigh") {
    const std::string text = "*4000\r\n" + repeated(":1\r\n", 4000);
    CHECK(text.size() < 20'000);
    CHECK(read(text, 64_KiB).error().code == Errc::limit);
    CHECK(read(text, 1_MiB).has_value());
  }

  TEST_CASE("behind another one has all of the limit for itself") {
    const std::string text = "$1000\r\n" + std::string(1000, 'x') + "\r\n";
    Decoder decoder(1500);
    for (int i = 0; i < 100; ++i) {
      feed(decoder, text);
      REQUIRE(decoder.next()->has_value());
    }
  }
}

TEST_SUITE("a command to Redis") {
  TEST_CASE("is its words, whatever they hold") {
    Words words{"SET", "a\r\n$1\r\n"};
    words.add(Words{"", "b"});
    CHECK(words.count() == 4);
    CHECK(words.command() == "*4\r\n$3\r\nSET\r\n$7\r\na\r\n$1\r\n\r\n$0\r\n\r\n$1\r\nb\r\n");
    const Reply reply = whole(words.command());
    CHECK(reply[1].text() == "a\r\n$1\r\n");
  }
}

}  // namespace
}  // namespace sluice::redis
