#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "tests/h1/application.h"

namespace sluice::h1 {
namespace {

constexpr std::string_view kEmpty = "HTTP/1.1 204 No Content\r\n\r\n";
constexpr std::string_view kPlainHead =
    "POST / HTTP/1.1\r\nhost: app.test\r\ncontent-length: 6\r\n\r\n";
constexpr std::string_view kChunkedHead =
    "POST / HTTP/1.1\r\nhost: app.test\r\ntransfer-encoding: chunked\r\n\r\n";

std::string operator+(std::string_view a, std::string_view b) {
  return std::string(a).append(b);
}

/// What is heard when `bytes` are ready now.
std::string heard_of(Application& app, StagedCaller& caller, std::string_view bytes,
                     bool is_last = false) {
  caller.upload += bytes;
  caller.is_last = is_last;
  caller.call->wake();
  return app.hear();
}

TEST_SUITE("HTTP/1.1 request bodies to an application") {
  TEST_CASE("a body of a known length leaves as it is, as soon as it is there") {
    Application app;
    StagedCaller caller;
    caller.upload = "abc";
    CHECK(app.ask(post(6), caller) == kPlainHead + "abc");
    CHECK(app.hear().empty());
    CHECK(heard_of(app, caller, "def", true) == "def");
    app.say(kEmpty);
    CHECK(caller.has_ended);
    CHECK(app.session->can_call());
  }

  TEST_CASE("a body of an unknown length leaves in chunks") {
    Application app;
    StagedCaller caller;
    caller.upload = "abc";
    CHECK(app.ask(post(), caller) == kChunkedHead + "3\r\nabc\r\n");
    CHECK(app.hear().empty());
    CHECK(heard_of(app, caller, "0123456789") == "a\r\n0123456789\r\n");
    CHECK(heard_of(app, caller, "", true) == "0\r\n\r\n");
    app.say(kEmpty);
    CHECK(app.session->can_call());
  }

  TEST_CASE("a body may be empty") {
    for (const bool is_chunked : {false, true}) {
      Application app;
      StagedCaller caller;
      caller.is_last = true;
      const std::string heard = app.ask(is_chunked ? post() : post(0), caller);
      CHECK(heard.ends_with(is_chunked ? "\r\n\r\n0\r\n\r\n" : "content-length: 0\r\n\r\n"));
      app.say(kEmpty);
      CHECK(app.session->can_call());
    }
  }

  TEST_CASE("a large body leaves in records, and nothing of it is lost") {
    for (const bool is_chunked : {false, true}) {
      const std::string body(100'000, 'x');
      Application app;
      StagedCaller caller;
      caller.upload = body;
      caller.is_last = true;
      const std::string heard = app.ask(is_chunked ? post() : post(body.size()), caller);
      CHECK(std::count(heard.begin(), heard.end(), 'x') == 100'000);
      app.say(kEmpty);
      CHECK(app.session->can_call());
    }
  }

  TEST_CASE("a request head of more than a record leaves whole") {
    Application app;
    StagedCaller caller;
    http::Outgoing request = get();
    request.head.headers.add("x", std::string(40'000, 'y'));
    CHECK(app.ask(request, caller) ==
          "GET / HTTP/1.1\r\nhost: app.test\r\nx: " + std::string(40'000, 'y') + "\r\n\r\n");
  }

  TEST_CASE("a body that is shorter than was told fails the call and ends the connection") {
    Application app;
    StagedCaller caller;
    caller.upload = "abc";
    caller.is_last = true;
    CHECK(app.ask(post(6), caller) == kPlainHead + "abc");
    CHECK(caller.story() == "- |  | closed");
    CHECK(app.session->is_finished());
  }

  TEST_CASE("no byte beyond the length that was told is sent") {
    Application app;
    StagedCaller caller;
    caller.upload = "abcdefGET /evil HTTP/1.1\r\n\r\n";
    CHECK(app.ask(post(6), caller) == kPlainHead + "abcdef");
    CHECK(caller.story() == "- |  | closed");
    CHECK(app.session->is_finished());
  }

  TEST_CASE("a body that goes on after a pause is still too long") {
    Application app;
    StagedCaller caller;
    caller.upload = "abcdef";
    CHECK(app.ask(post(6), caller) == kPlainHead + "abcdef");
    CHECK(caller.story() == "- |  | open");
    CHECK(heard_of(app, caller, "g").empty());
    CHECK(caller.story() == "- |  | closed");
  }

  TEST_CASE("a body whose end is told after its last byte is whole") {
    Application app;
    StagedCaller caller;
    caller.upload = "abcdef";
    app.ask(post(6), caller);
    CHECK(heard_of(app, caller, "", true).empty());
    app.say(kEmpty);
    CHECK(caller.has_ended);
    CHECK(app.session->can_call());
  }

  TEST_CASE("a body of its full length is whole for the server, whose answer ends the call") {
    Application app;
    StagedCaller caller;
    caller.upload = "abcdef";
    app.ask(post(6), caller);
    app.say(kEmpty);
    CHECK(caller.has_ended);
    CHECK(app.session->can_call());
  }

  TEST_CASE("a caller that has nothing is not asked again before it wakes the session") {
    Application app;
    StagedCaller caller;
    int asked = 0;
    caller.also = [&](Moment moment) { asked += moment == Moment::ready ? 1 : 0; };
    app.ask(post(), caller);
    CHECK(asked == 1);
    const int flushes = app.flushes;
    caller.call->wake();
    CHECK(app.flushes == flushes + 1);
  }

  TEST_CASE("to wake a session whose request is sent costs nothing") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    const int flushes = app.flushes;
    caller.call->wake();
    CHECK(app.flushes == flushes);
  }
}

TEST_SUITE("HTTP/1.1 answers that come early") {
  TEST_CASE("the answer is given, and the connection ends with the rest of the body unsent") {
    for (const bool is_chunked : {false, true}) {
      Application app;
      StagedCaller caller;
      caller.upload = "abc";
      app.ask(is_chunked ? post() : post(6), caller);
      bool could_call = true;
      caller.also = [&](Moment moment) {
        if (moment == Moment::end) could_call = app.session->can_call();
      };
      app.say("HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nno\n");
      CHECK(caller.story() == "413 (3) | no\n | end");
      CHECK_FALSE(could_call);
      CHECK(app.session->is_finished());
      CHECK(app.hear().empty());
      CHECK(app.counters.early.value() == 1);
    }
  }

  TEST_CASE("an answer that goes on beside the body does not end it") {
    Application app;
    StagedCaller caller;
    app.ask(post(), caller);
    app.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    CHECK(heard_of(app, caller, "xyz") == "3\r\nxyz\r\n");
    app.say("1\r\nb\r\n");
    CHECK(heard_of(app, caller, "", true) == "0\r\n\r\n");
    app.say("0\r\n\r\n");
    CHECK(caller.story() == "200 | ab | end");
    CHECK(app.session->can_call());
  }

  TEST_CASE("a head of 1xx is no answer: the body goes on") {
    Application app;
    StagedCaller caller;
    app.ask(post(6), caller);
    app.say("HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(heard_of(app, caller, "abcdef", true) == "abcdef");
    app.say(kEmpty);
    CHECK(caller.story() == "204 |  | end");
  }
}

}  // namespace
}  // namespace sluice::h1
