#include "gateway/server/token_command.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/auth/token.h"
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
