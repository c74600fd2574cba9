#include "gateway/hub/url.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice::hub {
namespace {

/// The parts as one text again: the serialisation of the standard, but for empty queries.
std::string href(const Url& url) {
  std::string result = url.protocol + ":";
  if (!url.hostname.empty() || url.protocol == "file") {
    result += "//" + url.username;
    if (!url.password.empty()) result += ":" + url.password;
    if (!url.username.empty() || !url.password.empty()) result += "@";
    result += url.hostname;
    if (!url.port.empty()) result += ":" + url.port;
  }
  result += url.pathname;
  if (!url.search.empty()) result += "?" + url.search;
  if (!url.hash.empty()) result += "#" + url.hash;
  return result;
}

std::string parsed(std::string_view text) {
  const auto url = Url::parse(text);
  return url ? href(*url) : "none";
}

std::string resolved(std::string_view text, std::string_view base) {
  const auto parent = Url::parse(base);
  REQUIRE(parent);
  const auto url = Url::parse(text, &*parent);
  return url ? href(*url) : "none";
}

constexpr std::string_view kHub = "https://hub.example/.well-known/mercure";

TEST_SUITE("URLs") {
  TEST_CASE("a URL is taken apart") {
    const auto url = Url::parse("https://user:pass@example.com:8080/a/b?c=d#e");
    REQUIRE(url);
    CHECK(url->protocol == "https");
    CHECK(url->username == "user");
    CHECK(url->password == "pass");
    CHECK(url->hostname == "example.com");
    CHECK(url->port == "8080");
    CHECK(url->pathname == "/a/b");
    CHECK(url->search == "c=d");
    CHECK(url->hash == "e");
    CHECK_FALSE(url->has_opaque_path);
  }

  TEST_CASE("scheme and host are lower-cased, nothing else") {
    CHECK(parsed("HTTPS://EXAMPLE.com/Path?Query#Hash") == "https://example.com/Path?Query#Hash");
    CHECK(parsed("Foo://Host/Path") == "foo://Host/Path");
  }

  TEST_CASE("the default port is dropped, and others lose their zeros") {
    CHECK(parsed("http://a:80/") == "http://a/");
    CHECK(parsed("https://a:443") == "https://a/");
    CHECK(parsed("wss://a:443") == "wss://a/");
    CHECK(parsed("ftp://a:21/x") == "ftp://a/x");
    CHECK(parsed("https://a:80/") == "https://a:80/");
    CHECK(parsed("http://a:00080/") == "http://a/");
    CHECK(parsed("http://a:/x") == "http://a/x");
    CHECK(parsed("foo://a:80/") == "foo://a:80/");
    CHECK(parsed("http://a:65536/") == "none");
    CHECK(parsed("http://a:8a/") == "none");
  }

  TEST_CASE("slashes of a special scheme may be backslashes, and any number of them") {
    CHECK(parsed("http:\\\\a\\b\\c") == "http://a/b/c");
    CHECK(parsed("http:a/b") == "http://a/b");
    CHECK(parsed("http:////a/b") == "http://a/b");
    CHECK(parsed("foo:\\\\a") == "foo:\\\\a");
    CHECK(parsed("foo://a\\b/") == "none");
  }

  TEST_CASE("dot segments are removed, also if they are escaped") {
    CHECK(parsed("http://a/b/./c/../d") == "http://a/b/d");
    CHECK(parsed("http://a/../../b") == "http://a/b");
    CHECK(parsed("http://a/b/..") == "http://a/");
    CHECK(parsed("http://a/b/.") == "http://a/b/");
    CHECK(parsed("http://a/b/%2E%2e/c/%2e") == "http://a/c/");
    CHECK(parsed("http://a/b/.%2e/c") == "http://a/c");
    CHECK(parsed("http://a/...") == "http://a/...");
    CHECK(parsed("http://a//b//..") == "http://a//b/");
  }

  TEST_CASE("each part escapes what may not stand in it") {
    CHECK(parsed("http://a/b c{d}\"`^?e f'\"#g h`i") ==
          "http://a/b%20c%7Bd%7D%22%60%5E?e%20f%27%22#g%20h%60i");
    CHECK(parsed("http://a/caf\xC3\xA9?\xC3\xA9#\xC3\xA9") == "http://a/caf%C3%A9?%C3%A9#%C3%A9");
    CHECK(parsed("http://u;s@r:p:w@a/") == "http://u%3Bs%40r:p%3Aw@a/");
    CHECK(parsed("foo:b c'") == "foo:b c'");
    CHECK(parsed("foo://a?'") == "foo://a?'");
    CHECK(parsed("http://a/%zz%4") == "http://a/%zz%4");
  }

  TEST_CASE("tabs and line ends are dropped, and blanks around the URL") {
    CHECK(parsed(" \t http://a/b\tc\r\nd ") == "http://a/bcd");
    CHECK(parsed("ht\ntp://a/") == "http://a/");
  }

  TEST_CASE("a path without slash is opaque") {
    const auto url = Url::parse("urn:isbn:0451450523?+q#f");
    REQUIRE(url);
    CHECK(url->has_opaque_path);
    CHECK(url->protocol == "urn");
    CHECK(url->pathname == "isbn:0451450523");
    CHECK(url->search == "+q");
    CHECK(parsed("mailto:a@b/../c") == "mailto:a@b/../c");
    CHECK(parsed("data:a #b") == "data:a%20#b");
  }

  TEST_CASE("an IPv4 address has one form") {
    CHECK(parsed("http://127.0.0.1/") == "http://127.0.0.1/");
    CHECK(parsed("http://0x7f.1/") == "http://127.0.0.1/");
    CHECK(parsed("http://2130706433/") == "http://127.0.0.1/");
    CHECK(parsed("http://0177.0.0.1./") == "http://127.0.0.1/");
    CHECK(parsed("http://1.2.3.256/") == "none");
    CHECK(parsed("http://4294967296/") == "none");
    CHECK(parsed("http://1.2.3.4.5/") == "none");
    CHECK(parsed("http://a.09/") == "none");
    CHECK(parsed("http://1.a/") == "http://1.a/");
  }

  TEST_CASE("an IPv6 address has one form") {
    CHECK(parsed("http://[::1]:8080/") == "http://[::1]:8080/");
    CHECK(parsed("http://[0:0:0:0:0:0:0:1]/") == "http://[::1]/");
    CHECK(parsed("http://[2001:DB8:0:0:1:0:0:0]/") == "http://[2001:db8:0:0:1::]/");
    CHECK(parsed("http://[1:0:2:3:4:5:6:7]/") == "http://[1:0:2:3:4:5:6:7]/");
    CHECK(parsed("http://[::]/") == "http://[::]/");
    CHECK(parsed("http://[::ffff:1.2.3.4]/") == "http://[::ffff:102:304]/");
    CHECK(parsed("http://[::1/") == "none");
    CHECK(parsed("http://[::g]/") == "none");
    CHECK(parsed("http://[::1]x/") == "none");
    CHECK(parsed("http://a]b/") == "none");
  }

  TEST_CASE("a host that is not ASCII is kept as escaped UTF-8") {
    CHECK(parsed("http://caf\xC3\xA9.example/") == "http://caf%C3%A9.example/");
    CHECK(parsed("http://caf%c3%a9.example/") == "http://caf%C3%A9.example/");
    CHECK(parsed("http://EX%41MPLE.com/") == "http://example.com/");
    CHECK(parsed("http://%ff/") == "none");
  }

  TEST_CASE("what is no URL is none") {
    for (const std::string_view text :
         {"", "news", "/a/b", "//a", "http://", "http:", "https://a b/", "http://a%2Fb/",
          "http://a<b/", "http://u@/", "http://:80/", "1a:b", ":a", "foo://a b/", "foo://:80/"}) {
      CAPTURE(text);
      CHECK(parsed(text) == "none");
    }
    CHECK(parsed("http://a/\xC3") == "none");
    CHECK(parsed(std::string_view("http://a\0b/", 11)) == "none");
  }

  TEST_CASE("a file has a host or none") {
    CHECK(parsed("file:///a/b") == "file:///a/b");
    CHECK(parsed("file://localhost/a") == "file:///a");
    CHECK(parsed("file://Host/a") == "file://host/a");
    CHECK(parsed("file:a") == "file:///a");
    CHECK(resolved("b", "file:///a/c") == "file:///a/b");
    CHECK(resolved("/b", "file://h/a/c") == "file://h/b");
  }
}

TEST_SUITE("relative URLs") {
  TEST_CASE("a name stands in the folder of the hub") {
    CHECK(resolved("news", kHub) == "https://hub.example/.well-known/news");
    CHECK(resolved("a/b", kHub) == "https://hub.example/.well-known/a/b");
    CHECK(resolved("./a", kHub) == "https://hub.example/.well-known/a");
    CHECK(resolved("../a", kHub) == "https://hub.example/a");
    CHECK(resolved("../../../a", kHub) == "https://hub.example/a");
  }

  TEST_CASE("a path, a host or a scheme replaces what comes behind it") {
    CHECK(resolved("/books/1", kHub) == "https://hub.example/books/1");
    CHECK(resolved("\\books", kHub) == "https://hub.example/books");
    CHECK(resolved("//other.example/x", kHub) == "https://other.example/x");
    CHECK(resolved("https:x", kHub) == "https://hub.example/.well-known/x");
    CHECK(resolved("http:x", kHub) == "http://x/");
    CHECK(resolved("urn:a:b", kHub) == "urn:a:b");
  }

  TEST_CASE("query and fragment replace their own") {
    const std::string_view base = "http://u:p@a:81/b/c?d#e";
    CHECK(resolved("", base) == "http://u:p@a:81/b/c?d");
    CHECK(resolved("?x", base) == "http://u:p@a:81/b/c?x");
    CHECK(resolved("#x", base) == "http://u:p@a:81/b/c?d#x");
    CHECK(resolved("x", base) == "http://u:p@a:81/b/x");
    CHECK(resolved("/", base) == "http://u:p@a:81/");
  }

  TEST_CASE("only a fragment is relative to an opaque path") {
    CHECK(resolved("#x", "urn:a:b#y") == "urn:a:b#x");
    CHECK(resolved("x", "urn:a:b") == "none");
    CHECK(resolved("/x", "urn:a:b") == "none");
  }

  TEST_CASE("schemes without rules of their own have relative paths, too") {
    CHECK(resolved("x", "foo://h/a/b") == "foo://h/a/x");
    CHECK(resolved("x", "foo://h") == "foo://h/x");
    CHECK(resolved("//i", "foo://h/a") == "foo://i");
    CHECK(resolved("..", "foo:/a/b/c") == "foo:/a/");
  }
}

}  // namespace
}  // namespace sluice::hub
