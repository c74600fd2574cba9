#include "gateway/http/headers.h"

#include <chrono>

#include <doctest/doctest.h>

#include "gateway/http/date.h"
#include "gateway/http/message.h"

namespace sluice::http {
namespace {

TEST_SUITE("Headers") {
  TEST_CASE("a field is found by its name in lower case; the first one counts") {
    const Headers headers{{"accept", "text/html"}, {"cookie", "a"}, {"cookie", "b"}};
    REQUIRE(headers.find("cookie") != nullptr);
    CHECK(*headers.find("cookie") == "a");
    CHECK(headers.has("accept"));
    CHECK_FALSE(headers.has("origin"));
  }

  TEST_CASE("fields of one name join to a list") {
    const Headers headers{{"accept", "a"}, {"x", "y"}, {"accept", "b"}};
    CHECK(headers.joined("accept") == "a, b");
    CHECK(headers.joined("x") == "y");
    CHECK_FALSE(headers.joined("origin").has_value());
  }

  TEST_CASE("a field that is set takes the place of all of its name") {
    Headers headers{{"x", "1"}, {"a", "b"}, {"x", "2"}};
    headers.set("x", "3");
    CHECK(headers.joined("x") == "3");
    headers.remove("x");
    CHECK_FALSE(headers.has("x"));
    CHECK(headers.size() == 1);
  }

  TEST_CASE("a media type is accepted when the list names it, whatever its parameters and case") {
    constexpr std::string_view kStream = "text/event-stream";
    CHECK(accepts("text/event-stream", kStream));
    CHECK(accepts("text/html , Text/Event-Stream ;q=0.9", kStream));
    CHECK(accepts("*/*,text/event-stream", kStream));
    CHECK_FALSE(accepts("", kStream));
    CHECK_FALSE(accepts("*/*", kStream));
    CHECK_FALSE(accepts("text/event-streams", kStream));
    CHECK_FALSE(accepts("text/html;x=text/event-stream", kStream));
    CHECK_FALSE(accepts(",,;,", kStream));
  }
}

TEST_SUITE("a message's head") {
  TEST_CASE("a known status has a phrase, another has none") {
    CHECK(reason_phrase(200) == "OK");
    CHECK(reason_phrase(431) == "Request Header Fields Too Large");
    CHECK(reason_phrase(299).empty());
  }

  TEST_CASE("the date has the form that RFC 9110 prefers") {
    const WallTime example{std::chrono::seconds(784111777)};
    CHECK(http_date(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(http_date(example + std::chrono::milliseconds(999)) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(http_date(example + std::chrono::seconds(1)) == "Sun, 06 Nov 1994 08:49:38 GMT");
    CHECK(http_date(WallTime{}) == "Thu, 01 Jan 1970 00:00:00 GMT");
  }
}

}  // namespace
}  // namespace sluice::http
