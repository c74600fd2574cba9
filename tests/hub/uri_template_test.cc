#include "gateway/hub/uri_template.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/hub/selector.h"

namespace sluice::hub {
namespace {

bool matches(const std::string& text, std::string_view topic) {
  const auto parsed = UriTemplate::parse(text);
  REQUIRE(parsed);
  return parsed->matches(topic);
}

TEST_SUITE("URI templates") {
  TEST_CASE("{var} stands for unreserved characters and escapes, or nothing") {
    CHECK(matches("/books/{id}", "/books/17"));
    CHECK(matches("/books/{id}", "/books/a%20b"));
    CHECK(matches("/books/{id}", "/books/"));
    CHECK_FALSE(matches("/books/{id}", "/books/1/reviews"));
    CHECK_FALSE(matches("/books/{id}", "/films/1"));
    CHECK(matches("/books/{id}/reviews", "/books/1/reviews"));
  }

  TEST_CASE("{+var} and {#var} let reserved characters through") {
    CHECK(matches("/{+path}", "/a/b/c?d=e"));
    CHECK(matches("/page{#anchor}", "/page#part/1"));
    CHECK(matches("/page{#anchor}", "/page"));
    CHECK_FALSE(matches("/page{#anchor}", "/pagepart"));
  }

  TEST_CASE("{/var}, {.var}, {;var}, {?var} and {&var} begin with their sign, or are absent") {
    CHECK(matches("/x{/rest*}", "/x/a/b"));
    CHECK(matches("/x{/rest}", "/x"));
    CHECK_FALSE(matches("/x{/rest}", "/xa"));
    CHECK(matches("/x{.format}", "/x.json"));
    CHECK(matches("/x{;p}", "/x;p=1"));
    CHECK(matches("/x{?page,size}", "/x?page=2&size=10"));
    CHECK(matches("/x?fixed=1{&more}", "/x?fixed=1&more=2"));
    CHECK_FALSE(matches("/x{?page}", "/x&page=2"));
  }

  TEST_CASE("{var:n} takes at most n characters") {
    CHECK(matches("/{name:3}", "/abc"));
    CHECK_FALSE(matches("/{name:3}", "/abcd"));
  }

  TEST_CASE("several expressions in a row find every way to share the characters") {
    CHECK(matches("{a}-{b}", "x-y-z"));
    CHECK(matches("{+a}/{b}/end", "1/2/3/end"));
    CHECK_FALSE(matches("{a}/{b}", "1/2/3"));
  }

  TEST_CASE("what is not a template is none") {
    for (const char* text : {"", "plain", "{", "}", "{}", "a{b", "a}b", "{a{b}}", "{+}", "{a b}",
                             "{a:0}", "{a:10000}", "{a:x}", "{a:2*}", "{a,}"}) {
      CAPTURE(text);
      CHECK_FALSE(UriTemplate::parse(text));
    }
    CHECK_FALSE(UriTemplate::parse("{a:9999}"));  // Needs more steps than are allowed.
  }

  TEST_CASE("a hostile template costs no more than length times expressions, or is none") {
    std::string text;
    for (int i = 0; i < 32; ++i) text += "{+a}";
    CHECK_FALSE(matches(text + "!x", std::string(4000, '!')));
    CHECK_FALSE(UriTemplate::parse(text + "{+a}"));
    CHECK(matches("{a:250}b", std::string(250, 'a') + "b"));
  }
}

TEST_SUITE("selectors") {
  TEST_CASE("a selector matches itself, whatever it looks like") {
    CHECK(Selector("plain").matches("plain"));
    CHECK(Selector("/books/{id}").matches("/books/{id}"));
    CHECK(Selector("{broken").matches("{broken"));
    CHECK_FALSE(Selector("plain").matches("Plain"));
  }

  TEST_CASE("* matches every topic") {
    CHECK(Selector("*").matches("anything at all"));
  }

  TEST_CASE("a publisher needs a grant on every topic, a subscriber on one") {
    const std::vector<Selector> grants{Selector("a"), Selector("b/{x}")};
    CHECK(matches_all(grants, {"a", "b/1"}));
    CHECK_FALSE(matches_all(grants, {"a", "c"}));
    CHECK(matches_any(grants, {"a", "c"}));
    CHECK_FALSE(matches_any(grants, {"c"}));
  }
}

}  // namespace
}  // namespace sluice::hub
