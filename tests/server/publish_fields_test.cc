#include "gateway/server/publish_fields.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/server/publish_form.h"
#include "gateway/server/publish_names.h"

namespace sluice::server {
namespace {

using std::chrono::milliseconds;

const Rules kRules{
    .epoch = "epoch000", .max_topics = 3, .max_topic_bytes = 40, .max_event_bytes = 10};

Fields event(std::string topic = "t") {
  Fields fields;
  fields.topics.push_back(std::move(topic));
  return fields;
}

/// Why the fields are refused, with "413 " before what is too much; "accepted" when they are not.
std::string verdict(Fields fields) {
  const auto draft = kRules.apply(std::move(fields));
  if (draft) return "accepted";
  return (draft.error().code == Errc::limit ? "413 " : "400 ") + draft.error().what;
}

std::string verdict_on_form(std::string_view form) {
  auto fields = read_form(form);
  return fields ? verdict(std::move(*fields)) : "400 " + fields.error().what;
}

TEST_SUITE("an event's fields") {
  TEST_CASE("all of them arrive in the draft") {
    auto fields = read_form(
        "topic=a&topic=b&data=x+y&id=i&type=note&retry=1234&private&key=k&ttl=15&colour=blue");
    REQUIRE(fields);
    const auto draft = kRules.apply(std::move(*fields));
    REQUIRE(draft);
    CHECK(draft->topics == std::vector<std::string>{"a", "b"});
    CHECK(draft->data == "x y");
    CHECK(draft->id == "i");
    CHECK(draft->type == "note");
    CHECK(draft->retry == milliseconds(1234));
    CHECK(draft->is_private);
    CHECK(draft->key == "k");
    CHECK(draft->ttl == milliseconds(15'000));
  }

  TEST_CASE("a topic is enough") {
    const auto draft = kRules.apply(event());
    REQUIRE(draft);
    CHECK(draft->data.empty());
    CHECK_FALSE(draft->is_private);
    CHECK_FALSE(draft->ttl);
    CHECK_FALSE(draft->retry);
  }

  TEST_CASE("the presence of private makes it private, whatever its value is") {
    for (const char* form :
         {"topic=a&private", "topic=a&private=", "topic=a&private=0", "topic=a&private=false"}) {
      CAPTURE(form);
      CHECK(read_form(form)->is_private);
    }
    CHECK_FALSE(read_form("topic=a&privat=on")->is_private);
  }

  TEST_CASE("a query has neither topics nor data") {
    const auto fields = read_query("topic=a&data=b&id=c&private");
    REQUIRE(fields);
    CHECK(fields->topics.empty());
    CHECK(fields->data.empty());
    CHECK(fields->id == "c");
    CHECK(fields->is_private);
    CHECK(read_query("id=%zz").error().what.starts_with("the query: "));
  }

  TEST_CASE("topics are named, few, short, and not everything") {
    CHECK(verdict_on_form("data=x") == "400 topic is missing: name at least one");
    CHECK(verdict_on_form("topic=&data=x") == "400 topic is empty");
    CHECK(verdict_on_form("topic=*") == "400 topic \"*\" cannot be published to");
    CHECK(verdict_on_form("topic=a&topic=b&topic=c") == "accepted");
    CHECK(verdict_on_form("topic=a&topic=b&topic=c&topic=d") ==
          "413 4 topics for one event; at most 3 are allowed");
    CHECK(verdict(event(std::string(41, 't'))) ==
          "413 topic is 41 bytes long; at most 40 are allowed");
    CHECK(verdict(event("/.well-known/mercure/subscriptions")).ends_with("is the hub's own"));
  }

  TEST_CASE("an id is a cursor, so it must not look like another one") {
    CHECK(verdict_on_form("topic=a&id=urn:uuid:42") == "accepted");
    CHECK(verdict_on_form("topic=a&id=%23x") == "400 id must not begin with '#'");
    CHECK(verdict_on_form("topic=a&id=earliest").starts_with("400 id must not be \"earliest\""));
    CHECK(verdict_on_form("topic=a&id=epoch000-7").starts_with("400 id must not be one of"));
    CHECK(verdict_on_form("topic=a&id=epoch111-7") == "accepted");
    CHECK(verdict_on_form("topic=a&id=a%0Ab") == "400 id holds a control character (0x0a)");
  }

  TEST_CASE("types that mean something to readers are not a publisher's") {
    CHECK(verdict_on_form("topic=a&type=mercure").starts_with("400 type must not be \"mercure\""));
    CHECK(verdict_on_form("topic=a&type=gap").starts_with("400 type must not be \"gap\""));
    CHECK(verdict_on_form("topic=a&type=gaps") == "accepted");
  }

  TEST_CASE("an id, a type and a key have 256 bytes") {
    for (const std::string name : {"id", "type", "key"}) {
      CAPTURE(name);
      CHECK(verdict_on_form("topic=a&" + name + "=" + std::string(256, 'x')) == "accepted");
      CHECK(verdict_on_form("topic=a&" + name + "=" + std::string(257, 'x')) ==
            "413 " + name + " is 257 bytes long; at most 256 are allowed");
    }
  }

  TEST_CASE("characters that do not show are in no name") {
    for (const std::string name : {"topic", "id", "type", "key"}) {
      CAPTURE(name);
      const std::string form = name == "topic" ? "" : "topic=a&";
      CHECK(verdict_on_form(form + name + "=a%C2%ADb") ==
            "400 " + name + " holds a character that does not show (U+00AD)");
      CHECK(verdict_on_form(form + name + "=%C2%85") ==
            "400 " + name + " holds a character that does not show (U+0085)");
      CHECK(verdict_on_form(form + name + "=%F3%A0%80%81x") ==
            "400 " + name + " holds a character that does not show (U+E0001)");
      CHECK(verdict_on_form(form + name + "=%C3%A9%E2%82%AC%F0%9F%98%80") == "accepted");
    }
    for (const char* hidden : {"\u200b", "\u200f", "\u202a", "\u202e", "\u2060", "\u2064", "\ufeff",
                               "\u061c", "\u2066", "\u206f", "\ufff9"}) {
      CAPTURE(hidden);
      CHECK_FALSE(check_name("id", std::string("a") + hidden + "b", 20));
    }
    for (const char* shown : {"\u00ac", "\u00ae", "\u200a", "\u2010", "\u2029", "\u202f", "\u2065",
                              "\u2070", "\ufefe", "\u00a0"}) {
      CAPTURE(shown);
      CHECK(check_name("id", std::string("a") + shown + "b", 20));
    }
  }

  TEST_CASE("retry is milliseconds in digits, an hour at most") {
    CHECK(*parse_retry("0") == milliseconds(0));
    CHECK(*parse_retry("1500") == milliseconds(1500));
    CHECK(*parse_retry("99999999999999999999") == milliseconds(3'600'000));
    for (const char* wrong : {"", " 1", "1 ", "-1", "+1", "1.5", "1s", "soon", "\u0661"}) {
      CAPTURE(wrong);
      CHECK_FALSE(parse_retry(wrong));
    }
  }

  TEST_CASE("ttl is whole seconds, in digits or with a unit, a year at most") {
    CHECK(*parse_ttl("0") == milliseconds(0));
    CHECK(*parse_ttl("90") == milliseconds(90'000));
    CHECK(*parse_ttl("15s") == milliseconds(15'000));
    CHECK(*parse_ttl("5m") == milliseconds(300'000));
    CHECK(*parse_ttl("2000ms") == milliseconds(2'000));
    CHECK(*parse_ttl("99999999999") == std::chrono::hours(24 * 365));
    CHECK(*parse_ttl("9999d") == std::chrono::hours(24 * 365));
    for (const char* wrong : {"", "-1", "1.5", "1500ms", "5 m", "m", "15S"}) {
      CAPTURE(wrong);
      CHECK_FALSE(parse_ttl(wrong));
    }
  }

  TEST_CASE("data is UTF-8 up to the limit") {
    CHECK(verdict_on_form("topic=a&data=0123456789") == "accepted");
    CHECK(verdict_on_form("topic=a&data=0123456789x") ==
          "413 the data is 11 bytes long; at most 10 are allowed");
    Fields broken = event();
    broken.data = "\xff";
    CHECK(verdict(broken) == "400 the data is not UTF-8");
  }
}

TEST_SUITE("a reserved topic") {
  TEST_CASE("is the hub's path or one below it, on whatever host") {
    for (const char* topic :
         {"/.well-known/mercure", "/.well-known/mercure/", "/.well-known/mercure/subscriptions/x",
          "https://example.com/.well-known/mercure", "http://other/.well-known/mercure/a?b#c",
          "//host/.well-known/mercure", "urn:/.well-known/mercure", "/.well-known/mercure?x=y",
          "/.well-known/mercure#x"}) {
      CAPTURE(topic);
      CHECK(is_reserved_topic(topic));
    }
  }

  TEST_CASE("does not hide behind dots and escapes") {
    for (const char* topic : {"/a/../.well-known/mercure", "/./.well-known/./mercure",
                              "/../.well-known/mercure", "/%2ewell-known/%6Dercure",
                              "/a/%2e%2E/.well-known/mercure/x", "/.well-known/mercure/a/..",
                              "https://h/x/../.well-known/mercure", "\\.well-known\\mercure"}) {
      CAPTURE(topic);
      CHECK(is_reserved_topic(topic));
    }
  }

  TEST_CASE("may be relative to the hub") {
    for (const char* topic :
         {"mercure", "mercure/subscriptions", "./mercure", "../.well-known/mercure", "?a", "#a"}) {
      CAPTURE(topic);
      CHECK(is_reserved_topic(topic));
    }
  }

  TEST_CASE("is no other one") {
    for (const char* topic :
         {"a", "news/sport", "mercury", "/.well-known/mercure2", "/.well-known", "/mercure",
          "https://example.com/books/1", "/x/.well-known/mercure", "/.well-known%2Fmercure",
          "/.Well-Known/mercure", "urn:uuid:5e94c686", "/.well-known/mercure/..", "a:mercure",
          "https://.well-known/mercure", "subscriptions"}) {
      CAPTURE(topic);
      CHECK_FALSE(is_reserved_topic(topic));
    }
  }
}

}  // namespace
}  // namespace sluice::server
