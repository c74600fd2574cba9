#include "gateway/server/token_command.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/auth/required_claims.h"
#include "gateway/auth/token.h"
#include "gateway/base/base64.h"
#include "tests/auth/key_pairs.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

const std::string kSecret = "a-secret-of-32-bytes-or-more-for-tests";
const WallTime kNow{std::chrono::seconds(1'800'000'000)};

TokenCommand command_with(const Texts& publish, const Texts& subscribe) {
  TokenCommand command;
  command.publish = publish;
  command.subscribe = subscribe;
  command.key_file = "F";
  return command;
}

auth::Grants grants_of(const TokenCommand& command, const std::string& text, auth::Key key) {
  const auto token = make_token(command, text, kNow);
  if (!token) FAIL(token.error().what);
  key.issuer = command.issuer;
  return auth::Verifier({key}).verify(*token, kNow).value();
}

std::string refusal(const TokenCommand& command, const std::string& text) {
  const auto token = make_token(command, text, kNow);
  return token ? "made" : token.error().what;
}

TEST_SUITE("sluice token") {
  TEST_CASE("a secret makes an HS256 token with what was asked for") {
    TokenCommand command = command_with({"a"}, {"b", "*"});
    command.subject = "shop";
    command.payload = R"({"n": 1})";
    const auto grants =
        grants_of(command, kSecret, auth::Key::of_secret(auth::Algorithm::hs256, kSecret).value());
    CHECK(auth::selector_texts(grants.publish) == Texts{"a"});
    CHECK(auth::selector_texts(grants.subscribe) == Texts{"b", "*"});
    CHECK(grants.payload == R"({"n":1})");
    CHECK(grants.subject == "shop");
    CHECK(grants.issued == kNow);
    CHECK(grants.expires == kNow + 1h + 30s);
    CHECK_FALSE(grants.token_id.empty());
  }

  TEST_CASE("a PEM private key makes a token of its own algorithm, or of another that fits") {
    const auto rsa = auth::pair_for(auth::Algorithm::rs256);
    TokenCommand command = command_with({"a"}, {});
    CHECK(
        grants_of(command, rsa.private_pem, auth::public_key(auth::Algorithm::rs256)).may_publish);
    command.algorithm = "PS512";
    CHECK(
        grants_of(command, rsa.private_pem, auth::public_key(auth::Algorithm::ps512)).may_publish);
    command.algorithm = "ES256";
    CHECK(refusal(command, rsa.private_pem) == "F: ES256 needs an EC key on the curve P-256");
  }

  TEST_CASE("--details makes a token of Mercure 1.0") {
    TokenCommand command = command_with({"a"}, {"urlpattern:/x/:id", "*"});
    command.details = true;
    command.issuer = "https://issuer.example";
    command.payload = "7";
    const auto grants =
        grants_of(command, kSecret, auth::Key::of_secret(auth::Algorithm::hs256, kSecret).value());
    CHECK(grants.is_v1);
    CHECK(grants.publish == std::vector<auth::Grant>{{auth::MatchType::exact, "a", ""}});
    CHECK(grants.subscribe == std::vector<auth::Grant>{{auth::MatchType::urlpattern, "/x/:id", "7"},
                                                       {auth::MatchType::exact, "*", "7"}});
  }

  TEST_CASE("claims that a route may want") {
    TokenCommand command = command_with({}, {});
    command.claims = {"tenant=a", "scope=read write",     "eq=a=b",
                      "level:=3", R"(groups:=["x","y"])", "https://example.com/a:b=c"};
    const auto token = make_token(command, kSecret, kNow);
    REQUIRE(token);
    const auto wants = [&](const char* name, const char* value) {
      return auth::check_claims(*token, std::vector<auth::RequiredClaim>{{name, value}})
          .has_value();
    };
    CHECK(wants("tenant", "a"));
    CHECK(wants("scope", "write"));
    CHECK(wants("eq", "a=b"));
    CHECK(wants("groups", "y"));
    CHECK(wants("https://example.com/a:b", "c"));
    CHECK_FALSE(wants("level", "3"));  // It is a number.
    const std::string payload = token->substr(token->find('.') + 1);
    CHECK(base64url_decode(payload.substr(0, payload.find('.'))).value().find("\"level\":3,") !=
          std::string::npos);
  }

  TEST_CASE("a claim that cannot be set says what to do") {
    const auto said = [](const char* claim) {
      TokenCommand command = command_with({}, {});
      command.claims = {claim};
      return refusal(command, kSecret);
    };
    CHECK(said("tenant") ==
          "--claim tenant: must be NAME=TEXT or NAME:=JSON, as in tenant=a or level:=3");
    CHECK(said("=a").substr(0, 19) == "--claim =a: must be");
    CHECK(said(":=1").substr(0, 20) == "--claim :=1: must be");
    CHECK(said("sub=ada") == "--claim sub=ada: use --subject for it");
    CHECK(said("mercure:={}") == "--claim mercure:={}: use --publish and --subscribe for it");
    CHECK(said("iat:=1") == "--claim iat:=1: \"iat\" is set by the command");
    CHECK(said("level:=high") ==
          "--claim level:=high: what stands behind := is not JSON; a text is given as level=high");
  }

  TEST_CASE("what makes no token says why") {
    TokenCommand command = command_with({"a"}, {});
    CHECK(refusal(command, "short").substr(0, 26) == "F: the secret has 5 bytes;");
    CHECK(refusal(command, auth::pair_for(auth::Algorithm::es256).public_pem) ==
          "a public key verifies tokens; to sign one takes the private key");
    command.payload = "{";
    CHECK(refusal(command, kSecret) == "--payload: the payload is not JSON");
    command.algorithm = "none";
    command.payload = "";
    CHECK(refusal(command, kSecret).substr(0, 26) == "\"none\" is not an algorithm");
  }
}

}  // namespace
}  // namespace sluice::server
