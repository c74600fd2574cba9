#include "gateway/server/config.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/server/config_table.h"
#include "gateway/server/reference.h"
#include "tests/server/config_texts.h"
#include "tests/server/temp_dir.h"
#include "tls/self_signed.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

auth::Key key_of(const std::string& secret) {
  return auth::Key::of_secret(auth::Algorithm::hs256, secret).value();
}

TEST_SUITE("Configuration") {
  TEST_CASE("the example of the documentation is taken as it stands") {
    const TempDir dir;
    REQUIRE(tls::make_self_signed(dir.path("cert.pem"), dir.path("key.pem")));
    const auto config = load(dir.file("hub.toml", kHub));
    REQUIRE(config);
    CHECK(config->workers == 1);
    REQUIRE(config->listens.size() == 2);
    CHECK(config->listens[0].tls);
    CHECK_FALSE(config->listens[1].tls);
    CHECK(config->admin.address == "127.0.0.1:0");
    CHECK(config->tls.certificate.certificate == dir.path("cert.pem"));
    CHECK(config->access.publisher_keys.at(0).sign("x").value() ==
          key_of("a-contract-secret-of-32-bytes-or-more").sign("x").value());
    CHECK(config->access.cors.origins == Lines{"https://app.example"});
    CHECK(config->hub.history_bytes == 256_MiB);
    CHECK(config->heartbeat.interval == 15s);
  }

  TEST_CASE("what is not said stays at its default") {
    const Config config = config_of(least());
    CHECK(config.admin.address.empty());
    CHECK(config.retry.min == 2s);
    CHECK(config.h2.max_concurrent_streams == 256);
  }

  TEST_CASE("an option that both protocols have is set in both") {
    const Config config = config_of(least("[timeouts]\nstalled_stream = \"90s\"\n"));
    CHECK(config.h1.stalled_stream == 90s);
    CHECK(config.h2.stalled_stream == 90s);
  }

  TEST_CASE("paths are relative to the folder of the file") {
    const TempDir dir;
    CHECK(config_of(least("[history]\npath = \"../history\"\n")).history.file.path ==
          "/etc/history");
    CHECK(config_of(least("[history]\npath = \"/srv/history\"\n")).history.file.path ==
          "/srv/history");
  }

  TEST_CASE("the access log is off, in a file of that folder, or a standard stream") {
    CHECK(config_of(least()).access_log.file.empty());
    const TempDir dir;
    const auto some =
        load(dir.file("f.toml", least("[access_log]\nfile = \"a.log\"\nformat = \"combined\"\n")));
    REQUIRE(some);
    CHECK(some->access_log.file == dir.path("a.log"));
    CHECK(some->access_log.format == AccessFormat::combined);
    CHECK(config_of(least("[access_log]\nfile = \"stdout\"\n")).access_log.file == "stdout");
  }

  TEST_CASE("a secret may be in a file of its own") {
    const TempDir dir;
    const auto secret = dir.file("jwt.secret", "a-secret-of-32-bytes-or-more-in-a-file\n");
    const auto config = load(dir.file(
        "f.toml", least("publisher_keys = [{ alg = \"HS256\", secret_file = \"jwt.secret\", "
                        "kid = \"7\" }]\n")));
    REQUIRE(config);
    CHECK(config->access.publisher_keys.at(0).sign("x").value() ==
          key_of("a-secret-of-32-bytes-or-more-in-a-file").sign("x").value());
    CHECK(config->access.publisher_keys.at(0).id == "7");
  }

  TEST_CASE("keys come from PEM files, from JWK sets, and from addresses") {
    const TempDir dir;
    REQUIRE(tls::make_self_signed(dir.path("cert.pem"), dir.path("key.pem")));
    const auto set =
        dir.file("set.json", R"({"keys":[{"kty":"oct","k":")" + std::string(43, 'A') +
                                 R"(","kid":"s"},{"kty":"OKP","crv":"Ed25519","kid":"e","x":")"
                                 "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}");
    const auto config = load(dir.file(
        "f.toml", least("publisher_keys = [{ key_file = \"cert.pem\" }, { jwks_file = \"" + set +
                        "\", "
                        "issuer = \"https://i\", audience = \"hub\" }]\n"
                        "subscriber_keys = [{ jwks_url = \"https://i.example/k\", "
                        "alg = [\"ES256\", \"PS256\"], issuer = \"https://i\" }]\n")));
    REQUIRE(config);
    const auto& keys = config->access.publisher_keys;
    REQUIRE(keys.size() == 3);
    CHECK(keys[0].algorithm() == auth::Algorithm::es256);
    CHECK_FALSE(keys[0].can_sign());
    CHECK(keys[1].algorithm() == auth::Algorithm::hs256);
    CHECK(keys[2].id == "e");
    CHECK(keys[2].issuer == "https://i");
    CHECK(keys[2].audience == "hub");
    REQUIRE(config->access.subscriber_jwks.size() == 1);
    CHECK(config->access.subscriber_jwks[0].algorithms.size() == 2);
    CHECK(config->access.subscriber_jwks[0].issuer == "https://i");
  }

  TEST_CASE(
      "where Mercure 1.0 alone is spoken a token names the hub, if its key says nothing else") {
    const auto keys_of = [](const std::string& protocol) {
      const TempDir dir;
      const std::string secret = "{ secret = \"" + std::string(32, 's') + "\"";
      return load(
                 dir.file("f.toml", least("publisher_keys = [" + secret + ", audience = \"a\" }, " +
                                          secret + " }]\nprotocol = \"" + protocol +
                                          "\"\npublic_url = \"https://h/.well-known/mercure\"\n")))
          .value()
          .access.publisher_keys;
    };
    CHECK(keys_of("1.0")[0].audience == "a");
    CHECK(keys_of("1.0")[1].audience == "https://h/.well-known/mercure");
    CHECK(keys_of("any")[1].audience.empty());
  }

  TEST_CASE("the development default listens on localhost, with and without TLS") {
    const State state{
        .files = state_files("/s"), .key = key_of(std::string(32, 's')), .publisher_token = ""};
    const Config config = development_default(state);
    REQUIRE(config.listens.size() == 2);
    CHECK(config.listens[0].address == "localhost:8443");
    CHECK(config.listens[1].address == "localhost:8080");
    CHECK(config.tls.certificate.key == "/s/localhost-key.pem");
    CHECK(config.access.anonymous);
    CHECK(config.demo.page);
    CHECK(config.history.journal == Journal::file);
    CHECK(config.history.file.path == "/s/history");
    CHECK(config.hub.history_events == config.history.window_events);
  }
}

TEST_SUITE("Configuration table") {
  TEST_CASE("every key is there once, in a table that the reference shows, with a help line") {
    Lines seen;
    for (const auto& row : config_rows()) {
      CAPTURE(row.key);
      const auto section = row.key.substr(0, row.key.find('.'));
      const auto& sections = config_sections();
      CHECK(std::any_of(sections.begin(), sections.end(),
                        [&](const Section& each) { return each.name == section; }));
      CHECK(std::find(seen.begin(), seen.end(), row.key) == seen.end());
      CHECK_FALSE(row.help.empty());
      seen.emplace_back(row.key);
    }
  }

  TEST_CASE("every default is in its own range") {
    for (const auto& row : config_rows()) {
      const std::string value = row.show(Config{});
      if (value.empty() || row.type == "array of strings") continue;
      CAPTURE(row.key);
      CAPTURE(value);
      const bool is_bare = row.type == "boolean" || row.type == "integer";
      const std::string toml = is_bare ? value : "\"" + value + "\"";
      const std::size_t dot = row.key.find('.');
      const std::string file = "[" + std::string(row.key.substr(0, dot)) + "]\n" +
                               std::string(row.key.substr(dot + 1)) + " = " + toml + "\n";
      const std::string refusal = " " + std::string(row.key) + ": ";
      for (const auto& fault : faults_of(file)) CHECK(fault.find(refusal) == std::string::npos);
    }
  }

  TEST_CASE("the reference has a section per table and a line per key") {
    const std::string page = config_reference();
    CHECK(page.find("\n## [[listen]]\n") != std::string::npos);
    CHECK(page.find("| `interval` | duration | `\"15s\"` | 1s to 10m | ") != std::string::npos);
    CHECK(page.find("| `anonymous` | boolean | `false` |") != std::string::npos);
    CHECK(page.find("| `secret_file` | string | none |") != std::string::npos);
  }
}

TEST_SUITE("rules for topics") {
  TEST_CASE("are tables of their own, in order") {
    const Config config = config_of(least(R"([[topic]]
match = "prices/{symbol}"
policy = "latest"
max_rate = 5
[[topic]]
match = "*"
max_events = 10
max_bytes = "1MiB"
max_age = "1h"
)"));
    REQUIRE(config.hub.rules.size() == 2);
    CHECK(config.hub.rules[0].policy == hub::Policy::latest);
    CHECK(config.hub.rules[0].max_rate == 5);
    CHECK(config.hub.rules[1].max_bytes == 1_MiB);
    CHECK(config.hub.rules[1].max_age == 1h);
  }

  TEST_CASE("say what they are for, and name their faults") {
    CHECK(faults_of(least("[[topic]]\npolicy = \"latest\"\n")).front().find("match") !=
          std::string::npos);
    CHECK(faults_of(least("[[topic]]\nmatch = \"a\"\npolicy = \"newest\"\n"))
              .front()
              .find("must be one of \"replay\", \"latest\"") != std::string::npos);
    CHECK(faults_of(least("[topic]\nmatch = \"a\"\n")).front().find("[[topic]]") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::server
