#include "gateway/server/publish_batch.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

const Rules kRules{.epoch = "epoch000", .max_topics = 3};

std::vector<sse::Draft> read(std::string_view body) {
  auto drafts = read_batch(body, kRules, 5);
  INFO((drafts ? std::string() : drafts.error().what));
  REQUIRE(drafts);
  return std::move(*drafts);
}

/// Why a body is refused, with "413 " before what is too much.
std::string refusal(std::string_view body) {
  const auto drafts = read_batch(body, kRules, 5);
  if (drafts) return "accepted";
  return (drafts.error().code == Errc::limit ? "413 " : "400 ") + drafts.error().what;
}

/// What is published for a value.
std::string published(const std::string& value) {
  return read(R"({"topic":"t","data":)" + value + "}").front().data;
}

TEST_SUITE("a batch") {
  TEST_CASE("is an array of events, in its order") {
    const auto drafts = read(R"([{"topic":"a","data":"1"}, {"topic":["b","c"],"data":"2"}])");
    REQUIRE(drafts.size() == 2);
    CHECK(drafts[0].topics == std::vector<std::string>{"a"});
    CHECK(drafts[0].data == "1");
    CHECK(drafts[1].topics == std::vector<std::string>{"b", "c"});
  }

  TEST_CASE("may be one event alone") {
    const auto drafts = read(" \n{\"topic\":\"a\"}\n");
    REQUIRE(drafts.size() == 1);
    CHECK(drafts[0].data.empty());
  }

  TEST_CASE("has every field of an event") {
    const auto draft = read(R"({"topic":"a","id":"i","type":"note","retry":1234,"private":true,
                                "key":"k","ttl":60,"colour":{"ignored":[1]}})")
                           .front();
    CHECK(draft.id == "i");
    CHECK(draft.type == "note");
    CHECK(draft.retry == std::chrono::milliseconds(1234));
    CHECK(draft.is_private);
    CHECK(draft.key == "k");
    CHECK(draft.ttl == std::chrono::minutes(1));
    CHECK(read(R"({"topic":"a","ttl":"5m","retry":"700"})").front().ttl == std::chrono::minutes(5));
  }

  TEST_CASE("takes null for nothing, and private: false for public") {
    const auto draft =
        read(R"({"topic":"a","id":null,"type":null,"retry":null,"private":null,"ttl":null})")
            .front();
    CHECK(draft.id.empty());
    CHECK_FALSE(draft.retry);
    CHECK_FALSE(draft.is_private);
    CHECK_FALSE(read(R"({"topic":"a","private":false})").front().is_private);
  }

  TEST_CASE("publishes a string as its text, and anything else as its JSON without blanks") {
    CHECK(published(R"("a \"quoted\" \u00e9\nline")") == "a \"quoted\" \u00e9\nline");
    CHECK(published("null") == "null");
    CHECK(published("true") == "true");
    CHECK(published("[ ]") == "[]");
    CHECK(published("{ \"z\" : [ 1 , 2 ],\n \"a\": \"b c\\\" d\" }") ==
          R"({"z":[1,2],"a":"b c\" d"})");
  }

  TEST_CASE("does not touch the digits of a number") {
    CHECK(published("1.0") == "1.0");
    CHECK(published("12345678901234567890123") == "12345678901234567890123");
    CHECK(published("[1e30 , -0]") == "[1e30,-0]");
  }

  TEST_CASE("takes data of any depth") {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    CHECK(published(deep) == deep);
  }

  TEST_CASE("is not read where braces and quotes stand in strings") {
    const auto drafts =
        read(R"([{"topic":"a]}","data":"{[\"\\"},{"topic":"b","data":["}\\\"]"]}])");
    REQUIRE(drafts.size() == 2);
    CHECK(drafts[0].topics.front() == "a]}");
    CHECK(drafts[0].data == "{[\"\\");
    CHECK(drafts[1].data == R"(["}\\\"]"])");
  }

  TEST_CASE("names the event that breaks a rule") {
    CHECK(refusal(R"([{"topic":"a"},{"topic":"b"},{"data":"x"}])") ==
          "400 event 3: topic is missing: name at least one");
    CHECK(refusal(R"([{"topic":"a","id":"#"}])") == "400 event 1: id must not begin with '#'");
    CHECK(refusal(R"([{"topic":["a","b","c","d"]}])") ==
          "413 event 1: 4 topics for one event; at most 3 are allowed");
    CHECK(refusal(R"({"data":"x"})") == "400 topic is missing: name at least one");
  }

  TEST_CASE("has members of the right kinds, each of them once") {
    CHECK(refusal(R"([7])") == "400 event 1: it is not an object");
    CHECK(refusal(R"([{"topic":7}])") ==
          "400 event 1: topic must be a string, or an array of strings");
    CHECK(refusal(R"([{"topic":["a",7]}])") ==
          "400 event 1: topic must be a string, or an array of strings");
    CHECK(refusal(R"([{"topic":"a","id":7}])") == "400 event 1: id must be a string");
    CHECK(refusal(R"([{"topic":"a","retry":[]}])") == "400 event 1: retry must be a number");
    CHECK(refusal(R"([{"topic":"a","retry":1.5}])") ==
          "400 event 1: retry must be a number of milliseconds, in digits only");
    CHECK(refusal(R"([{"topic":"a","ttl":-1}])").starts_with("400 event 1: ttl must be whole"));
    CHECK(refusal(R"([{"topic":"a","private":1}])") ==
          "400 event 1: private must be true or false");
    CHECK(refusal(R"([{"topic":"a","topic":"b"}])") == "400 event 1: topic stands there twice");
    CHECK(refusal(R"([{"topic":"a","t\u006fpic":"b"}])") ==
          "400 event 1: topic stands there twice");
  }

  TEST_CASE("has one event at least, and as many as allowed at most") {
    CHECK(refusal("[]") == "400 there are no events in the array");
    std::string body = "[" + std::string(R"({"topic":"a"})");
    for (int i = 1; i < 5; ++i) body += R"(,{"topic":"a"})";
    CHECK(refusal(body + "]") == "accepted");
    CHECK(refusal(body + R"(,{"topic":"a"}])") == "413 more than 5 events in one request");
  }

  TEST_CASE("is JSON") {
    for (const char* wrong : {"", "[", "[{\"topic\":\"a\"},]", "{\"topic\":'a'}", "topic=a&data=b",
                              "[{}] x", "{\"topic\":\"\xff\"}", "{\"topic\":\"\\ud800\"}"}) {
      CAPTURE(wrong);
      CHECK(refusal(wrong) == "400 the body is not JSON");
    }
    for (const char* other : {"7", "\"a\"", "null"}) {
      CAPTURE(other);
      CHECK(refusal(other) == "400 the body is neither an array of events nor an event");
    }
  }
}

}  // namespace
}  // namespace sluice::server
