#include "gateway/server/config_changes.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/server/config_table.h"
#include "tests/server/temp_dir.h"
#include "tls/self_signed.h"

namespace sluice::server {
namespace {

using Texts = std::vector<std::string>;

/// A folder with a certificate for the configurations in it.
struct House {
  House() { REQUIRE(tls::make_self_signed(dir.path("cert.pem"), dir.path("key.pem"))); }

  /// Two listeners, a hub, a route; then `more`, and `hub` in [hub].
  [[nodiscard]] Config config(const std::string& more = "", const std::string& hub = "",
                              const std::string& listen = "") const {
    const std::string text =
        "[[listen]]\naddress = \"127.0.0.1:0\"\n" + listen +
        "\n[[listen]]\naddress = \"127.0.0.1:0\"\ntls = false\n"
        "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\nclient_ca = \"cert.pem\"\n"
        "[hub]\nanonymous = true\n" +
        hub + "\n" + more;
    auto read = parse(text, dir.path("f.toml"));
    if (!read) FAIL(to_string(read.error().front()));
    return *read;
  }

  TempDir dir;
};

const std::string kRoute = "[[route]]\npath = \"/a/*\"\nupstream = \"http://127.0.0.1:9\"\n";

Texts kept(const ConfigChanges& changes) {
  Texts keys;
  for (const Fault& each : changes.kept) keys.push_back(each.message);
  return keys;
}

TEST_SUITE("What a reload changes") {
  TEST_CASE("the same file changes nothing, however it is written") {
    const House house;
    const auto changes =
        compare(house.config("[retry]\nmin = \"2s\"\n" + kRoute),
                house.config("[retry]\nmin = \"2000ms\"\n[server]\nworkers = 0\n" + kRoute));
    CHECK(changes.taken.empty());
    CHECK(changes.kept.empty());
  }

  TEST_CASE("keys, certificates and the level of the log are taken over") {
    const House house;
    const std::string keys = "publisher_keys = [{ secret = \"of-thirty-two-bytes-or-more-and-";
    const auto changes =
        compare(house.config("", keys + "one\" }]"),
                house.config("[log]\nlevel = \"debug\"\n[[tls.certificates]]\ncertificate = "
                             "\"cert.pem\"\nkey = \"key.pem\"\n",
                             keys + "two\" }]\npublisher_certificates = [\"app\"]",
                             "client_certificates = \"optional\""));
    Texts taken = changes.taken;
    std::sort(taken.begin(), taken.end());
    CHECK(taken == Texts{"hub.publisher_certificates", "hub.publisher_keys",
                         "listen[0].client_certificates", "log.level", "tls.certificates"});
    CHECK(changes.kept.empty());
    const Config& merged = changes.merged;
    CHECK(merged.log_level == log::Level::debug);
    CHECK(merged.tls_files.certificates.size() == 2);
    CHECK(merged.listens[0].client_certificates == tls::ClientCertificates::optional);
    CHECK(merged.access.publisher_certificates == Texts{"app"});
  }

  TEST_CASE("a secret that has changed is a change, and none is shown") {
    const House house;
    const auto secret = [&](const std::string& text) {
      return house.config("", "publisher_keys = [{ secret = \"" + text + "\" }]");
    };
    const auto changes = compare(secret("a-secret-of-32-bytes-or-more-and-a"),
                                 secret("a-secret-of-32-bytes-or-more-and-b"));
    CHECK(changes.taken == Texts{"hub.publisher_keys"});
    const auto& keys = changes.merged.access.publisher_keys;
    REQUIRE(keys.size() == 1);
    CHECK(keys[0].sign("x").value() ==
          auth::Key::of_secret(auth::Algorithm::hs256, "a-secret-of-32-bytes-or-more-and-b")
              ->sign("x")
              .value());
    // What runs now is what the next file is compared with.
    CHECK(compare(changes.merged, secret("a-secret-of-32-bytes-or-more-and-b")).taken.empty());
  }

  TEST_CASE("what needs a restart is named with its place, again each time") {
    const House house;
    const Config running = house.config();
    const Config read = house.config("[server]\nworkers = 3\n");
    auto changes = compare(running, read);
    for (int i = 0; i < 2; ++i) {
      REQUIRE(kept(changes) == Texts{"server.workers"});
      CHECK(changes.kept[0].line == 15);
      CHECK(changes.kept[0].column == 11);
      CHECK(changes.kept[0].file == house.dir.path("f.toml"));
      CHECK(changes.merged.workers == running.workers);
      changes = compare(changes.merged, read);
    }
  }

  TEST_CASE("what was taken out of the file is named at its section") {
    const House house;
    const auto changes =
        compare(house.config("[server]\nworkers = 3\n"), house.config("[server]\n"));
    REQUIRE(kept(changes) == Texts{"server.workers"});
    CHECK(changes.kept[0].line == 14);
  }

  TEST_CASE("of routes each key is named, of a new one the table") {
    const House house;
    const Config running = house.config(kRoute);
    CHECK(kept(compare(running, house.config(kRoute + "share = true\nheartbeat = \"off\"\n"))) ==
          Texts{"route[0].heartbeat", "route[0].share"});
    const std::string another = "[[route]]\npath = \"/b\"\nupstream = \"http://127.0.0.1:9\"\n";
    CHECK(kept(compare(running, house.config(kRoute + another))) == Texts{"route[1]"});
    CHECK(kept(compare(running, house.config())) == Texts{"route[0]"});
  }

  TEST_CASE("a route's own keys are taken over") {
    const House house;
    const auto with = [&](const std::string& secret) {
      return house.config(kRoute + "token = \"required\"\nkeys = [{ secret = \"" + secret +
                          "-of-thirty-two-bytes-or-more-0123\" }]\n");
    };
    const auto changes = compare(with("a"), with("b"));
    CHECK(changes.kept.empty());
    CHECK(changes.taken == Texts{"route[0].keys[0].secret"});
    CHECK(changes.merged.relay.access[0].keys.size() == 1);
  }

  TEST_CASE("a URL of keys that is new needs a restart") {
    const House house;
    const auto changes =
        compare(house.config(),
                house.config("", "publisher_keys = [{ jwks_url = \"http://127.0.0.1:1/jwks\" }]"));
    CHECK(kept(changes) == Texts{"hub.publisher_keys"});
  }

  TEST_CASE("every option that is marked as live is taken over, and no other one") {
    // As a file would have them: whatever a row accepts that it does not show by itself.
    const auto other_value = [](const Row<Config>& row) -> Value {
      if (row.type == "boolean") return row.show(Config()) != "true";
      if (row.type == "integer") return row.show(Config()) == "3" ? 4 : 3;
      if (row.type == "duration") return std::string(row.show(Config()) == "2m" ? "3m" : "2m");
      if (row.type == "size") return std::string(row.show(Config()) == "2MiB" ? "3MiB" : "2MiB");
      if (row.type == "array of strings") return Texts{"x"};
      if (row.key == "log.level") return std::string("error");
      return std::string("x");
    };
    std::size_t live = 0;
    for (const Row<Config>& row : config_rows()) {
      if (!row.set) continue;
      const Config running;
      Config read;
      if (!row.set(read, other_value(row))) continue;
      if (row.show(read) == row.show(running)) continue;
      CAPTURE(row.key);
      const auto changes = compare(running, read);
      CHECK(row.show(changes.merged) == row.show(row.is_live ? read : running));
      CHECK((row.is_live ? changes.taken : kept(changes)) == Texts{std::string(row.key)});
      live += row.is_live ? 1U : 0U;
    }
    CHECK(live >= 10);
  }
}

}  // namespace
}  // namespace sluice::server
