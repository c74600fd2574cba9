#include "gateway/http/forwarded.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::http {
namespace {

using Texts = std::vector<std::string>;

Networks networks(const Texts& texts) {
  return Networks::parse(texts).value();
}

/// A request by "http" to "inner:8080", from a proxy at 10.0.0.1; all of 10.0.0.0/8 is trusted.
Forwarded read(Headers headers, std::string_view peer = "10.0.0.1") {
  const Request request{.scheme = "http", .authority = "inner:8080", .headers = std::move(headers)};
  return read_forwarded(request, peer, networks({"10.0.0.0/8", "2001:db8::/32"}));
}

TEST_SUITE("Networks") {
  TEST_CASE("a network holds its addresses, in either family") {
    const Networks some = networks({"10.1.0.0/16", "192.0.2.1", "2001:db8:8000::/33", "::1"});
    for (const char* in : {"10.1.0.0", "10.1.255.255", "192.0.2.1", "2001:db8:8000::1",
                           "2001:db8:ffff::", "::1", "::ffff:10.1.2.3"}) {
      CAPTURE(in);
      CHECK(some.contains(in));
    }
    for (const char* out : {"10.2.0.0", "192.0.2.2", "2001:db8:7fff::", "::2", "::", "0.0.0.1"}) {
      CAPTURE(out);
      CHECK_FALSE(some.contains(out));
    }
  }

  TEST_CASE(
      "what is no address is in none, and no network holds all of both families by 0.0.0.0/0") {
    const Networks all = networks({"0.0.0.0/0"});
    CHECK(all.contains("203.0.113.9"));
    CHECK_FALSE(all.contains("2001:db8::1"));
    CHECK(networks({"::/0"}).contains("203.0.113.9"));
    for (const char* text : {"", "local", "10.0.0", "10.0.0.1:80", "[::1]", "010.0.0.1"}) {
      CHECK_FALSE(all.contains(text));
    }
    CHECK(networks({}).empty());
  }

  TEST_CASE("what is no network is quoted in the error") {
    for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "::/129",
                             "/8", "example.org", "10.0.0.0/8/8", "[::1]"}) {
      CAPTURE(text);
      const auto result = Networks::parse(Texts{"10.0.0.0/8", text});
      REQUIRE_FALSE(result.has_value());
      CHECK(result.error().what.find('"' + std::string(text) + '"') != std::string::npos);
    }
  }
}

TEST_SUITE("Forwarded") {
  TEST_CASE("without a proxy the client is the peer, whatever it says of itself") {
    const Forwarded forwarded = read({{"x-forwarded-for", "192.0.2.1"},
                                      {"x-forwarded-proto", "https"},
                                      {"x-forwarded-host", "bank.example"},
                                      {"forwarded", "for=192.0.2.1;proto=https"}},
                                     "198.51.100.7");
    CHECK(forwarded.client == "198.51.100.7");
    CHECK(forwarded.peer == "198.51.100.7");
    CHECK(forwarded.scheme == "http");
    CHECK(forwarded.host == "inner:8080");
    CHECK(forwarded.hops.empty());
  }

  TEST_CASE("a trusted proxy tells who the client is, what it used and what it asked") {
    const Forwarded forwarded = read({{"x-forwarded-for", "192.0.2.1"},
                                      {"x-forwarded-proto", "HTTPS"},
                                      {"x-forwarded-host", "app.example:444"}});
    CHECK(forwarded.client == "192.0.2.1");
    CHECK(forwarded.peer == "10.0.0.1");
    CHECK(forwarded.scheme == "https");
    CHECK(forwarded.host == "app.example:444");
    CHECK(forwarded.hops.empty());
  }

  TEST_CASE(
      "the client is the last that is not trusted: what stands before it, it may have made up") {
    const Forwarded forwarded = read({{"x-forwarded-for", "10.9.9.9, 1.1.1.1, 192.0.2.1, 10.0.0.3"},
                                      {"x-forwarded-for", "10.0.0.2"}});
    CHECK(forwarded.client == "192.0.2.1");
    CHECK(forwarded.hops == Texts{"10.0.0.3", "10.0.0.2"});
  }

  TEST_CASE("when all are trusted, the first of them is the client") {
    const Forwarded forwarded = read({{"x-forwarded-for", "10.0.0.4,10.0.0.3"}});
    CHECK(forwarded.client == "10.0.0.4");
    CHECK(forwarded.hops == Texts{"10.0.0.3"});
  }

  TEST_CASE("`forwarded` says the same in its own form") {
    const Forwarded forwarded =
        read({{"forwarded",
               "for=1.1.1.1, For=\"[2001:DB9::7]:4711\";Proto=https;host=\"a.example:1\""
               ";by=_x , for=10.0.0.2;proto=http;host=inner"}});
    CHECK(forwarded.client == "2001:db9::7");
    CHECK(forwarded.scheme == "https");
    CHECK(forwarded.host == "a.example:1");
    CHECK(forwarded.hops == Texts{"10.0.0.2"});
  }

  TEST_CASE("a client cannot speak through the field that its proxy does not write") {
    CHECK(read({{"forwarded", "for=1.1.1.1;host=evil"}, {"x-forwarded-for", "192.0.2.1"}}).client ==
          "192.0.2.1");
    CHECK(read({{"x-forwarded-host", "evil"}, {"forwarded", "for=192.0.2.1"}}).host ==
          "inner:8080");
  }

  TEST_CASE("schemes that are as many as the addresses go with them; else the last one counts") {
    CHECK(read({{"x-forwarded-for", "192.0.2.1, 10.0.0.2"}, {"x-forwarded-proto", "https, http"}})
              .scheme == "https");
    CHECK(read({{"x-forwarded-for", "192.0.2.1"}, {"x-forwarded-proto", "http, https"}}).scheme ==
          "https");
  }

  TEST_CASE("an address may have a port, brackets, or IPv6's form of an IPv4 address") {
    struct Row {
      std::string text, client;
    };
    for (const Row& row : std::vector<Row>{{"192.0.2.1:8080", "192.0.2.1"},
                                           {"2001:db9::1", "2001:db9::1"},
                                           {"[2001:db9::1]", "2001:db9::1"},
                                           {"[2001:DB9:0::1]:80", "2001:db9::1"},
                                           {"::ffff:192.0.2.1", "192.0.2.1"},
                                           {"\t192.0.2.1 ", "192.0.2.1"}}) {
      CAPTURE(row.text);
      CHECK(read({{"x-forwarded-for", row.text}}).client == row.client);
    }
  }

  TEST_CASE("where the chain is garbage, whoever told it is the client") {
    for (const char* text :
         {"", ",", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "1.2.3.4:x", "1.2.3.4:123456",
          "[::1", "::1]", "[::1]x", "a b", "\xff\xfe", "256.1.1.1", "01.2.3.4", "1.2.3.4;",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
      CAPTURE(text);
      CHECK(read({{"x-forwarded-for", text}}).client == "10.0.0.1");
      CHECK(read({{"x-forwarded-for", std::string("1.1.1.1,") + text + ",10.0.0.2"}}).client ==
            "10.0.0.2");
    }
    for (const char* text :
         {"", ";", "=", "for", "for=", "for=\"", "for=\"10.0.0.9", "for=\"1.1.1.1\\\"",
          "for=unknown", "proto=https", "for=1.1.1.1, for=\"10.0.0.2",
          "for=\"1.1.1.1, for=\"[2001:db8::9]\"", "for=1.1.1.1,"}) {
      CAPTURE(text);
      CHECK(read({{"forwarded", text}}).client == "10.0.0.1");
    }
  }

  TEST_CASE("a scheme or a host that can be none is not believed") {
    const Forwarded forwarded = read({{"x-forwarded-for", "192.0.2.1"},
                                      {"x-forwarded-proto", "javascript"},
                                      {"x-forwarded-host", "a.example/../\"x\""}});
    CHECK(forwarded.scheme == "http");
    CHECK(forwarded.host == "inner:8080");
  }

  TEST_CASE("no more than the last twenty addresses are looked at") {
    std::string chain = "192.0.2.1";
    for (int i = 1; i <= 30; ++i) chain += ", 10.0.1." + std::to_string(i);
    const Forwarded forwarded = read({{"x-forwarded-for", chain}});
    CHECK(forwarded.client == "10.0.1.11");
    CHECK(forwarded.hops.size() == kMaxHops - 1);
  }
}

}  // namespace
}  // namespace sluice::http
