#include "gateway/http/cookie.h"

#include <doctest/doctest.h>

namespace sluice::http {
namespace {

TEST_SUITE("cookies") {
  TEST_CASE("are found by their whole name, the first of several") {
    const Headers headers{{"cookie", "a=1; mercureAuthorization=abc.def; b=2; b=3"}};
    CHECK(cookie(headers, "mercureAuthorization") == "abc.def");
    CHECK(cookie(headers, "b") == "2");
    CHECK(cookie(headers, "a") == "1");
    CHECK_FALSE(cookie(headers, "Authorization"));
    CHECK_FALSE(cookie(headers, "mercureauthorization"));
    CHECK_FALSE(cookie({}, "a"));
  }

  TEST_CASE("may come in several fields, as HTTP/2 allows") {
    const Headers headers{{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}};
    CHECK(cookie(headers, "b") == "2");
  }

  TEST_CASE("lose blanks and quotes around them, and nothing else") {
    const Headers headers{{"cookie", " a = \"1 2\" ;b=x=y;;c; d="}};
    CHECK(cookie(headers, "a") == "1 2");
    CHECK(cookie(headers, "b") == "x=y");
    CHECK_FALSE(cookie(headers, "c"));
    CHECK(cookie(headers, "d") == "");
  }
}

}  // namespace
}  // namespace sluice::http
