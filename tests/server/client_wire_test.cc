#include "gateway/server/client_wire.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

Url url_of(std::string_view text) {
  auto url = parse_url(text);
  REQUIRE(url);
  return *url;
}

/// Why a text is not a URL; "accepted" when it is one.
std::string refusal(std::string_view text) {
  const auto url = parse_url(text);
  return url ? "accepted" : url.error().what;
}

std::string subscribed(std::string_view url, std::vector<std::string> topics = {}) {
  SubscribeCommand command;
  command.topics = std::move(topics);
  const auto target = make_subscription(url_of(url), command);
  return target ? *target : target.error().what;
}

TEST_SUITE("URL") {
  TEST_CASE("it is taken apart into what a request needs") {
    const Url url = url_of("https://hub.example:8443/events/a?x=1#part");
    CHECK(url.is_tls);
    CHECK(url.host == "hub.example");
    CHECK(url.port == 8443);
    CHECK(url.path == "/events/a");
    CHECK(url.query == "x=1");
  }

  TEST_CASE("what is left out has the usual value") {
    CHECK(url_of("https://hub.example").port == 443);
    CHECK(url_of("http://hub.example").port == 80);
    CHECK(url_of("http://hub.example").path == "/");
    CHECK(url_of("http://hub.example?topic=a").path == "/");
    CHECK(url_of("http://hub.example?topic=a").query == "topic=a");
  }

  TEST_CASE("an IPv6 address stands in brackets") {
    CHECK(url_of("https://[fe80::1]:8443/").host == "fe80::1");
    CHECK(url_of("https://[::1]:8443/").authority() == "[::1]:8443");
    CHECK(url_of("https://[::1]/").port == 443);
  }

  TEST_CASE("this machine is known by its names") {
    for (const char* local : {"http://localhost", "http://app.localhost:1", "http://127.0.0.1",
                              "http://127.1.2.3", "http://[::1]"}) {
      CHECK(url_of(local).is_local());
    }
    for (const char* remote : {"http://hub.example", "http://localhost.example", "http://[::2]"}) {
      CHECK_FALSE(url_of(remote).is_local());
    }
  }

  TEST_CASE("what is not a URL is told so") {
    CHECK(refusal("localhost:8443") ==
          "\"localhost:8443\" is not a URL, as in https://localhost:8443");
    CHECK(refusal("http://") == "http://: \"\" is not a host");
    CHECK(refusal("http://me@host/") == "http://me@host/: \"me@host\" is not a host");
    CHECK(refusal("http://host:0/") == "http://host:0/: \"0\" is not a port");
    CHECK(refusal("http://host:/") == "http://host:/: \"\" is not a port");
    CHECK(refusal("http://host:99999") == "http://host:99999: \"99999\" is not a port");
    CHECK(refusal("http://[::1/") == "http://[::1/: \"[::1\" is not a host");
    CHECK(refusal("http://[::1]x/") == "http://[::1]x/: \"[::1]x\" is not a host");
    CHECK(refusal("http://host/a b") == "\"http://host/a b\": escape it with %");
    CHECK(refusal("http://host/a\r\nx: y") == "\"http://host/a\r\nx: y\": escape it with %");
  }
}

TEST_SUITE("Publish request") {
  TEST_CASE("a hub takes a form with everything escaped") {
    PublishCommand command;
    command.topics = {"https://example.com/a?b&c", "ü"};
    command.id = "7";
    command.type = "note";
    command.retry = 500;
    command.is_private = true;
    const auto post = make_post(url_of("https://localhost:8443"), command, "1 + 1 = 2\n");
    REQUIRE(post);
    CHECK(post->target == "/.well-known/mercure");
    CHECK(post->content_type == "application/x-www-form-urlencoded");
    CHECK(post->body ==
          "topic=https%3A%2F%2Fexample.com%2Fa%3Fb%26c&topic=%C3%BC&data=1%20%2B%201%20%3D%202%0A"
          "&id=7&type=note&retry=500&private=on");
  }

  TEST_CASE("a topic's address takes the bare data, and the rest in the query") {
    PublishCommand command;
    command.type = "a note";
    const auto post = make_post(url_of("http://h/events/news/sport"), command, "1 + 1 = 2\n");
    REQUIRE(post);
    CHECK(post->target == "/events/news/sport?type=a%20note");
    CHECK(post->content_type == "text/plain; charset=utf-8");
    CHECK(post->body == "1 + 1 = 2\n");
  }

  TEST_CASE("a hub may live below a path") {
    PublishCommand command;
    command.topics = {"a"};
    const auto post = make_post(url_of("http://h/live/.well-known/mercure"), command, "");
    REQUIRE(post);
    CHECK(post->target == "/live/.well-known/mercure");
  }

  TEST_CASE("the topic is named once, in one way or the other") {
    PublishCommand command;
    CHECK(make_post(url_of("http://h"), command, "").error().what ==
          "give a --topic, or a URL that ends in /events/TOPIC");
    command.topics = {"a"};
    CHECK(make_post(url_of("http://h/events/b"), command, "").error().what ==
          "the URL names the topic already; leave --topic out");
    CHECK(make_post(url_of("http://h/else"), command, "").error().code == Errc::invalid);
  }
}

TEST_SUITE("Publish stream") {
  TEST_CASE("it goes to its topic, with the fields of all its events in the query") {
    PublishCommand command;
    command.is_private = true;
    command.key = "k k";
    command.ttl = "5m";
    CHECK(*make_stream(url_of("http://h/events/a?x=1"), command) ==
          "/events/a?x=1&private=on&key=k%20k&ttl=5m");
    command.topics = {"a/b c"};
    CHECK(*make_stream(url_of("http://h"), command) ==
          "/events/a%2Fb%20c?private=on&key=k%20k&ttl=5m");
    CHECK(make_stream(url_of("http://h/live/.well-known/mercure"), command)
              ->starts_with("/live/events/a%2Fb%20c?"));
  }

  TEST_CASE("it goes to the hub when each event names its topics") {
    CHECK(*make_stream(url_of("http://h"), {}) == "/.well-known/mercure");
    CHECK(*make_stream(url_of("http://h/.well-known/mercure"), {}) == "/.well-known/mercure");
  }

  TEST_CASE("what would be lost on the way is refused") {
    PublishCommand command;
    command.is_private = true;  // The hub's URL takes no fields in the query.
    CHECK(make_stream(url_of("http://h"), command).error().what ==
          "give the stream a --topic, or each event its fields in the stream");
    command.topics = {"a", "b"};
    CHECK_FALSE(make_stream(url_of("http://h"), command));
    CHECK_FALSE(make_stream(url_of("http://h/events/a"), command));
    CHECK_FALSE(make_stream(url_of("http://h/else"), command));
  }
}

TEST_SUITE("Publish batch") {
  TEST_CASE("it goes to the hub as it is") {
    const auto post = make_batch(url_of("http://h"), {}, "[]");
    REQUIRE(post);
    CHECK(post->target == "/.well-known/mercure");
    CHECK(post->content_type == "application/json");
    CHECK(post->body == "[]");
  }

  TEST_CASE("its events have their topics and fields themselves") {
    PublishCommand command;
    command.topics = {"a"};
    CHECK_FALSE(make_batch(url_of("http://h"), command, "[]"));
    command.topics.clear();
    command.ttl = "5";
    CHECK_FALSE(make_batch(url_of("http://h"), command, "[]"));
    CHECK_FALSE(make_batch(url_of("http://h/events/a"), {}, "[]"));
  }

  TEST_CASE("its ids are printed one per line") {
    CHECK(printed_ids(R"({"ids":["a","b"]})", true) == "a\nb\n");
    CHECK(printed_ids("e-1", false) == "e-1\n");
    CHECK(printed_ids("what?", true) == "what?");
  }
}

TEST_SUITE("Subscribe request") {
  TEST_CASE("topics go into the query of a hub's URL") {
    CHECK(subscribed("https://h", {"a", "b/{id}"}) ==
          "/.well-known/mercure?topic=a&topic=b%2F%7Bid%7D");
    CHECK(subscribed("https://h/.well-known/mercure?topic=a", {"b"}) ==
          "/.well-known/mercure?topic=a&topic=b");
    CHECK(subscribed("https://h/?topic=a") == "/.well-known/mercure?topic=a");
  }

  TEST_CASE("a topic's address, and any other, is taken as it is") {
    CHECK(subscribed("https://h/events/news/sport") == "/events/news/sport");
    CHECK(subscribed("https://h/stream?x=1") == "/stream?x=1");
  }

  TEST_CASE("a hub without a topic is not asked for nothing") {
    CHECK(subscribed("https://h") == "give a --topic, or a URL that ends in /events/TOPIC");
    CHECK(subscribed("https://h/events/a", {"b"}) ==
          "the URL names the topic already; leave --topic out");
  }
}

TEST_SUITE("Printed event") {
  TEST_CASE("as text/event-stream it can be read back") {
    CHECK(printed({.id = "7", .type = "note", .data = "two\nlines"}, false) ==
          "id: 7\nevent: note\ndata: two\ndata: lines\n\n");
    CHECK(printed({.id = "", .type = "", .data = ""}, false) == "data: \n\n");
  }

  TEST_CASE("as JSON it is one line, in a fixed order, whatever the data is") {
    CHECK(printed({.id = "7", .type = "", .data = "two\n\"lines\""}, true) ==
          "{\"id\":\"7\",\"type\":\"message\",\"data\":\"two\\n\\\"lines\\\"\"}\n");
    CHECK(printed({.id = "", .type = "t", .data = "\xff"}, true) ==
          "{\"id\":\"\",\"type\":\"t\",\"data\":\"\xef\xbf\xbd\"}\n");
  }
}

}  // namespace
}  // namespace sluice::server
