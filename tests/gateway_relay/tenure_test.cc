#include "gateway/relay/tenure.h"

#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace sluice::relay {
namespace {

using std::chrono::seconds;

http::Request request_of(const std::string& method, const std::string& accept = "") {
  http::Request request;
  request.method = method;
  if (!accept.empty()) request.headers.add("accept", accept);
  return request;
}

/// Of a token of that subject, and with a place that was taken.
Terms terms_of(std::string subject, std::shared_ptr<void> lease = nullptr) {
  Terms terms;
  terms.subject = std::move(subject);
  terms.lease = std::move(lease);
  return terms;
}

Slab openings(sizeof(Opening));

/// Answers nothing.
struct Other final : http::Answer {
  void on_body(std::string_view) override {}
  void on_body_end() override {}
  Ready ready(std::size_t) override { return {}; }
  void take(std::span<std::byte>) override {}
};

TEST_SUITE("Tenure") {
  TEST_CASE("a head can be given early to who asks for events, and to nobody for a HEAD") {
    const auto may_be_early = [](const std::string& method, const std::string& accept) {
      return Tenure(request_of(method, accept), {}, openings).opening().may_be_early();
    };
    CHECK(may_be_early("GET", "text/event-stream"));
    CHECK(may_be_early("POST", "text/event-stream"));
    CHECK_FALSE(may_be_early("GET", "text/html"));
    CHECK_FALSE(may_be_early("POST", ""));
    CHECK_FALSE(may_be_early("HEAD", "text/event-stream"));
  }

  TEST_CASE("the body of a POST may say that events are wanted, once; that of a GET says nothing") {
    Tenure post(request_of("POST"), {}, openings);
    CHECK_FALSE(post.read_body(R"({"stream": tr)"));
    CHECK(post.read_body("ue}"));
    CHECK_FALSE(post.read_body(R"({"stream": true})"));
    CHECK(post.opening().may_be_early());
    Tenure get(request_of("GET"), {}, openings);
    CHECK_FALSE(get.read_body(R"({"stream": true})"));
  }

  TEST_CASE("behind the head it goes on with its token, and holds its place to its end") {
    const TimePoint ends = TimePoint() + seconds(5);
    const auto place = std::make_shared<int>();
    {
      Terms terms = terms_of("ann", place);
      terms.ends = ends;
      Tenure tenure(request_of("GET"), std::move(terms), openings);
      CHECK(tenure.subject() == "ann");
      tenure.settle();
      CHECK_FALSE(tenure.is_opening());
      CHECK(tenure.ends() == ends);
      CHECK(tenure.subject() == "ann");
      tenure.settle();
      tenure.drop_opening();
      CHECK(tenure.subject() == "ann");
      CHECK(place.use_count() == 2);
    }
    CHECK(place.use_count() == 1);
  }

  TEST_CASE("who has neither token nor place never ends by it") {
    Tenure tenure(request_of("GET"), {}, openings);
    tenure.settle();
    CHECK(tenure.ends() == TimePoint::max());
    CHECK(tenure.subject().empty());
    CHECK_FALSE(tenure.read_body(R"({"stream": true})"));
  }

  TEST_CASE("an answer that was no stream gives everything back when it is over") {
    const auto place = std::make_shared<int>();
    Tenure tenure(request_of("GET"), terms_of("ann", place), openings);
    tenure.drop_opening();
    CHECK(place.use_count() == 1);
    CHECK(tenure.subject().empty());
  }

  TEST_CASE("a stream takes its place when it is admitted") {
    const auto place = std::make_shared<int>();
    Terms terms;
    terms.admit = [&](std::shared_ptr<void>& lease) {
      lease = place;
      return nullptr;
    };
    Tenure tenure(request_of("GET"), std::move(terms), openings);
    CHECK(tenure.admit());
    CHECK(tenure.instead() == nullptr);
    tenure.settle();
    CHECK(place.use_count() == 2);
  }

  TEST_CASE("where there is no room somebody else answers") {
    auto other = std::make_unique<Other>();
    const http::Answer* const answers = other.get();
    Terms terms = terms_of("ann");
    terms.admit = [&](std::shared_ptr<void>&) { return std::move(other); };
    Tenure tenure(request_of("GET"), std::move(terms), openings);
    CHECK(tenure.instead() == nullptr);
    CHECK_FALSE(tenure.admit());
    CHECK(tenure.instead() == answers);
    CHECK_FALSE(tenure.is_opening());
    CHECK(tenure.subject().empty());
  }
}

}  // namespace
}  // namespace sluice::relay
