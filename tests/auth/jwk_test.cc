#include "gateway/auth/jwk.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice::auth {
namespace {

using A = Algorithm;

const std::string kEc =
    R"("kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")";
const std::string kEdwards =
    R"("kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")";
const std::string kSecret = R"("kty":"oct","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg")";
const std::string kRsa =
    R"("kty":"RSA","e":"AQAB","n":")"
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmS"
    "CpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-Of"
    "VfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKw"
    "uCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\"";

std::string set_of(const std::string& keys) {
  return "{\"keys\":[" + keys + "]}";
}
std::string jwk(const std::string& members, const std::string& more = "") {
  return "{" + members + (more.empty() ? "" : "," + more) + "}";
}

/// How many keys a set with this one key has: 1, or 0 when it is skipped.
std::size_t taken(const std::string& key, const JwkOptions& options = {}) {
  const auto set = parse_jwks(set_of(key), options);
  REQUIRE(set);
  CHECK((set->skipped == 1) == set->keys.empty());
  return set->keys.size();
}

TEST_SUITE("JWK set") {
  TEST_CASE("each kind of key is read, with its id and what it is for") {
    const auto set = parse_jwks(set_of(jwk(kEc, R"("kid":"a")") + "," + jwk(kEdwards) + "," +
                                       jwk(kRsa, R"("kid":"c","use":"sig")")),
                                {});
    REQUIRE(set);
    REQUIRE(set->keys.size() == 3);
    CHECK(set->skipped == 0);
    CHECK(set->keys[0].id == "a");
    CHECK(set->keys[0].algorithm() == A::es256);
    CHECK(set->keys[1].id.empty());
    CHECK(set->keys[1].algorithm() == A::eddsa);
    CHECK(set->keys[2].algorithm() == A::rs256);
  }

  TEST_CASE("a key that is not understood is skipped, and the others stay") {
    const auto set = parse_jwks(set_of(jwk(R"("kty":"future","x":"AA")") + ",7,{}," +
                                       jwk(kEc, R"("alg":"ES256K")") + "," + jwk(kEdwards)),
                                {});
    REQUIRE(set);
    CHECK(set->keys.size() == 1);
    CHECK(set->skipped == 4);
  }

  TEST_CASE("a key that is for something else is skipped") {
    CHECK(taken(jwk(kEc, R"("use":"enc")")) == 0);
    CHECK(taken(jwk(kEc, R"("use":null)")) == 0);
    CHECK(taken(jwk(kEc, R"("key_ops":["sign"])")) == 0);
    CHECK(taken(jwk(kEc, R"("key_ops":"verify")")) == 0);
    CHECK(taken(jwk(kEc, R"("key_ops":["sign","verify"])")) == 1);
  }

  TEST_CASE("an alg that the key cannot have is skipped") {
    CHECK(taken(jwk(kEc, R"("alg":"ES384")")) == 0);
    CHECK(taken(jwk(kEc, R"("alg":"RS256")")) == 0);
    CHECK(taken(jwk(kEc, R"("alg":"HS256")")) == 0);
    CHECK(taken(jwk(kEc, R"("alg":"none")")) == 0);
    CHECK(taken(jwk(kEc, R"("alg":7)")) == 0);
    CHECK(taken(jwk(kRsa, R"("alg":"PS512")")) == 1);
  }

  TEST_CASE("a shared secret is taken from the operator's file only") {
    CHECK(taken(jwk(kSecret)) == 0);
    CHECK(taken(jwk(kSecret), {.allow_secrets = true, .algorithms = {}}) == 1);
    CHECK(taken(jwk(R"("kty":"oct","k":"c2hvcnQ")"), {.allow_secrets = true, .algorithms = {}}) ==
          0);
  }

  TEST_CASE("numbers that are no key are skipped") {
    CHECK(taken(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})") == 0);
    const std::string zeros(43, 'A');
    CHECK(taken(R"({"kty":"EC","crv":"P-256","x":")" + zeros + R"(","y":")" + zeros + "\"}") == 0);
    CHECK(taken(R"({"kty":"EC","crv":"P-257","x":"AA","y":"AA"})") == 0);
    CHECK(taken(R"({"kty":"OKP","crv":"X25519","x":")" + zeros + "\"}") == 0);
    CHECK(taken(R"({"kty":"OKP","crv":"Ed25519","x":"AA"})") == 0);
    CHECK(taken(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})") == 0);
    CHECK(taken(R"({"kty":"RSA","n":"","e":""})") == 0);
    CHECK(taken(jwk(kEc.substr(0, kEc.size() - 1) + "=\"")) == 0);
  }

  TEST_CASE("an RSA key whose exponent is one would take every signature: it is skipped") {
    std::string key = jwk(kRsa);
    key.replace(key.find("AQAB"), 4, "AQ");
    CHECK(taken(key) == 0);
  }

  TEST_CASE("algorithms that are not wanted are left out, and RSA keys are for all that are") {
    const JwkOptions pss{.allow_secrets = false, .algorithms = {A::ps256, A::rs512, A::es384}};
    CHECK(taken(jwk(kEc), pss) == 0);
    CHECK(taken(jwk(kRsa, R"("alg":"RS256")"), pss) == 0);
    const auto set = parse_jwks(set_of(jwk(kRsa)), pss);
    REQUIRE(set);
    REQUIRE(set->keys.size() == 2);
    CHECK(set->keys[0].algorithm() == A::ps256);
    CHECK(set->keys[1].algorithm() == A::rs512);
  }

  TEST_CASE("one key alone is a set of one") {
    CHECK(parse_jwks(jwk(kEc), {})->keys.size() == 1);
  }

  TEST_CASE("what is no set is refused as a whole") {
    const auto refusal = [](const std::string& text) { return parse_jwks(text, {}).error().what; };
    CHECK(refusal("") == "the JWK set is not a JSON object");
    CHECK(refusal("[]") == "the JWK set is not a JSON object");
    CHECK(refusal("{}") == "the JWK set has no \"keys\"");
    CHECK(refusal(R"({"keys":{}})") == "\"keys\" of the JWK set is not an array");
    CHECK(refusal(R"({"keys":[],"keys":[]})") == "the JWK set has a name twice");
    CHECK(refusal(std::string(256 * 1024 + 1, ' ')) == "the JWK set is larger than 256KiB");
    CHECK(refusal("{\"keys\":" + std::string(1000, '[') + std::string(1000, ']') + "}") ==
          "the JWK set is nested too deeply");
  }

  TEST_CASE("a set has at most a hundred keys") {
    std::string many = jwk(kEdwards);
    for (int i = 1; i < 100; ++i) many += "," + jwk(kEdwards);
    CHECK(parse_jwks(set_of(many), {})->keys.size() == 100);
    CHECK(parse_jwks(set_of(many + "," + jwk(kEdwards)), {}).error().what ==
          "the JWK set has 101 keys; at most 100 are taken");
  }
}

}  // namespace
}  // namespace sluice::auth
