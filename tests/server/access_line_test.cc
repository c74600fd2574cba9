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
    CHECK(visitor.line().find("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\u00c2\\u009b\\u00ff") !=
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

TEST_SUITE("secrets") {
  TEST_CASE("in the query are replaced, by their names in any spelling") {
    CHECK(without_secrets("topic=a&authorization=s3cret") == "topic=a&authorization=REDACTED");
    CHECK(without_secrets("access_token=s&x=1") == "access_token=REDACTED&x=1");
    CHECK(without_secrets("Access%5FToken=s") == "Access%5FToken=REDACTED");
    CHECK(without_secrets("x=1;api_key=s&KEY=s") == "x=1;api_key=REDACTED&KEY=REDACTED");
    CHECK(without_secrets("a%zz=s") == "a%zz=REDACTED");
    CHECK(without_secrets("t=eyJhbGciOiJIUzI1NiJ9.e30.c2ln") == "t=REDACTED");
    CHECK(without_secrets("eyJhbGciOiJIUzI1NiJ9.e30.c2ln") == "REDACTED");
  }

  TEST_CASE("are not looked for where there are none") {
    CHECK(without_secrets("") == "");
    CHECK(without_secrets("topic=a&topic=b&author=me&=&&") == "topic=a&topic=b&author=me&=&&");
  }

  TEST_CASE("in the referer are replaced, too, and so is who logs in there") {
    Visitor visitor;
    visitor.request.headers = {
        {"referer", "https://me:pass@shop.example/a@b?token=s3cret&q=1#access_token=s3cret"}};
    CHECK(visitor.json()["referer"] == "https://shop.example/a@b?token=REDACTED&q=1");
  }
}

}  // namespace
}  // namespace sluice::server
