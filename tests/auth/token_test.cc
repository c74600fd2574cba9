#include "gateway/auth/token.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/base64.h"

namespace sluice::auth {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

const std::string kSecret = "a-secret-of-32-bytes-or-more-for-tests";
const WallTime kNow{std::chrono::seconds(1'800'000'000)};
const Texts kNews{"https://example.com/news"};

Key key_with(std::string secret = kSecret, std::string id = "") {
  return {.algorithm = Algorithm::hs256, .id = std::move(id), .secret = std::move(secret)};
}

/// A token with these texts as header and payload, signed correctly.
std::string token_of(std::string_view header, std::string_view payload, const Key& key) {
  const std::string text = base64url_encode(header) + '.' + base64url_encode(payload);
  return text + '.' + base64url_encode(sign(key, text));
}

std::string with_payload(std::string_view payload) {
  return token_of(R"({"alg":"HS256","typ":"JWT"})", payload, key_with());
}
std::string with_header(std::string_view header) {
  return token_of(header, R"({"mercure":{"publish":["*"]}})", key_with());
}

Result<Grants> verified(std::string_view token, std::vector<Key> keys = {key_with()}) {
  return Verifier(std::move(keys)).verify(token, kNow);
}

/// Why a token is refused; "accepted" when it is not.
std::string refusal(std::string_view token, std::vector<Key> keys = {key_with()}) {
  const auto grants = verified(token, std::move(keys));
  if (grants) return "accepted";
  CHECK(grants.error().code == Errc::denied);
  return grants.error().what;
}

TEST_SUITE("Verifier") {
  TEST_CASE("a token that we minted gives the grants that it was minted with") {
    const auto token = mint(key_with(), {.publish = Texts{"*"},
                                         .subscribe = kNews,
                                         .expires = kNow + 1h,
                                         .not_before = kNow,
                                         .subject = "backend-7"});
    const auto grants = verified(token);
    REQUIRE(grants);
    CHECK(grants->publish == Texts{"*"});
    CHECK(grants->subscribe == kNews);
    CHECK(grants->subject == "backend-7");
    CHECK(grants->expires == kNow + 1h + 30s);
  }

  TEST_CASE("the example of RFC 7515 appendix A.1 has the signature that the RFC says") {
    const auto secret = base64url_decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    const std::string token =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
        "cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const Verifier verifier({key_with(*secret)});
    CHECK(verifier.verify(token, WallTime(1'300'819'000s)));
    CHECK(verifier.verify(token, kNow).error().what == "the token has expired");
  }

  TEST_CASE("a missing publish claim grants nothing, and an empty one grants nothing either") {
    const auto missing = verified(with_payload(R"({"mercure":{"subscribe":[]}})"));
    REQUIRE(missing);
    CHECK_FALSE(missing->may_publish);
    CHECK(missing->may_subscribe);
    CHECK(missing->subscribe.empty());
    CHECK_FALSE(verified(with_payload("{}"))->may_publish);
    CHECK_FALSE(verified(with_payload(R"({"mercure":{"publish":null}})"))->may_publish);
  }

  TEST_CASE("the grants may stand in the claim that has the protocol's address as its name") {
    const auto grants =
        verified(with_payload(R"({"mercure":{},"https://mercure.rocks/":{"publish":["a"]}})"));
    REQUIRE(grants);
    CHECK(grants->publish == Texts{"a"});
  }

  TEST_CASE("a token without an expiry stays valid") {
    CHECK_FALSE(verified(with_payload(R"({"mercure":{"publish":["*"]}})"))->expires);
  }

  TEST_CASE("expiry and start are taken with the leeway that clocks need") {
    const auto at = [](std::string_view name, WallTime time) {
      const auto seconds =
          std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch());
      return refusal(
          with_payload("{\"" + std::string(name) + "\":" + std::to_string(seconds.count()) + "}"));
    };
    CHECK(at("exp", kNow - 29s) == "accepted");
    CHECK(at("exp", kNow - 30s) == "the token has expired");
    CHECK(at("nbf", kNow + 30s) == "accepted");
    CHECK(at("nbf", kNow + 31s) == "the token is not valid yet");
  }

  TEST_CASE("a time may have a fraction, and may be absurdly far away") {
    CHECK(refusal(with_payload(R"({"exp":1800000000.75})")) == "accepted");
    CHECK(refusal(with_payload(R"({"exp":1e300})")) == "accepted");
    CHECK(refusal(with_payload(R"({"exp":18446744073709551615})")) == "accepted");
    CHECK(refusal(with_payload(R"({"nbf":1e300})")) == "the token is not valid yet");
  }

  TEST_CASE("a time that is none is refused") {
    CHECK(refusal(with_payload(R"({"exp":"1800000000"})")) == "\"exp\" of the token is not a time");
    CHECK(refusal(with_payload(R"({"exp":-1})")) == "\"exp\" of the token is not a time");
    CHECK(refusal(with_payload(R"({"exp":1e999})")) ==
          "the payload of the token is not a JSON object");
  }

  TEST_CASE("a changed payload, a changed signature and a foreign key are refused") {
    const std::string wrong = "the signature of the token is wrong";
    const std::string token = with_payload(R"({"mercure":{"publish":["a"]}})");
    const std::string other = with_payload(R"({"mercure":{"publish":["*"]}})");
    const std::string head = token.substr(0, token.find('.'));
    const std::string signature = token.substr(token.rfind('.'));
    const std::string payload = other.substr(head.size(), other.rfind('.') - head.size());
    CHECK(refusal(head + payload + signature) == wrong);
    CHECK(refusal(token.substr(0, token.rfind('.') + 1)) == wrong);
    CHECK(refusal(token, {key_with("another-secret-of-32-bytes-or-more")}) == wrong);
  }

  TEST_CASE("the algorithm is the key's: a token cannot choose another one, or none") {
    const std::string wrong = "the token's \"alg\" is not the algorithm of the key";
    for (const char* algorithm : {"none", "None", "hs256", "HS512", "RS256", ""}) {
      CHECK(refusal(with_header(std::string(R"({"alg":")") + algorithm + "\"}")) == wrong);
    }
    CHECK(refusal(with_header("{}")) == "the header of the token has no \"alg\"");
  }

  TEST_CASE("an extension that must be understood is not ignored") {
    CHECK(refusal(with_header(R"({"alg":"HS256","crit":["b64"],"b64":false})")) ==
          "the token asks for an extension (\"crit\") that is not supported");
  }

  TEST_CASE("a name that occurs twice is refused, whatever comes last") {
    CHECK(refusal(with_header(R"({"alg":"none","alg":"HS256"})")) ==
          "the header of the token has a name twice");
    CHECK(refusal(with_payload(R"({"mercure":{"publish":[],"publish":["*"]}})")) ==
          "the payload of the token has a name twice");
    CHECK(refusal(with_payload(R"({"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]})")) ==
          "accepted");
  }

  TEST_CASE("a token finds its key by id, and a key without an id answers to every one") {
    const auto old_key = key_with("the-old-secret-of-32-bytes-or-more", "2025");
    const auto new_key = key_with("the-new-secret-of-32-bytes-or-more", "2026");
    const auto token = mint(old_key, {});
    CHECK(refusal(token, {new_key, old_key}) == "accepted");
    CHECK(refusal(token, {new_key}) == "the token names a key (\"kid\") that is not known");
    CHECK(refusal(token, {key_with(old_key.secret)}) == "accepted");
    CHECK(refusal(with_payload("{}"), {new_key, key_with(kSecret, "2027")}) == "accepted");
  }

  TEST_CASE("without keys nothing is accepted, and the message says why") {
    CHECK(refusal(with_payload("{}"), {}) == "no key is configured to verify tokens with");
  }

  TEST_CASE("what is not a token is refused with a sentence") {
    CHECK(refusal("") == "the token does not have three parts");
    CHECK(refusal("a.b") == "the token does not have three parts");
    CHECK(refusal("a.b.c.d") == "the token does not have three parts");
    CHECK(refusal("a=.b.c") == "the header of the token is a character that is not base64url");
    CHECK(refusal(std::string(8193, 'a')) == "the token is too long");
    CHECK(refusal(with_header("[1]")) == "the header of the token is not a JSON object");
    CHECK(refusal(with_payload("{\"mercure\":{}")) ==
          "the payload of the token is not a JSON object");
    CHECK(refusal(with_payload("{\"sub\":\"\xff\"}")) ==
          "the payload of the token is not a JSON object");
    CHECK(refusal(with_payload(std::string(5000, '['))) ==
          "the payload of the token is not a JSON object");
  }

  TEST_CASE("grants of the wrong shape are refused, not ignored") {
    const std::string wrong = "\"publish\" in the token's grants is not an array of strings";
    CHECK(refusal(with_payload(R"({"mercure":{"publish":"*"}})")) == wrong);
    CHECK(refusal(with_payload(R"({"mercure":{"publish":[1]}})")) == wrong);
    CHECK(refusal(with_payload(R"({"mercure":["*"]})")) ==
          "the token's \"mercure\" claim is not an object");
  }
}

TEST_SUITE("Key") {
  TEST_CASE("a secret shorter than its digest is refused, with a way to make a good one") {
    const auto checked = check_key(key_with("too short"));
    REQUIRE_FALSE(checked);
    CHECK(checked.error().what ==
          "the secret has 9 bytes; HS256 needs 32 or more, as `openssl rand -hex 32` makes them");
    CHECK(check_key(key_with(std::string(32, 'x'))));
  }

  TEST_CASE("a public key is not taken for a shared secret") {
    const auto checked = check_key(key_with("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI"));
    REQUIRE_FALSE(checked);
    CHECK(checked.error().what == "HS256 needs a shared secret, not a PEM key");
  }

  TEST_CASE("an unknown algorithm is answered with those that are known") {
    CHECK(parse_algorithm("HS256") == Algorithm::hs256);
    CHECK(parse_algorithm("none").error().what ==
          "\"none\" is not an algorithm that is supported: HS256");
  }
}

}  // namespace
}  // namespace sluice::auth
