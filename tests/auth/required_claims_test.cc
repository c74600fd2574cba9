#include "gateway/auth/required_claims.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/auth/digest.h"
#include "gateway/base/base64.h"

namespace sluice::auth {
namespace {

/// Its signature has been looked at before.
std::string token_of(std::string_view payload) {
  return "e30." + base64url_encode(payload) + ".c2ln";
}

bool has(std::string_view payload, const std::vector<RequiredClaim>& required) {
  return check_claims(token_of(payload), required).has_value();
}

TEST_SUITE("Required claims") {
  TEST_CASE("a text must be equal") {
    CHECK(has(R"({"tenant":"a"})", {{"tenant", "a"}}));
    CHECK_FALSE(has(R"({"tenant":"ab"})", {{"tenant", "a"}}));
    CHECK_FALSE(has(R"({"tenant":"a b"})", {{"tenant", "a"}}));
  }

  TEST_CASE("an array must hold it") {
    CHECK(has(R"({"roles":["x","a"]})", {{"roles", "a"}}));
    CHECK_FALSE(has(R"({"roles":["x","ab"]})", {{"roles", "a"}}));
    CHECK_FALSE(has(R"({"roles":[["a"]]})", {{"roles", "a"}}));
  }

  TEST_CASE("of a scope it is one word") {
    CHECK(has(R"({"scope":"write read"})", {{"scope", "read"}}));
    CHECK(has(R"({"scp":["write","read"]})", {{"scp", "read"}}));
    CHECK_FALSE(has(R"({"scope":"reader"})", {{"scope", "read"}}));
    CHECK_FALSE(has(R"({"scope":""})", {{"scope", "read"}}));
  }

  TEST_CASE("all must be there, and of a kind that can be told") {
    CHECK_FALSE(has(R"({"scope":"read"})", {{"scope", "read"}, {"tenant", "a"}}));
    CHECK_FALSE(has(R"({"admin":true})", {{"admin", "true"}}));
    CHECK_FALSE(has(R"({"tenant":null})", {{"tenant", ""}}));
    CHECK(has(R"({})", {}));
  }

  TEST_CASE("the refusal says what is wrong with the claim, and no value of it") {
    const auto refusal = [](std::string_view payload) {
      const auto checked =
          check_claims(token_of(payload), std::vector<RequiredClaim>{{"tenant", "a"}});
      return checked ? std::string() : checked.error().what;
    };
    CHECK(refusal(R"({"sub":"b"})") == "the token has no claim \"tenant\"");
    CHECK(refusal(R"({"tenant":"b"})") ==
          "the token's claim \"tenant\" is not what this route wants");
    CHECK(refusal(R"({"tenant":["b"]})") == refusal(R"({"tenant":"b"})"));
    CHECK(refusal(R"({"tenant":7})") ==
          "the token's claim \"tenant\" is neither a text nor an array");
    CHECK(refusal(R"({"tenant":null})") == refusal(R"({"tenant":7})"));
  }

  TEST_CASE("what is no token fails") {
    const std::vector<RequiredClaim> required{{"a", "b"}};
    for (const std::string token : {"", "a.b", "a.!.c", "a.e30"}) {
      CHECK_FALSE(check_claims(token, required).has_value());
    }
  }
}

TEST_SUITE("Digest") {
  TEST_CASE("the same texts give the same, others another") {
    const auto digest_of = [](const std::vector<std::string>& texts) {
      Digest digest;
      for (const auto& text : texts) digest.add(text);
      return digest.finish();
    };
    CHECK(digest_of({"a", "b"}).size() == 32);
    CHECK(digest_of({"a", "b"}) == digest_of({"a", "b"}));
    CHECK(digest_of({"ab", ""}) != digest_of({"a", "b"}));
    CHECK(digest_of({"a", "b"}) != digest_of({"b", "a"}));
    CHECK(digest_of({"a1:b"}) != digest_of({"a", "b"}));
  }

  TEST_CASE("nothing is told apart from an empty text") {
    Digest digest;
    CHECK(digest.empty());
    digest.add("");
    CHECK_FALSE(digest.empty());
  }
}

}  // namespace
}  // namespace sluice::auth
