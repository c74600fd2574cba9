#include "gateway/server/state.h"

#include <chrono>
#include <string>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "gateway/auth/token.h"
#include "gateway/base/file.h"
#include "gateway/server/files.h"
#include "tests/server/temp_dir.h"
#include "tls/self_signed.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;
const WallTime kNow = std::chrono::system_clock::now();

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

Result<auth::Grants> grants_of(const State& state, WallTime now) {
  return auth::Verifier({state.key}).verify(state.publisher_token, now);
}

TEST_SUITE("State directory") {
  TEST_CASE("it is systemd's, else XDG's, else one below the home folder") {
    StateVariables variables{
        .state_directory = "/var/lib/sluice:/var/lib/other", .xdg_state_home = "/x", .home = "/h"};
    CHECK(state_directory(variables) == "/var/lib/sluice");
    variables.state_directory = "";
    CHECK(state_directory(variables) == "/x/sluice");
    variables.xdg_state_home = "";
    CHECK(state_directory(variables) == "/h/.local/state/sluice");
    variables.home = "";
    CHECK(state_directory(variables).error().what ==
          "there is no place for state: set STATE_DIRECTORY or HOME");
  }
}

TEST_SUITE("State") {
  TEST_CASE("the first start makes everything, readable by nobody else") {
    const TempDir home;
    const auto state = open_state(home.path("local/state/sluice"), kNow);
    REQUIRE(state);
    CHECK(mode_of(state->files.directory) == 0700);
    CHECK(mode_of(state->files.key) == 0600);
    CHECK(mode_of(state->files.secret) == 0600);
    CHECK(mode_of(state->files.publisher_token) == 0600);
    CHECK_FALSE(tls::expires_within(state->files.certificate, 24h * 300));
    CHECK(state->key.can_sign());
  }

  TEST_CASE("the token publishes and subscribes everything, and ends some day") {
    const TempDir home;
    const auto state = open_state(home.path("state"), kNow);
    REQUIRE(state);
    const auto grants = grants_of(*state, kNow);
    REQUIRE(grants);
    CHECK(auth::selector_texts(grants->publish) == std::vector<std::string>{"*"});
    CHECK(auth::selector_texts(grants->subscribe) == std::vector<std::string>{"*"});
    CHECK(grants->expires.has_value());
    CHECK(read_secret_file(state->files.publisher_token) == state->publisher_token);
  }

  TEST_CASE("the next start finds what the first one made") {
    const TempDir home;
    const auto first = open_state(home.path("state"), kNow);
    const auto certificate = read_file(first->files.certificate).value();
    const auto second = open_state(home.path("state"), kNow + 24h);
    REQUIRE(second);
    CHECK(second->key.sign("x").value() == first->key.sign("x").value());
    CHECK(second->publisher_token == first->publisher_token);
    CHECK(read_file(second->files.certificate) == certificate);
  }

  TEST_CASE("a token that is about to expire is replaced") {
    const TempDir home;
    const auto first = open_state(home.path("state"), kNow);
    const auto later = kNow + 24h * 80;
    const auto second = open_state(home.path("state"), later);
    REQUIRE(second);
    CHECK(second->publisher_token != first->publisher_token);
    CHECK(grants_of(*second, later + 24h * 80));
  }

  TEST_CASE("what was lost or spoiled is made anew, and the token fits the new secret") {
    const TempDir home;
    const auto files = open_state(home.path("state"), kNow)->files;
    REQUIRE(write_private_file(files.secret, "short"));
    REQUIRE(write_private_file(files.certificate, "no certificate"));
    const auto state = open_state(home.path("state"), kNow);
    REQUIRE(state);
    CHECK(grants_of(*state, kNow));
    CHECK_FALSE(tls::expires_within(files.certificate, 24h));
  }

  TEST_CASE("a folder that cannot be made is named, with what to do") {
    const TempDir home;
    const auto state = open_state(home.file("taken", "a file") + "/state", kNow);
    REQUIRE_FALSE(state);
    CHECK(state.error().what.find(home.path("taken/state")) != std::string::npos);
    CHECK(state.error().what.find("set STATE_DIRECTORY") != std::string::npos);
  }
}

TEST_SUITE("Private file") {
  TEST_CASE("a secret file's final line end is not part of the secret") {
    const TempDir home;
    CHECK(read_secret_file(home.file("secret", " two words\r\n\n")) == " two words");
    CHECK(read_secret_file(home.file("blank", "\n")) == "");
  }

  TEST_CASE("a file that cannot be read is named, with the reason") {
    const TempDir home;
    CHECK(read_secret_file(home.path("none")).error().what ==
          "cannot read " + home.path("none") + ": No such file or directory");
    CHECK(read_secret_file(home.path()).error().what ==
          "cannot read " + home.path() + ": it is a folder, and has to be a regular file");
  }

  TEST_CASE("an existing file becomes private when it is written") {
    const TempDir home;
    const auto path = home.file("token", "old");
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    REQUIRE(write_private_file(path, "new"));
    CHECK(mode_of(path) == 0600);
    CHECK(read_file(path) == "new");
  }
}

}  // namespace
}  // namespace sluice::server
