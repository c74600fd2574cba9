#include "gateway/auth/token.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/hmac.h>

#include "gateway/base/base64.h"
#include "tests/auth/key_pairs.h"

namespace sluice::auth {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

const std::string kSecret = "a-secret-of-32-bytes-or-more-for-tests";
const WallTime kNow{std::chrono::seconds(1'800'000'000)};
const Texts kNews{"https://example.com/news"};

Key key_with(const std::string& secret = kSecret, const std::string& id = "") {
  Key key = Key::of_secret(Algorithm::hs256, secret).value();
  key.id = id;
  return key;
}

/// A token with these texts as header and payload, signed correctly.
std::string token_of(std::string_view header, std::string_view payload, const Key& key) {
  const std::string text = base64url_encode(header) + '.' + base64url_encode(payload);
  return text + '.' + base64url_encode(key.sign(text).value());
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
  const bool is_expiry = grants.error().what == "the token has expired";
  CHECK(grants.error().code == (is_expiry ? Errc::expired : Errc::denied));
  return grants.error().what;
}

Claims claims_for(const Texts& publish) {
  Claims claims;
  claims.publish = publish;
  return claims;
}

TEST_SUITE("Verifier") {
  TEST_CASE("a token that we minted gives the grants that it was minted with") {
    Claims claims = claims_for({"*"});
    claims.subscribe = kNews;
    claims.payload = R"({"name":"Ada"})";
    claims.expires = kNow + 1h;
    claims.not_before = claims.issued = kNow;
    claims.subject = "backend-7";
    claims.token_id = "42";
    const auto grants = verified(mint(key_with(), claims).value());
    REQUIRE(grants);
    CHECK(selector_texts(grants->publish) == Texts{"*"});
    CHECK(selector_texts(grants->subscribe) == kNews);
    CHECK(grants->payload == R"({"name":"Ada"})");
    CHECK(grants->subject == "backend-7");
    CHECK(grants->token_id == "42");
    CHECK(grants->expires == kNow + 1h + 30s);
    CHECK(grants->issued == kNow);
    CHECK_FALSE(grants->is_v1);
  }

  TEST_CASE("the example of RFC 7515 appendix A.1 has the signature that the RFC says") {
    const auto secret = base64url_decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    const std::string token =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
        "cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    Verifier verifier({key_with(*secret)});
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
    CHECK(selector_texts(grants->publish) == Texts{"a"});
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
    CHECK(refusal(with_payload(R"({"exp":null})")) == "\"exp\" of the token is not a time");
    CHECK(refusal(with_payload(R"({"nbf":null})")) == "\"nbf\" of the token is not a time");
    CHECK(refusal(with_payload(R"({"iat":"now"})")) == "\"iat\" of the token is not a time");
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
    for (const char* algorithm : {"none", "None", "NONE", "nOnE", " none", "none ", "hs256",
                                  "HS512", "RS256", "HS256 ", "HS256\\u0000", ""}) {
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
    const auto token = mint(old_key, {}).value();
    CHECK(refusal(token, {new_key, old_key}) == "accepted");
    CHECK(refusal(token, {new_key}) == "the token names a key (\"kid\") that is not known");
    CHECK(refusal(token, {key_with("the-old-secret-of-32-bytes-or-more")}) == "accepted");
    CHECK(refusal(with_payload("{}"), {new_key, key_with(kSecret, "2027")}) == "accepted");
  }

  TEST_CASE("without keys nothing is accepted, and the message says why") {
    CHECK(refusal(with_payload("{}"), {}) == "there is no key to verify tokens with");
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

TEST_SUITE("Claims") {
  TEST_CASE("names are strings, and null is none") {
    for (const char* name : {"iss", "sub", "jti", "client_id"}) {
      CAPTURE(name);
      const std::string wrong = "\"" + std::string(name) + "\" of the token is not a string";
      CHECK(refusal(with_payload("{\"" + std::string(name) + "\":7}")) == wrong);
      CHECK(refusal(with_payload("{\"" + std::string(name) + "\":null}")) == wrong);
      CHECK(refusal(with_payload("{\"" + std::string(name) + "\":\"x\"}")) == "accepted");
    }
  }

  TEST_CASE("the audience is one name or several") {
    const std::string wrong = "\"aud\" of the token is neither a string nor an array of strings";
    CHECK(refusal(with_payload(R"({"aud":"a"})")) == "accepted");
    CHECK(refusal(with_payload(R"({"aud":["a","b"]})")) == "accepted");
    CHECK(refusal(with_payload(R"({"aud":[1]})")) == wrong);
    CHECK(refusal(with_payload(R"({"aud":null})")) == wrong);
  }

  TEST_CASE("a payload is any JSON that is not nested without end") {
    CHECK(verified(with_payload(R"({"mercure":{"payload":[1,{"a":null}]}})"))->payload ==
          R"([1,{"a":null}])");
    CHECK(verified(with_payload(R"({"mercure":{"payload":null}})"))->payload.empty());
    CHECK(refusal(with_payload(R"({"mercure":{"payload":)" + std::string(100, '[') +
                               std::string(100, ']') + "}}")) ==
          "the payload of the token is nested too deeply");
  }

  TEST_CASE("a payload from outside is JSON, and no way to add other members") {
    CHECK(parse_payload(R"( {"b": 1} )") == R"({"b":1})");
    for (const char* bad : {"", "x", "1,\"publish\":2", "1}", "{\"a\":1,\"a\":2}"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_payload(bad));
    }
  }
}

TEST_SUITE("Issuer and audience") {
  Key key_of_issuer(const std::string& issuer, const std::string& audience = "") {
    Key key = key_with();
    key.issuer = issuer;
    key.audience = audience;
    return key;
  }

  TEST_CASE("a key with an issuer takes that issuer's tokens only") {
    const std::string wrong = "the token's \"iss\" is not the issuer of the key";
    CHECK(refusal(with_payload(R"({"iss":"https://a"})"), {key_of_issuer("https://a")}) ==
          "accepted");
    CHECK(refusal(with_payload(R"({"iss":"https://a/"})"), {key_of_issuer("https://a")}) == wrong);
    CHECK(refusal(with_payload("{}"), {key_of_issuer("https://a")}) == wrong);
  }

  TEST_CASE("two issuers may have the same key, and each its own audience") {
    const std::vector<Key> keys{key_of_issuer("https://a", "hub"), key_of_issuer("https://b")};
    CHECK(refusal(with_payload(R"({"iss":"https://b"})"), keys) == "accepted");
    CHECK(refusal(with_payload(R"({"iss":"https://a","aud":["x","hub"]})"), keys) == "accepted");
    CHECK(refusal(with_payload(R"({"iss":"https://a"})"), keys) != "accepted");
  }

  TEST_CASE("a key with an audience takes tokens for it only") {
    const std::string wrong = "the token is not for this hub: its \"aud\" does not name it";
    const std::vector<Key> keys{key_of_issuer("", "https://hub")};
    CHECK(refusal(with_payload(R"({"aud":"https://hub"})"), keys) == "accepted");
    CHECK(refusal(with_payload(R"({"aud":["https://hub.example"]})"), keys) == wrong);
    CHECK(refusal(with_payload("{}"), keys) == wrong);
  }
}

TEST_SUITE("Hostile header") {
  TEST_CASE("a token signed with the public key as if it were a secret is refused") {
    const std::string pem = pair_for(Algorithm::rs256).public_pem;
    const std::string text = base64url_encode(R"({"alg":"HS256"})") + '.' + base64url_encode("{}");
    unsigned char mac[32];
    unsigned int size = 0;
    HMAC(EVP_sha256(), pem.data(), static_cast<int>(pem.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
    const std::string token =
        text + '.' + base64url_encode({reinterpret_cast<const char*>(mac), size});
    CHECK(refusal(token, {public_key(Algorithm::rs256)}) ==
          "the token's \"alg\" is not the algorithm of the key");
  }

  TEST_CASE("an algorithm of the same key type is refused, too") {
    const Key signer = private_key(Algorithm::ps256);
    const auto token = mint(signer, {}).value();
    CHECK(refusal(token, {public_key(Algorithm::rs256)}) ==
          "the token's \"alg\" is not the algorithm of the key");
    const auto switched = token_of(R"({"alg":"RS256"})", "{}", signer);
    CHECK(refusal(switched, {public_key(Algorithm::rs256)}) ==
          "the signature of the token is wrong");
  }

  TEST_CASE("keys and addresses in the header are not looked at") {
    const std::string jwk =
        R"("jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
    const auto foreign = make_edwards_pair("ED25519");
    const Key signer = Key::of_pem(Algorithm::eddsa, foreign.private_pem).value();
    for (const std::string& more :
         {jwk, std::string(R"("jku":"https://evil.example/k")"),
          std::string(R"("x5u":"https://evil.example/c")"), std::string(R"("x5c":["AA"])")}) {
      CAPTURE(more);
      CHECK(refusal(token_of("{\"alg\":\"EdDSA\"," + more + "}", "{}", signer),
                    {public_key(Algorithm::eddsa)}) == "the signature of the token is wrong");
      CHECK(refusal(token_of("{\"alg\":\"HS256\"," + more + "}", "{}", key_with())) == "accepted");
    }
  }

  TEST_CASE("a kid is a name and nothing else") {
    const std::vector<Key> keys{key_with(kSecret, "one"), key_with(kSecret, "two")};
    const auto with_kid = [&](const std::string& kid) {
      return refusal(token_of("{\"alg\":\"HS256\",\"kid\":" + kid + "}", "{}", key_with()), keys);
    };
    const std::string unknown = "the token names a key (\"kid\") that is not known";
    CHECK(with_kid("\"one\"") == "accepted");
    CHECK(with_kid("\"\"") == unknown);
    CHECK(with_kid("\"../../dev/null\"") == unknown);
    CHECK(with_kid("\"one' OR '1'='1\"") == unknown);
    CHECK(with_kid("\"one\\u0000\"") == unknown);
    CHECK(with_kid("\"" + std::string(4000, 'x') + "\"") == unknown);
    CHECK(with_kid("7") == "\"kid\" of the header of the token is not a string");
    CHECK(with_kid("null") == "\"kid\" of the header of the token is not a string");
  }

  TEST_CASE("bits after the last byte are zero: a token has one spelling") {
    const std::string token = with_payload("{}");
    std::string other = token;
    // 32 bytes end in a character that carries four bits of them and two that must be zero.
    other.back() = static_cast<char>(other.back() + 1);
    CHECK(refusal(token) == "accepted");
    CHECK(refusal(other).find("base64url") != std::string::npos);
  }

  TEST_CASE("a token without kid is not tried against any number of keys") {
    std::vector<Key> keys(9, public_key(Algorithm::es256));
    const auto token =
        mint(Key::of_pem(Algorithm::es256, make_ec_pair("P-256").private_pem).value(), {}).value();
    CHECK(refusal(token, keys).find("too many to try") != std::string::npos);
    keys.pop_back();
    CHECK(refusal(token, keys) == "the signature of the token is wrong");
  }

  TEST_CASE("every algorithm carries a token") {
    for (const auto algorithm :
         {Algorithm::rs512, Algorithm::ps384, Algorithm::es384, Algorithm::eddsa}) {
      const auto token = mint(private_key(algorithm), claims_for({"a"})).value();
      CHECK(selector_texts(verified(token, {public_key(algorithm)})->publish) == Texts{"a"});
    }
  }
}

TEST_SUITE("Token of Mercure 1.0") {
  const std::string kType = R"("type":"https://mercure.rocks/authorization-detail")";

  Key issuer_key() {
    Key key = key_with();
    key.issuer = "https://issuer.example";
    return key;
  }
  /// Everything that such a token needs, and these details.
  std::string with_details(const std::string& details, const std::string& type = "at+jwt",
                           const std::string& exp = "1800000060") {
    return token_of(R"({"alg":"HS256","typ":")" + type + "\"}",
                    R"({"iss":"https://issuer.example")" + (exp.empty() ? "" : ",\"exp\":" + exp) +
                        ",\"authorization_details\":" + details + "}",
                    key_with());
  }
  std::string refused(const std::string& details) {
    const std::string what = refusal(with_details(details), {issuer_key()});
    const std::string prefix = "the token's \"authorization_details\": ";
    return what.starts_with(prefix) ? what.substr(prefix.size()) : what;
  }
  std::string detail(const std::string& more) {
    return "[{" + kType + "," + more + "}]";
  }

  TEST_CASE("its details grant topics and patterns, each with the detail's payload") {
    const auto grants = verified(
        with_details(
            "[{" + kType +
            R"(,"actions":["publish"],"topics":[{"match":"a{b}","match_type":"exact"}]},{)" +
            kType +
            R"(,"actions":["subscribe","dance"],"payload":{"n":1},"topics":[)"
            R"({"match":"*"},{"match":"/x/:id","match_type":"urlpattern"}]}])"),
        {issuer_key()});
    REQUIRE(grants);
    CHECK(grants->is_v1);
    CHECK(grants->may_publish);
    CHECK(grants->publish == std::vector<Grant>{{MatchType::exact, "a{b}", ""}});
    CHECK(grants->subscribe == std::vector<Grant>{{MatchType::exact, "*", R"({"n":1})"},
                                                  {MatchType::urlpattern, "/x/:id", R"({"n":1})"}});
  }

  TEST_CASE("details of another type are somebody else's") {
    const auto grants =
        verified(with_details(R"([{"type":"payment","topics":7}])"), {issuer_key()});
    REQUIRE(grants);
    CHECK(grants->is_v1);
    CHECK_FALSE(grants->may_publish);
    CHECK_FALSE(grants->may_subscribe);
  }

  TEST_CASE("a 0.x claim beside details does not count") {
    const auto token = token_of(R"({"alg":"HS256","typ":"application/AT+JWT"})",
                                R"({"iss":"https://issuer.example","exp":1800000060,)"
                                R"("authorization_details":[],"mercure":{"publish":["*"]}})",
                                key_with());
    const auto grants = verified(token, {issuer_key()});
    REQUIRE(grants);
    CHECK_FALSE(grants->may_publish);
  }

  TEST_CASE("it needs its typ, an exp and a key with an issuer") {
    CHECK(refusal(with_details("[]"), {issuer_key()}) == "accepted");
    CHECK(refusal(with_details("[]", "JWT"), {issuer_key()}) ==
          "a token with \"authorization_details\" needs \"typ\": \"at+jwt\"");
    CHECK(refusal(with_details("[]", "at+jwt", ""), {issuer_key()}) ==
          "a token with \"authorization_details\" needs an \"exp\"");
    CHECK(refusal(with_details("[]"), {key_with()}) ==
          "the key of this token has no issuer, which \"authorization_details\" need");
  }

  TEST_CASE("a malformed detail of ours refuses the whole token") {
    const std::string topics = R"("topics":[{"match":"a"}])";
    CHECK(refused(detail(R"("actions":["publish"],)" + topics)) == "accepted");
    CHECK(refused("{}") == "it is not an array");
    CHECK(refused("null") == "it is not an array");
    CHECK(refused("[7]") == "one of them has no \"type\"");
    CHECK(refused(detail(topics)) == "\"actions\" is not an array of strings");
    CHECK(refused(detail(R"("actions":[1],)" + topics)) ==
          "\"actions\" is not an array of strings");
    CHECK(refused(detail(R"("actions":[])")) == "\"topics\" is not an array");
    CHECK(refused(detail(R"("actions":[],"topics":["a"])")) ==
          "one of \"topics\" is not an object");
    CHECK(refused(detail(R"("actions":[],"topics":[{"match":""}])")) ==
          "one of \"topics\" has no \"match\"");
    for (const char* type : {"\"regexp\"", "\"EXACT\"", "null", "1"}) {
      CHECK(refused(detail(R"("actions":[],"topics":[{"match":"a","match_type":)" +
                           std::string(type) + "}]")) ==
            "a \"match_type\" is neither \"exact\" nor \"urlpattern\"");
    }
  }

  TEST_CASE("it has at most a thousand matchers") {
    const auto claims = [&](std::size_t count) {
      std::string topics;
      for (std::size_t i = 0; i < count; ++i) topics += R"({"match":"a"},)";
      topics.pop_back();
      return parse_claims("{\"authorization_details\":" +
                          detail(R"("actions":[],"topics":[)" + topics + "]") + "}");
    };
    CHECK(claims(1000));
    CHECK(claims(1001).error().what ==
          "the token's \"authorization_details\": more than 1000 matchers");
  }

  TEST_CASE("one that we mint is one that we take") {
    Claims claims;
    claims.issuer = "https://issuer.example";
    claims.expires = kNow + 1h;
    claims.details = {{.publish = false,
                       .subscribe = true,
                       .topics = {{MatchType::urlpattern, "/a/*", R"({"x":1})"}}}};
    const auto grants = verified(mint(key_with(), claims).value(), {issuer_key()});
    REQUIRE(grants);
    CHECK(grants->subscribe == claims.details->front().topics);
  }

  TEST_CASE("as selectors of 0.x its grants never allow more than they say") {
    CHECK(selector_texts({{MatchType::exact, "a", ""},
                          {MatchType::exact, "a{b}", ""},
                          {MatchType::urlpattern, "/x", ""},
                          {MatchType::urlpattern, "*", ""},
                          {MatchType::selector, "{t}", ""}}) == Texts{"a", "*", "{t}"});
  }
}

}  // namespace
}  // namespace sluice::auth
