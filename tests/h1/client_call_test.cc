#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "tests/h1/application.h"

namespace sluice::h1 {
namespace {

constexpr std::string_view kEmpty = "HTTP/1.1 204 No Content\r\n\r\n";
constexpr std::string_view kStream =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

std::string chunk(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string size;
  for (std::size_t n = bytes.size(); n > 0; n /= 16) size.insert(size.begin(), kDigits[n % 16]);
  return size + "\r\n" + std::string(bytes) + "\r\n";
}

http::Outgoing with_method(std::string method) {
  http::Outgoing request = get();
  request.head.method = std::move(method);
  return request;
}

TEST_SUITE("HTTP/1.1 requests to an application") {
  TEST_CASE("a request leaves as it was given, behind its host") {
    Application app;
    StagedCaller caller;
    http::Outgoing request = get("/a%20b");
    request.head.query = "x=1";
    request.head.headers.add("accept", "text/event-stream");
    request.head.headers.add("cookie", "a=b");
    CHECK(app.ask(request, caller) ==
          "GET /a%20b?x=1 HTTP/1.1\r\nhost: app.test\r\naccept: text/event-stream\r\ncookie: "
          "a=b\r\n\r\n");
  }

  TEST_CASE("a POST, PUT or PATCH without a body says that it has none") {
    for (const char* method : {"POST", "PUT", "PATCH"}) {
      Application app;
      StagedCaller caller;
      CHECK(app.ask(with_method(method), caller) ==
            method + std::string(" / HTTP/1.1\r\nhost: app.test\r\ncontent-length: 0\r\n\r\n"));
    }
    for (const char* method : {"GET", "HEAD", "DELETE", "OPTIONS"}) {
      Application app;
      StagedCaller caller;
      CHECK(app.ask(with_method(method), caller) ==
            method + std::string(" / HTTP/1.1\r\nhost: app.test\r\n\r\n"));
    }
  }

  TEST_CASE("no field can frame the request, or begin another") {
    Application app;
    StagedCaller caller;
    http::Outgoing request = get();
    for (const char* name :
         {"host", "content-length", "transfer-encoding", "connection", "keep-alive",
          "proxy-connection", "te", "trailer", "upgrade", "", "a b", "a:", "a\r\nb"}) {
      request.head.headers.add(name, "5");
    }
    request.head.headers.add("x", "1\r\nevil: 2");
    request.head.headers.add("x", "1\nevil: 2");
    request.head.headers.add("x", std::string("1\0", 2));
    CHECK(app.ask(request, caller) == "GET / HTTP/1.1\r\nhost: app.test\r\n\r\n");
  }

  TEST_CASE("a request line that would be read as something else never leaves") {
    std::vector<http::Outgoing> requests(6, get());
    requests[0].head.path = "/ HTTP/1.1\r\nhost: evil\r\n\r\n";
    requests[1].head.query = "a b";
    requests[2].head.authority = "a\r\nx: y";
    requests[3].head.method = "GET /";
    requests[4].head.path = "http://evil/";
    requests[5].head.path = "/\x7F";
    for (const http::Outgoing& request : requests) {
      Application app;
      StagedCaller caller;
      CHECK(app.ask(request, caller).empty());
      CHECK(caller.story() == "- |  | malformed");
      CHECK(app.session->is_finished());
    }
  }
}

TEST_SUITE("HTTP/1.1 calls") {
  TEST_CASE("an event stream comes piece by piece, as it was sent") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    app.say(kStream);
    CHECK(caller.story() == "200 content-type=text/event-stream |  | open");
    app.say(chunk("data: 1\n\n"));
    CHECK(caller.body == "data: 1\n\n");
    app.say(chunk("data: 2\n\n") + "0\r\n\r\n");
    CHECK(caller.story() == "200 content-type=text/event-stream | data: 1\n\ndata: 2\n\n | end");
  }

  TEST_CASE("calls follow each other on one connection") {
    Application app;
    for (int i = 0; i < 3; ++i) {
      StagedCaller caller;
      CHECK(app.session->can_call());
      CHECK_FALSE(app.ask(get(), caller).empty());
      CHECK_FALSE(app.session->can_call());
      CHECK(app.session->open_calls() == 1);
      app.say("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na");
      CHECK(caller.story() == "200 (1) | a | end");
      CHECK(app.session->open_calls() == 0);
    }
    CHECK(app.session->calls_made() == 3);
    CHECK(app.counters.reused.value() == 2);
    CHECK_FALSE(app.session->is_spent());
  }

  TEST_CASE("answers in chunks follow each other, each from its own beginning") {
    Application app;
    for (int i = 0; i < 2; ++i) {
      StagedCaller caller;
      app.ask(get(), caller);
      app.say(std::string(kStream) + chunk("a") + "0\r\n\r\n");
      CHECK(caller.story().ends_with("| a | end"));
    }
  }

  TEST_CASE("the owner hears once that a call has ended, and may make the next from there") {
    Application app;
    StagedCaller first;
    StagedCaller second;
    app.ask(get("/1"), first);
    app.on_change_also = [&] {
      if (app.session->calls_made() == 1) app.call(get("/2"), second);
    };
    app.say(kEmpty);
    CHECK(app.changes == 1);
    CHECK(app.hear() == "GET /2 HTTP/1.1\r\nhost: app.test\r\n\r\n");
    app.say("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na", 1);
    CHECK(second.story() == "200 (1) | a | end");
  }

  TEST_CASE("a caller may make the next call from inside the end of its own") {
    for (const std::string_view answer :
         {kEmpty, std::string_view("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na"),
          std::string_view("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")}) {
      Application app;
      StagedCaller first;
      StagedCaller second;
      first.also = [&](Moment moment) {
        if (moment == Moment::end) app.call(get("/2"), second);
      };
      app.ask(get("/1"), first);
      app.say(answer);
      CHECK(app.hear() == "GET /2 HTTP/1.1\r\nhost: app.test\r\n\r\n");
      app.say(answer);
      CHECK(second.has_ended);
    }
  }

  TEST_CASE("a server that asks for it gets no other call") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    app.say("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n");
    CHECK(app.session->is_spent());
    CHECK_FALSE(app.session->is_finished());
    app.say("a");
    CHECK(caller.has_ended);
    CHECK(app.session->is_finished());
  }

  TEST_CASE("bytes on an idle connection end it") {
    Application app;
    app.say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    CHECK(app.session->is_finished());
    CHECK(app.counters.strays.value() == 1);
    CHECK(app.changes == 1);
  }

  TEST_CASE("an answer that comes before its request leaves is nobody's") {
    Application app;
    StagedCaller caller;
    app.call(get(), caller);
    app.say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    CHECK(caller.story() == "- |  | closed, untouched");
    CHECK(app.counters.strays.value() == 1);
    CHECK(app.hear().empty());
  }

  TEST_CASE("an answer behind the one that was asked for is not kept for the next call") {
    Application app;
    StagedCaller first;
    bool could_call = true;
    first.also = [&](Moment moment) {
      if (moment == Moment::end) could_call = app.session->can_call();
    };
    app.ask(get(), first);
    app.say(std::string(kEmpty) + std::string(kEmpty));
    CHECK(first.has_ended);
    CHECK_FALSE(could_call);
    CHECK(app.session->is_finished());
    CHECK(app.counters.strays.value() == 1);
  }

  TEST_CASE("a connection that ends before the request leaves may have the call again") {
    Application app;
    StagedCaller caller;
    app.call(get(), caller);
    app.leave();
    CHECK(caller.story() == "- |  | closed, untouched");
  }

  TEST_CASE("once a byte of the request has left, nobody knows whether it was acted on") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    app.leave();
    CHECK(caller.story() == "- |  | closed");
    CHECK(app.counters.failures.value() == 1);
    CHECK(app.counters.malformed.value() == 0);
  }

  TEST_CASE("a session that is destroyed fails its call, and tells its owner last") {
    Application app;
    StagedCaller caller;
    caller.also = [&](Moment moment) {
      if (moment == Moment::failure) CHECK(app.gone == 0);
    };
    app.ask(get(), caller);
    app.say("HTTP/1.1 200 OK\r\n\r\nhalf of it");
    const int flushes = app.flushes;
    app.session.reset();
    CHECK(app.flushes == flushes);  // There is nothing left to flush.
    CHECK(caller.story() == "200 | half of it | closed");
    CHECK(app.gone == 1);
    CHECK(app.counters.open_calls.value() == 0);
  }

  TEST_CASE("an idle connection that the server closes is finished, and its owner knows") {
    Application app;
    app.leave();
    CHECK(app.session->is_finished());
    CHECK(app.session->is_spent());
    CHECK(app.changes == 1);
  }
}

TEST_SUITE("HTTP/1.1 calls that are cancelled") {
  TEST_CASE("the connection ends at once") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    app.say(kStream);
    const int flushes = app.flushes;
    caller.cancel();
    CHECK(app.session->is_finished());
    CHECK(app.session->open_calls() == 0);
    CHECK(app.flushes > flushes);
    CHECK(app.changes == 0);  // Not from inside cancel().
    CHECK(app.hear().empty());
    CHECK(app.changes == 1);
    app.session->feed(std::as_bytes(std::span(std::string_view("5\r\nhello\r\n"))));
    app.leave();
    app.session.reset();
    CHECK(caller.story() == "200 content-type=text/event-stream |  | open");
  }

  TEST_CASE("a call may be cancelled before its request leaves") {
    Application app;
    StagedCaller caller;
    app.call(get(), caller);
    caller.cancel();
    CHECK(app.hear().empty());
    CHECK(app.session->is_finished());
  }

  TEST_CASE("a caller may cancel from inside whatever is called of it") {
    for (const Moment when : {Moment::ready, Moment::take, Moment::head, Moment::body}) {
      for (const bool is_chunked : {false, true}) {
        Application app;
        StagedCaller caller;
        caller.upload = "abc";
        caller.also = [&](Moment moment) {
          if (moment == when) caller.cancel();
        };
        app.ask(is_chunked ? post() : post(6), caller);
        app.say(std::string(kStream) + chunk("a") + chunk("b") + "0\r\n\r\n");
        CHECK(caller.was_cancelled);
        CHECK(app.session->is_finished());
        CHECK(caller.body == (when == Moment::body ? "a" : ""));
        CHECK(app.counters.open_calls.value() == 0);
      }
    }
  }

  TEST_CASE("a caller may cancel an answer whose last bytes it is being given") {
    for (const std::string_view answer :
         {"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
          "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"}) {
      Application app;
      StagedCaller caller;
      caller.also = [&](Moment moment) {
        if (moment == Moment::body) caller.cancel();
      };
      app.ask(get(), caller);
      app.say(answer);
      CHECK(caller.story().ends_with("| a | open"));
    }
  }

  TEST_CASE("a caller may cancel at the head of an answer that has no body") {
    Application app;
    StagedCaller caller;
    caller.also = [&](Moment /*moment*/) { caller.cancel(); };
    app.ask(get(), caller);
    app.say(kEmpty);
    CHECK(caller.story() == "204 |  | open");
    CHECK(app.session->is_finished());
  }
}

TEST_SUITE("HTTP/1.1 connections that are done") {
  TEST_CASE("one that nobody uses is closed before its server closes it") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    app.say(kEmpty);
    app.pass(std::chrono::milliseconds(3999));
    CHECK_FALSE(app.session->is_finished());
    app.pass(std::chrono::milliseconds(1));
    CHECK(app.session->is_finished());
    CHECK(app.counters.idle_timeouts.value() == 1);
    CHECK(app.changes == 2);  // The call's end, and this.
  }

  TEST_CASE("a call that is open has all the time that its caller gives it") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    app.pass(std::chrono::hours(1));
    CHECK_FALSE(app.session->is_finished());
    app.say(kEmpty);
    app.pass(std::chrono::milliseconds(3999));
    CHECK_FALSE(app.session->is_finished());
    app.pass(std::chrono::milliseconds(1));
    CHECK(app.session->is_finished());
  }

  TEST_CASE("one that is retired ends with its call") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    app.session->retire();
    CHECK(app.session->is_spent());
    CHECK_FALSE(app.session->is_finished());
    app.say(kEmpty);
    CHECK(caller.has_ended);
    CHECK(app.session->is_finished());
  }

  TEST_CASE("one that is retired while it is idle ends at once") {
    Application app;
    app.session->retire();
    CHECK(app.session->is_finished());
    CHECK(app.flushes > 0);
    app.hear();
    CHECK(app.changes == 1);
  }

  TEST_CASE("a drain takes no more calls") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    app.session->drain_notice();
    app.session->drain_finish();
    app.say(kEmpty);
    CHECK(caller.has_ended);
    CHECK_FALSE(app.session->can_call());
    CHECK(app.session->is_finished());
  }
}

TEST_SUITE("HTTP/1.1 back-pressure towards an application") {
  TEST_CASE("bytes that nobody has dealt with stop the reading, and paying for them resumes it") {
    Application app({.unpaid_bytes = 100});
    StagedCaller caller;
    caller.pays = false;
    app.ask(get(), caller);
    app.say(std::string(kStream) + chunk(std::string(99, 'x')));
    CHECK(app.session->wants_read());
    app.say(chunk("x"));
    CHECK_FALSE(app.session->wants_read());
    const int flushes = app.flushes;
    caller.call->consume(1);
    CHECK(app.session->wants_read());
    CHECK(app.flushes == flushes + 1);
  }

  TEST_CASE("paying costs nothing while the reading goes on") {
    Application app;
    StagedCaller caller;
    app.ask(get(), caller);
    app.say(kStream);
    const int flushes = app.flushes;
    for (int i = 0; i < 100; ++i) app.say(chunk("data: x\n\n"));
    CHECK(app.flushes == flushes);
    CHECK(caller.body.size() == 900);
  }

  TEST_CASE("all that is fed is taken, however little is paid") {
    Application app({.unpaid_bytes = 100});
    StagedCaller caller;
    caller.pays = false;
    app.ask(get(), caller);
    app.say("HTTP/1.1 200 OK\r\ncontent-length: 32000\r\n\r\n" + std::string(32000, 'x'));
    CHECK(caller.body.size() == 32000);
    CHECK(caller.has_ended);
  }

  TEST_CASE("what one call did not pay does not stop the next") {
    Application app({.unpaid_bytes = 1});
    StagedCaller first;
    first.pays = false;
    app.ask(get(), first);
    app.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789");
    CHECK(app.session->wants_read());
    StagedCaller second;
    app.ask(get(), second);
    app.say(kEmpty);
    CHECK(second.has_ended);
  }
}

}  // namespace
}  // namespace sluice::h1
