#include "gateway/server/access_line.h"

#include <algorithm>
#include <chrono>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/server/publish_fakes.h"

namespace sluice::server {
namespace {

using Json = nlohmann::json;
using Stage = AccessOutcome::Stage;
using std::chrono::milliseconds;

struct Visitor {
  http::Request request{.method = "GET",
                        .scheme = "https",
                        .authority = "hub.example",
                        .path = "/events/news",
                        .headers = {{"user-agent", "curl/8"}}};
  http::Account account;
  AccessOutcome outcome{.status = 200};

  std::string line(AccessFormat format = AccessFormat::json) {
    FakeExchange exchange;
    const auto trusted = http::Networks::parse(std::vector<std::string>{"10.0.0.0/8"}).value();
    const WallTime at{std::chrono::seconds(1'700'000'000) + milliseconds(7)};
    return access_line(format, at, AccessRequest(request, exchange, trusted), account, outcome);
  }
  Json json() { return Json::parse(line()); }
};

TEST_SUITE("a line of the access log") {
  TEST_CASE("of a request says who, what, when and what became of it") {
    Visitor visitor;
    visitor.outcome.bytes = 12;
    visitor.outcome.duration = milliseconds(1'500);
    visitor.outcome.ending = http::Ending::complete;
    const Json json = visitor.json();
    CHECK(json["time"] == "2023-11-14T22:13:20.007Z");
    CHECK(json["type"] == "request");
    CHECK(json["method"] == "GET");
    CHECK(json["authority"] == "hub.example");
    CHECK(json["path"] == "/events/news");
    CHECK(json["status"] == 200);
    CHECK(json["bytes"] == 12);
    CHECK(json["duration"] == 1.5);
    CHECK(json["end"] == "complete");
    CHECK(json["by"] == "server");
    CHECK(json["user_agent"] == "curl/8");
    CHECK_FALSE(json.contains("referer"));
    CHECK_FALSE(json.contains("events"));
  }

  TEST_CASE("of a stream's end says what the stream has been through") {
    Visitor visitor;
    visitor.outcome.stage = Stage::stream_end;
    visitor.outcome.progress = {.events = 40, .gaps = 1, .queued = 7};
    visitor.outcome.worst_behind = 30;
    visitor.outcome.worst_wait = milliseconds(250);
    visitor.outcome.ending = http::Ending::slow;
    const Json json = visitor.json();
    CHECK(json["type"] == "stream_end");
    CHECK(json["events"] == 40);
    CHECK(json["gaps"] == 1);
    CHECK(json["worst_lag_events"] == 30);
    CHECK(json["worst_lag_seconds"] == 0.25);
    CHECK(json["unsent_bytes"] == 7);
    CHECK(json["end"] == "slow");
  }

  TEST_CASE("names some of the topics, and how many there are") {
    Visitor visitor;
    for (int i = 0; i < 9; ++i) visitor.account.add_topic("t" + std::to_string(i));
    const Json json = visitor.json();
    CHECK(json["topics"] == Json{"t0", "t1", "t2", "t3", "t4"});
    CHECK(json["topic_count"] == 9);
  }

  TEST_CASE("has the beginning of a topic and of a subject that are long") {
    Visitor visitor;
    visitor.account.add_topic(std::string(20'000, '\x01'));
    visitor.account.add_topic(std::string(http::Account::kMostText - 1, 'a') + "\xe2\x82\xac");
    visitor.account.set_subject(std::string(20'000, 's'));
    const std::string most(http::Account::kMostText, 's');
    CHECK(visitor.account.subject == most + "...");  // No more is kept, either.
    CHECK(visitor.account.topics.at(0).size() == most.size() + 3);
    const Json json = visitor.json();
    CHECK(json["subject"] == most + "...");
    CHECK(json["topics"][1] == std::string(most.size() - 1, 'a') + "...");
    CHECK(visitor.line().size() < 6 * most.size() + 2'048);
  }

  TEST_CASE("has no JSON web token, wherever one stands") {
    const std::string token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln";
    Visitor visitor;
    visitor.request.path = "/reset/%65" + token.substr(1) + "/now";
    visitor.request.query = "q=Bearer%20" + token;
    visitor.request.headers = {{"user-agent", "me/1 " + token},
                               {"referer", "https://me:pw@a.example/" + token + "?pass=s3cret"}};
    visitor.account.add_topic("https://a.example/" + token);
    // One that is cut in its midst.
    visitor.account.add_topic(std::string(http::Account::kMostText - 30, 'a') + token);
    visitor.account.set_subject(token);
    const Json json = visitor.json();
    CHECK(json["path"] == "/reset/REDACTED/now?q=Bearer%20REDACTED");
    CHECK(json["user_agent"] == "me/1 REDACTED");
    CHECK(json["referer"] == "https://a.example/REDACTED?pass=REDACTED");
    CHECK(json["topics"][0] == "https://a.example/REDACTED");
    CHECK(json["topics"][1] == std::string(http::Account::kMostText - 30, 'a') + "REDACTED");
    CHECK(json["subject"] == "REDACTED");
    CHECK(visitor.line(AccessFormat::combined).find("eyJ") == std::string::npos);
  }

  TEST_CASE("is one line, whatever a stranger writes into his request") {
    std::string hostile = "\"} \r\n{\"type\":\"forged\"}\\";
    for (int byte = 1; byte < 256; ++byte) hostile += static_cast<char>(byte);
    Visitor visitor;
    visitor.request.path = "/" + hostile;
    visitor.request.query = hostile;
    visitor.request.method = hostile;
    visitor.request.authority = hostile;
    visitor.request.headers = {{"user-agent", hostile}, {"referer", hostile}};
    visitor.account.subject = visitor.account.request_id = hostile;
    visitor.account.add_topic(hostile);
    for (const auto format : {AccessFormat::json, AccessFormat::combined}) {
      visitor.outcome.stage = Stage::stream_end;
      const std::string line = visitor.line(format);
      CHECK(std::count(line.begin(), line.end(), '\n') == 1);
      CHECK(std::all_of(line.begin(), line.end() - 1, [](char c) {
        return static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
      }));
      CHECK(line.find("{\"type\":\"forged\"") == std::string::npos);
    }
    CHECK(visitor.json()["type"] == "stream_end");
  }

  TEST_CASE("shows UTF-8 as it is, but for control characters of U+0080 to U+009F") {
    Visitor visitor;
    visitor.request.headers = {{"user-agent", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \xc2\x9b\xff"}};
    CHECK(visitor.line().find("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\u009b\\u00ff") !=
          std::string::npos);
  }

  TEST_CASE("has none of what ends a line or turns it round for those who read Unicode") {
    struct Case {
      std::string_view character;
      std::string_view escape;
    };
    for (const Case& one : {Case{"\xc2\x85", "\\u0085"}, Case{"\xe2\x80\xa8", "\\u2028"},
                            Case{"\xe2\x80\xa9", "\\u2029"}, Case{"\xe2\x80\xaa", "\\u202a"},
                            Case{"\xe2\x80\xae", "\\u202e"}, Case{"\xe2\x81\xa6", "\\u2066"},
                            Case{"\xe2\x81\xa9", "\\u2069"}}) {
      CAPTURE(one.escape);
      Visitor visitor;
      const std::string text = "a" + std::string(one.character) + "b";
      visitor.request.headers = {{"user-agent", text}, {"referer", text}};
      visitor.request.path = "/" + text;
      visitor.account.add_topic(text);
      visitor.account.set_subject(text);
      CHECK(visitor.line().find("\"a" + std::string(one.escape) + "b\"") != std::string::npos);
      CHECK(visitor.json()["user_agent"] == text);  // Nothing of it is lost.
      for (const auto format : {AccessFormat::json, AccessFormat::combined}) {
        CHECK(visitor.line(format).find(one.character) == std::string::npos);
      }
    }
    Visitor visitor;
    visitor.account.add_topic("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa");  // Beside them.
    CHECK(visitor.line().find("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa") !=
          std::string::npos);
  }

  TEST_CASE("cuts what is too long between two characters") {
    Visitor visitor;
    visitor.request.path = "/" + std::string(AccessRequest::kMostPath - 2, 'a') + "\xe2\x82\xac";
    const std::string path = visitor.json()["path"];
    CHECK(path == "/" + std::string(AccessRequest::kMostPath - 2, 'a') + "...");
  }

  TEST_CASE("believes a proxy that is trusted, and nobody else, who the client is") {
    struct From final : http::Exchange {
      explicit From(std::string peer) { info.peer = std::move(peer); }
      void respond(http::Response, http::Kind, std::optional<std::uint64_t>) override {}
      void wake() override {}
      void consume(std::size_t) override {}
      void abort() override {}
      [[nodiscard]] const http::Connection& connection() const override { return info; }
      http::Connection info;
    };
    const auto trusted = http::Networks::parse(std::vector<std::string>{"10.0.0.0/8"}).value();
    const http::Request request{
        .path = "/", .headers = {{"x-forwarded-for", "203.0.113.9"}, {"x-request-id", "r-1"}}};
    const AccessRequest told(request, From("10.1.1.1"), trusted);
    CHECK(told.client == "203.0.113.9");
    CHECK(told.peer == "10.1.1.1");
    CHECK(told.request_id == "r-1");
    const AccessRequest lied(request, From("198.51.100.1"), trusted);
    CHECK(lied.client == "198.51.100.1");
    CHECK(lied.request_id.empty());
  }

  TEST_CASE("in the combined format is what log readers know, and a little more for streams") {
    Visitor visitor;
    visitor.outcome.bytes = 5;
    CHECK(visitor.line(AccessFormat::combined) ==
          "- - - [14/Nov/2023:22:13:20 +0000] \"GET /events/news HTTP/1.1\" 200 5 \"-\" "
          "\"curl/8\"\n");
    visitor.outcome.stage = Stage::stream_end;
    visitor.outcome.ending = http::Ending::client_left;
    const std::string line = visitor.line(AccessFormat::combined);
    CHECK(line.find("stream_end id=0-0 duration=0.000 events=0 gaps=0 worst_lag=0 "
                    "end=client_left by=client\n") != std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::server
