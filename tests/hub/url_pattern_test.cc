#include "gateway/hub/url_pattern.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::hub {
namespace {

constexpr std::string_view kHub = "https://hub.example/.well-known/mercure";

Url url_of(std::string_view text, const Url* base = nullptr) {
  auto url = Url::parse(text, base);
  CAPTURE(text);
  REQUIRE(url);
  return *url;
}

bool matches(std::string_view pattern, std::string_view topic, std::string_view base = kHub) {
  const Url parent = url_of(base);
  const auto parsed = UrlPattern::parse(pattern, &parent);
  CAPTURE(pattern);
  if (!parsed) FAIL(parsed.error().what);
  return parsed->matches(url_of(topic, &parent));
}

/// The sentence that refuses it; empty when it is a pattern.
std::string fault_of(std::string_view pattern) {
  const Url hub = url_of(kHub);
  const auto parsed = UrlPattern::parse(pattern, &hub);
  return parsed ? "" : parsed.error().what;
}

bool is_refused(std::string_view pattern, std::string_view reason = "") {
  const std::string fault = fault_of(pattern);
  CAPTURE(fault);
  return !fault.empty() && fault.find(reason) != std::string::npos;
}

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

/// One line of the tables below: a path's pattern and a path, both of one origin.
struct Case {
  std::string_view pattern;
  std::string_view path;
  bool is_match;
};

void check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.pattern);
    CAPTURE(one.path);
    CHECK(matches(one.pattern, one.path) == one.is_match);
  }
}

TEST_SUITE("URL patterns: paths") {
  TEST_CASE("a path without groups matches itself") {
    check({{"/foo/bar", "/foo/bar", true},
           {"/foo/bar", "/foo/ba", false},
           {"/foo/bar", "/foo/bar/", false},
           {"/foo/bar", "/foo/bar/baz", false},
           {"/foo/bar", "/Foo/bar", false},
           {"/foo/bar", "/foo/./x/../bar", true},
           {"/foo/../bar", "/bar", true}});
  }

  TEST_CASE(":name is one segment, and not empty") {
    check({{"/foo/:bar", "/foo/bar", true},
           {"/foo/:bar", "/foo/index.html", true},
           {"/foo/:bar", "/foo/bar/", false},
           {"/foo/:bar", "/foo/", false},
           {"/:a/:b", "/x/y", true},
           {"/:a/:b", "/x/y/z", false},
           {"/:name.html", "/foo.html", true},
           {"/:name.html", "/foo.htm", false},
           {"/:caf\xC3\xA9", "/foo", true},
           {"/:foo\\bar", "/bazbar", true},
           {"/:foo..", "/bar..", true}});
  }

  TEST_CASE("* is anything, also nothing") {
    check({{"/foo/*", "/foo/bar", true},
           {"/foo/*", "/foo/bar/baz", true},
           {"/foo/*", "/foo/", true},
           {"/foo/*", "/foo", false},
           {"/*/b/*", "/a/c/b/d", true},
           {"/*/b/*", "/a/c/d", false},
           {"*//*", "/foo/bar", false}});
  }

  TEST_CASE("a group may be optional, with the slash before it") {
    check({{"/foo/:bar?", "/foo/bar", true},
           {"/foo/:bar?", "/foo", true},
           {"/foo/:bar?", "/foo/", false},
           {"/foo/:bar?", "/foobar", false},
           {"/foo/:bar?", "/foo/bar/baz", false},
           {"/foo/*?", "/foo", true},
           {"/foo/*?", "/foo/bar/baz", true},
           {"/foo/*?", "/fo", false}});
  }

  TEST_CASE("a group may be repeated, with the slash before it") {
    check({{"/foo/:bar+", "/foo/bar", true},
           {"/foo/:bar+", "/foo/bar/baz", true},
           {"/foo/:bar+", "/foo", false},
           {"/foo/:bar+", "/foo/", false},
           {"/foo/:bar*", "/foo/bar/baz", true},
           {"/foo/:bar*", "/foo", true},
           {"/foo/:bar*", "/foobar", false},
           {"/foo/**", "/foo", true},
           {"/foo/*+", "/foo/", true},
           {"/foo/*+", "/foo", false}});
  }

  TEST_CASE("braces hold together what a modifier is for") {
    check({{"/foo{/bar}", "/foo/bar", true},
           {"/foo{/bar}", "/foo", false},
           {"/foo{/bar}?", "/foo", true},
           {"/foo{/bar}?", "/foo/bar", true},
           {"/foo{/bar}?", "/foo/", false},
           {"/foo{/bar}+", "/foo/bar/bar", true},
           {"/foo{/bar}+", "/foo/bar/baz", false},
           {"/foo{/bar}+", "/foo", false},
           {"/foo{/bar}*", "/foo", true},
           {"/products/{:id}?", "/products/", true},
           {"/products/{:id}?", "/products", false},
           {"/a{-:b-}+c", "/a-x-c", true},
           {"/a{-:b-}+c", "/a-x--y-c", true},
           {"/a{-:b-}+c", "/ac", false}});
  }

  TEST_CASE("(…) is a regular expression for the whole group") {
    check({{"/foo/(.*)", "/foo/a/b", true},
           {"/foo/([^\\/]+?)", "/foo/bar", true},
           {"/foo/([^\\/]+?)", "/foo/bar/baz", false},
           {"/blog/:year(\\d+)/:month(\\d\\d)", "/blog/2012/02", true},
           {"/blog/:year(\\d+)/:month(\\d\\d)", "/blog/2012/2", false},
           {"/(a|b)/c", "/b/c", true},
           {"/(a|b)/c", "/a", false},
           {"/x/(foo)?-(.*)", "/x-baz", true},
           {"/x/(foo)?-(.*)", "/x/-baz", false},
           {"/(a(?:b|c)+)", "/abcb", true},
           {"/([a-z]{2,3})", "/abcd", false},
           {"/([a-z]{2,3})", "/abc", true},
           {"/([\\]\\-x])", "/-", true}});
  }

  TEST_CASE("text is compared as a URL has it, escaped or not") {
    check({{"/caf\xC3\xA9", "/caf%C3%A9", true},
           {"/caf%C3%A9/*", "/caf\xC3\xA9/x", true},
           {"/caf%c3%a9", "/caf\xC3\xA9", false},
           {"/a b", "/a%20b", true},
           {"/foo!", "/foo!", true},
           {"/foo{\\:}", "/foo:", true},
           {"/foo\\{", "/foo{", true},
           {"/foo\\(", "/foo(", true},
           {"/a.b\\+/*", "/a.b+/x", true},
           {"/a.b\\+/*", "/axb/x", false},
           {"/a[b]/*", "/a[b]/x", true}});
  }
}

TEST_SUITE("URL patterns: whole URLs") {
  TEST_CASE("the examples of the standard") {
    const std::string_view one = "https://example.com/:category/*";
    CHECK(matches(one, "https://example.com/products/"));
    CHECK(matches(one, "https://example.com/blog/our-greatest-product-ever"));
    CHECK_FALSE(matches(one, "https://example.com/"));
    CHECK_FALSE(matches(one, "http://example.com/products/"));
    CHECK_FALSE(matches(one, "https://example.com:8443/blog/our-greatest-product-ever"));

    const std::string_view two =
        "http{s}?://{:subdomain.}?shop.example/products/:id([0-9]+)#reviews";
    CHECK(matches(two, "https://shop.example/products/74205#reviews"));
    CHECK(matches(two, "https://kathryn@voyager.shop.example/products/74656#reviews"));
    CHECK(matches(two, "http://insecure.shop.example/products/1701#reviews"));
    CHECK_FALSE(matches(two, "https://shop.example/products/2000"));
    CHECK_FALSE(matches(two, "http://shop.example:8080/products/0#reviews"));
    CHECK_FALSE(matches(two, "https://nx.shop.example/products/01?speed=5#reviews"));
    CHECK_FALSE(matches(two, "https://shop.example/products/chair#reviews"));

    const std::string_view three = "../admin/*";
    const std::string_view base = "https://discussion.example/forum/?page=2";
    CHECK(matches(three, "https://discussion.example/admin/", base));
    CHECK(matches(three, "https://edd:librarian@discussion.example/admin/update?id=1", base));
    CHECK_FALSE(matches(three, "https://discussion.example/forum/admin/", base));
    CHECK_FALSE(matches(three, "http://discussion.example:8080/admin/update?id=1", base));
  }

  TEST_CASE("what comes behind the last component is anything, what is jumped over is empty") {
    CHECK(matches("https://example.com", "https://example.com/a/b?c#d"));
    CHECK(matches("https://example.com/a", "https://example.com/a?c#d"));
    CHECK_FALSE(matches("https://example.com#d", "https://example.com/a#d"));
    CHECK(matches("https://example.com#d", "https://example.com/#d"));
    CHECK_FALSE(matches("https://example.com#d", "https://example.com/?c#d"));
    CHECK(matches("https://example.com?foo", "https://example.com/?foo"));
    CHECK(matches("https://example.com:8080?foo", "https://example.com:8080/?foo#x"));
    CHECK_FALSE(matches("https://example.com/", "https://example.com/a"));
  }

  TEST_CASE("a '?' behind a group is its modifier, unless it is escaped") {
    CHECK_FALSE(matches("https://example.com/*?foo", "https://example.com/?foo"));
    CHECK(matches("https://example.com/*\\?foo", "https://example.com/?foo"));
    CHECK_FALSE(matches("https://example.com/:name?foo", "https://example.com/bar?foo"));
    CHECK(matches("https://example.com/:name\\?foo", "https://example.com/bar?foo"));
    CHECK(matches("https://example.com/(bar)\\?foo", "https://example.com/bar?foo"));
    CHECK(matches("https://example.com/{bar}\\?foo", "https://example.com/bar?foo"));
  }

  TEST_CASE("a host without port means the default port") {
    CHECK_FALSE(matches("https://example.com/", "https://example.com:8080/"));
    CHECK(matches("https://example.com:443/", "https://example.com/"));
    CHECK(matches("https://*:*/a", "https://any.example:8080/a"));
    CHECK(matches("https://*:*/a", "https://any.example/a"));
    CHECK(matches("http://a.example:80{80}?/", "http://a.example:8080/"));
  }

  TEST_CASE("hosts have labels") {
    CHECK(matches("https://:sub.example.com/", "https://a.example.com/"));
    CHECK_FALSE(matches("https://:sub.example.com/", "https://a.b.example.com/"));
    CHECK(matches("https://{*.}?example.com/", "https://a.b.example.com/"));
    CHECK(matches("https://{*.}?example.com/", "https://example.com/"));
    CHECK_FALSE(matches("https://{*.}?example.com/", "https://badexample.com/"));
    CHECK(matches("HTTPS://EXAMPLE.com/*", "https://example.COM/x"));
    CHECK(matches("https://(sub.)?example.com/foo", "https://example.com/foo"));
    CHECK(matches("https://caf\xC3\xA9.example/*", "https://caf%C3%A9.example/x"));
  }

  TEST_CASE("addresses match in every form") {
    CHECK(matches("http://[\\:\\:1]/", "http://[::1]/"));
    CHECK(matches("http://[0\\:0\\:0\\:0\\:0\\:0\\:0\\:1]/", "http://[::1]/"));
    CHECK(matches("http://[\\:\\:1]:8080/", "http://[::1]:8080/"));
    CHECK(matches("http://[:address]/", "http://[::1]/"));
    CHECK(matches("http://[\\:\\:AB\\::num]/", "http://[::ab:1]/"));
    CHECK(matches("http://0x7f.1/", "http://127.0.0.1/"));
  }

  TEST_CASE("a login matters only if the pattern has one") {
    CHECK(matches("https://example.com/", "https://user:pass@example.com/"));
    CHECK(matches("https://foo\\:bar@example.com", "https://foo:bar@example.com"));
    CHECK(matches("https://foo@example.com", "https://foo@example.com"));
    CHECK_FALSE(matches("https://foo@example.com", "https://bar@example.com"));
    CHECK(matches("https://\\:bar@example.com", "https://:bar@example.com"));
    CHECK(matches("https://:user::pass@example.com", "https://foo:bar@example.com"));
    CHECK_FALSE(matches("https://foo{\\:}bar@example.com", "https://foo:bar@example.com"));
  }

  TEST_CASE("the scheme decides what a path is") {
    CHECK(matches("data\\:foobar", "data:foobar"));
    CHECK(matches("data\\:foo\\:bar@example.com", "data:foo:bar@example.com"));
    CHECK(matches("urn\\:isbn\\:*", "urn:isbn:0451450523"));
    CHECK_FALSE(matches("urn\\:isbn\\:*", "urn:issn:0451450523"));
    CHECK(matches("urn\\:isbn\\::id", "urn:isbn:a/b"));  // An opaque path has no segments.
    CHECK(matches("data\\:text/javascript,let x = 100/:tens?5;",
                  "data:text/javascript,let x = 100/5;"));
    CHECK(matches("file:///foo/bar", "file:///foo/bar"));
    CHECK(matches("data:", "data:"));
    CHECK(matches("foo://bar", "foo://bar"));
    CHECK(matches("foo://Bar/*", "foo://Bar/x"));
    CHECK_FALSE(matches("foo://bar", "foo://baz"));
    CHECK(matches("(https|wss)://example.com/*", "wss://example.com/x"));
  }
}

TEST_SUITE("URL patterns: relative ones") {
  TEST_CASE("patterns and topics are relative to the hub") {
    CHECK(matches("/books/:id", "https://hub.example/books/1"));
    CHECK_FALSE(matches("/books/:id", "https://other.example/books/1"));
    CHECK_FALSE(matches("/books/:id", "http://hub.example/books/1"));
    CHECK(matches("books/:id", "https://hub.example/.well-known/books/1"));
    CHECK(matches("news", "news"));
    CHECK(matches(":any", "news"));
    CHECK_FALSE(matches(":any", "/news"));
    CHECK(matches("https://hub.example/.well-known/:any", "news"));
  }

  TEST_CASE("from the base comes what stands before the first component") {
    const std::string_view base = "https://user:pw@example.com:8080/foo?bar#baz";
    CHECK(matches("?x", "https://example.com:8080/foo?x#y", base));
    CHECK_FALSE(matches("?x", "https://example.com:8080/fo?x", base));
    CHECK(matches("#x", "https://example.com:8080/foo?bar#x", base));
    CHECK_FALSE(matches("#x", "https://example.com:8080/foo#x", base));
    CHECK_FALSE(matches("/foo", "https://example.com/foo", base));
    CHECK(matches("/foo?bar#baz", "https://example.com:8080/foo?bar#baz", base));
    CHECK(matches("data{\\:}channel.html", "/.well-known/data:channel.html"));
  }

  TEST_CASE("signs of the base mean themselves") {
    CHECK(matches("#foo", "https://example.com/?q=*&v=?&hmm={}&umm=()#foo",
                  "https://example.com/?q=*&v=?&hmm={}&umm=()"));
    CHECK(matches("?foo", "https://example.com/a/+/b?foo", "https://example.com/a/+/b"));
    CHECK_FALSE(matches("?foo", "https://example.com/aa/b?foo", "https://example.com/a+/b"));
  }

  TEST_CASE("a path is relative to the base's folder, unless it begins with a slash") {
    const std::string_view base = "https://example.com/foo/x";
    CHECK(matches("b", "/foo/b", base));
    CHECK(matches("./b", "/foo/b", base));
    CHECK_FALSE(matches("{/bar}", "/foo/bar", base));
    CHECK(matches("{/bar}", "/bar", base));
    CHECK(matches("\\/bar", "/bar", base));
  }

  TEST_CASE("without a base a relative pattern is refused") {
    CHECK_FALSE(UrlPattern::parse("/foo", nullptr));
    CHECK_FALSE(UrlPattern::parse("example.com/foo", nullptr));
    CHECK(UrlPattern::parse("https://example.com/foo", nullptr));
  }
}

TEST_SUITE("URL patterns: what is refused") {
  TEST_CASE("a broken pattern is refused with a sentence that says where") {
    CHECK(is_refused("/foo{", "braces"));
    CHECK(is_refused("/foo}", "nothing before it"));
    CHECK(is_refused("/a{b{c}}", "braces"));
    CHECK(is_refused("/:id/:id", "stands twice"));
    CHECK(is_refused("/foo\\", "backslash"));
    CHECK(is_refused("/a+", "nothing before it"));
    CHECK(is_refused("/(", "a group"));
    CHECK(is_refused("/()", "a group"));
    CHECK(is_refused("/(?:a)", "a group"));
    CHECK(is_refused("/((a))", "a group"));
    CHECK(is_refused("/(caf\xC3\xA9)", "a group"));
    CHECK(is_refused("/a/\xC3", "UTF-8"));
    CHECK(is_refused("/a{:}", "a colon"));
    CHECK(fault_of("/:id/:id") ==
          "the pathname of the pattern: the name \"id\" stands twice in it");
  }

  TEST_CASE("the cases that the browsers refuse are refused") {
    for (const std::string_view pattern :
         {"data:foobar{", "https://{sub.}?example{.com/}foo", "https://{sub{.}}example.com/foo",
          "(caf\xC3\xA9)://foo", "https://foo{{@}}example.com", "https://foo{@example.com",
          "/(\\m)", "https://bad hostname/", "https://bad<hostname/", "https://bad|hostname/",
          "https://bad^hostname/", "https://a:99999/", "https://a:8b/", "http://[\\:\\:xY\\::num]/",
          "http://*\\:1]/", "1{a}://b"}) {
      CAPTURE(pattern);
      CHECK(is_refused(pattern));
    }
  }

  TEST_CASE("an expression that RE2 has not, or reads otherwise than JavaScript, is refused") {
    for (const std::string_view pattern :
         {"/(a(?=b))",   "/(a(?!b))", "/(a(?<=b))",    "/(a(?i:b))",      "/(a(?P<n>b))",
          "/(a(?<n>b))", "/(a\\1)",   "/(\\pL)",       "/(\\p{L})",       "/(a\\Z)",
          "/(\\Aa)",     "/(\\Qa)",   "/([[a-z]--a])", "/([\\d&&[0-1]])", "/([a)",
          "/([])",       "/(a**)",    "/(*a)",         "/(a{2)",          "/(a{,3})",
          "/(a])",       "/([z-a])",  "/(a{3,2})"}) {
      CAPTURE(pattern);
      CHECK(is_refused(pattern));
    }
    CHECK(is_refused("/([(?]x)|.*(?:y[)?])", "not opened"));  // Out of its group and in again.
  }
}

TEST_SUITE("URL patterns: hostile ones") {
  TEST_CASE("catastrophic expressions are linear here") {
    const std::string topic = "/" + std::string(20'000, 'a');
    CHECK_FALSE(matches("/((?:a+)+b)", topic));
    CHECK_FALSE(matches("/((?:a|a)*b)", topic));
    CHECK_FALSE(matches("/((?:a*)*(?:a*)*b)", topic));
    CHECK_FALSE(matches("/" + repeated("{a}?", 100) + repeated("a", 100) + "b", topic));
    CHECK_FALSE(matches("/" + repeated("*a", 100) + "*b", topic));
    CHECK(matches("/" + repeated("*a", 100), topic));
  }

  TEST_CASE("expressions that need much memory stay within it, and right") {
    const std::string pattern = "/((?:a|b)*a(?:a|b){200})";
    const std::string good = "/" + repeated("ab", 1000) + "a" + std::string(200, 'b');
    CHECK(matches(pattern, good));
    CHECK_FALSE(matches(pattern, "/" + std::string(2000, 'b') + std::string(200, 'b')));
    CHECK_FALSE(matches(pattern, "/b"));
  }

  TEST_CASE("what would be large when it is written out is refused") {
    CHECK(is_refused("/(a{513})", "too large"));
    CHECK(is_refused("/(a{99999999999999999999})", "too large"));
    CHECK(is_refused("/((?:a{100}){100})", "too large"));
    CHECK(is_refused("/((?:(?:(?:a{50}){50}){50}){50})", "too large"));
    CHECK(is_refused("/" + repeated("(a{400})", 2), "too large"));
    CHECK(is_refused("/(" + repeated("[^a]{1000}", 300) + ")", "too large"));
    CHECK(is_refused("/(" + repeated("a{0,1000}", 300) + ")", "too large"));
    CHECK(is_refused("/{" + std::string(3000, 'a') + "}?", ""));
    CHECK(fault_of("/(a{300})").empty());
  }

  TEST_CASE("4 KiB of one sign end in an answer") {
    for (const std::string_view sign :
         {"{", "}", "(", ")", "\\", ":",   "?",  "*",  "+",  "[",    "]",
          "@", "#", "/", ".", "a",  "(?:", "{}", "()", ":a", "/../", "\n"}) {
      CAPTURE(sign);
      const auto count = static_cast<int>(UrlPattern::kMaxLength / sign.size());
      const std::string pattern = repeated(sign, count);
      static_cast<void>(fault_of(pattern));
      static_cast<void>(fault_of("https://" + repeated(sign, count - 8)));
      static_cast<void>(fault_of("/(" + repeated(sign, count - 4) + ")"));
    }
    CHECK(is_refused(repeated("{", 4096), "braces"));
    CHECK(matches("/(" + repeated("(?:", 1000) + "a" + repeated(")", 1000) + ")", "/a"));
  }

  TEST_CASE("a pattern has at most 4096 bytes") {
    CHECK(fault_of("/" + std::string(4095, 'a')).empty());
    CHECK(is_refused("/" + std::string(4096, 'a'), "4097 bytes long"));
  }
}

}  // namespace
}  // namespace sluice::hub
