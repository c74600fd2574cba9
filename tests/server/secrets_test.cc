#include "gateway/server/secrets.h"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

const std::string kToken = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln-_A";

TEST_SUITE("secrets") {
  TEST_CASE("in the query are replaced, by their names in any spelling") {
    CHECK(without_secrets("topic=a&authorization=s3cret") == "topic=a&authorization=REDACTED");
    CHECK(without_secrets("access_token=s&x=1") == "access_token=REDACTED&x=1");
    CHECK(without_secrets("Access%5FToken=s") == "Access%5FToken=REDACTED");
    CHECK(without_secrets("x=1;api_key=s&KEY=s") == "x=1;api_key=REDACTED&KEY=REDACTED");
    CHECK(without_secrets("a%zz=s") == "a%zz=REDACTED");
  }

  TEST_CASE("have many names") {
    for (const char* name : {"pass", "password", "user[pass]", "user%5Bpassword%5D", "access_key",
                             "accessKey", "subscription-key", "Ocp-Apim-Subscription-Key", "otp",
                             "ticket", "code", "sid", "X-Amz-Signature", "client_secret", "jwt"}) {
      CAPTURE(name);
      const std::string begin = std::string("a=1&") + name + "=";
      CHECK(without_secrets(begin + "s3cret&b=2") == begin + "REDACTED&b=2");
    }
  }

  TEST_CASE("are not looked for where there are none") {
    for (const char* harmless :
         {"", "topic=a&topic=b&author=me&=&&", "pass", "passenger=2&country_code=de&tickets=3",
          "next=https%3A%2F%2Fa%2F%3Fpage%3D2%26q%3Da%2540b", "mail=me%40shop.example", "p=a/b@c",
          "discount=50%&x=%zz", "eyJ=1&x=eyJhbGciOiJIUzI1NiJ9"}) {
      CAPTURE(harmless);
      CHECK(without_secrets(harmless) == harmless);
    }
  }

  TEST_CASE("in a URL that is a value are replaced, however often it is escaped") {
    CHECK(without_secrets("redirect=https%3A%2F%2Fa%2F%3Ftoken%3Dzz&x=1") ==
          "redirect=https%3A%2F%2Fa%2F%3Ftoken%3DREDACTED&x=1");
    CHECK(without_secrets("u=/a?x=1%26sig%3Dzz%2526y&x=1") == "u=/a?x=1%26sig%3DREDACTED&x=1");
    CHECK(without_secrets("u=%252Fb%253Fpass%253Dzz") == "u=%252Fb%253Fpass%253DREDACTED");
    CHECK(without_secrets("https://a/?key=zz") == "https://a/?key=REDACTED");
    CHECK(without_secrets("u=token%3Dzz") == "u=token%3DREDACTED");
  }

  TEST_CASE("are who logs in there, too") {
    CHECK(without_secrets("u=https%3A%2F%2Fme%3Apw%40a%2Fb&x=1") == "u=https%3A%2F%2Fa%2Fb&x=1");
    CHECK(without_secrets("u=//me:p@w@a/b@c") == "u=//a/b@c");
  }

  TEST_CASE("in a referer are replaced, and its fragment is left out") {
    CHECK(url_without_secrets("https://me:pw@a.example/b@c?token=s&q=1#access_token=s") ==
          "https://a.example/b@c?token=REDACTED&q=1");
    CHECK(url_without_secrets("/a?token=s&u=//b") == "/a?token=REDACTED&u=//b");
    CHECK(url_without_secrets("https://a/reset/" + kToken + "/x") == "https://a/reset/REDACTED/x");
  }
}

TEST_SUITE("a JSON web token") {
  TEST_CASE("is replaced wherever it stands") {
    CHECK(without_tokens(kToken) == "REDACTED");
    CHECK(without_tokens("/a/" + kToken + "/b") == "/a/REDACTED/b");
    CHECK(without_tokens("{" + kToken + "}, {" + kToken + "}") == "{REDACTED}, {REDACTED}");
    CHECK(without_secrets(kToken) == "REDACTED");
    CHECK(without_secrets("t=" + kToken + "&x=1") == "t=REDACTED&x=1");
    CHECK(without_secrets("t=Bearer%20" + kToken) == "t=Bearer%20REDACTED");
    CHECK(without_secrets("t=Bearer+" + kToken) == "t=Bearer+REDACTED");
  }

  TEST_CASE("is known in any percent-encoding") {
    const std::string rest = kToken.substr(3);
    for (const char* begin : {"%65yJ", "e%79J", "ey%4a", "%65%79%4A", "%2565yJ"}) {
      CAPTURE(begin);
      CHECK(without_tokens("/a/" + (begin + rest) + "/b") == "/a/REDACTED/b");
    }
    CHECK(without_tokens("eyJhbGciOiJIUzI1NiJ9%2EeyJzdWIiOiJhZGEifQ%2ec2%6cn=") == "REDACTED=");
  }

  TEST_CASE("of which only the beginning came is one, too; its header alone is none") {
    CHECK(without_tokens(kToken.substr(0, 25)) == "REDACTED");
    CHECK(without_tokens("eyJhbGciOiJIUzI1NiJ9/x.js") == "eyJhbGciOiJIUzI1NiJ9/x.js");
    for (const char* other : {"", "e", "ey", "%", "%6", "%65", "eyj.a.b", "Eyj.a.b", "they.J.a"}) {
      CHECK(without_tokens(other) == other);
    }
  }

  TEST_CASE("takes no longer to find in a text that is made to look like many") {
    std::string many;
    for (int i = 0; i < 300'000; ++i) many += "eyJ";
    std::string escapes = "%";
    for (int i = 0; i < 300'000; ++i) escapes += "25";
    const auto begin = std::chrono::steady_clock::now();
    CHECK(without_tokens(many) == many);
    CHECK(without_secrets("a=" + escapes) == "a=" + escapes);
    // Each pair of beginnings compared would take hours.
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
  }
}

}  // namespace
}  // namespace sluice::server
