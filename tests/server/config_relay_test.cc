#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/server/config.h"
#include "tests/server/config_texts.h"
#include "tests/server/temp_dir.h"
#include "tls/self_signed.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

/// The relay as the documentation shows it; `cert.pem` and `key.pem` are beside the file.
constexpr std::string_view kRelay = R"(# The relay, in front of an SSE application on port 9000.
[server]
workers = 1

[[listen]]
address = "127.0.0.1:0"

[[listen]]
address = "127.0.0.1:0"
tls = false

[tls]
certificate = "cert.pem"
key = "key.pem"

[[route]]
path = "/app/*"
upstream = "http://127.0.0.1:9000"

[[route]]
path = "/shared/*"
upstream = "http://127.0.0.1:9000"
share = true

[[route]]
path = "/resume/*"
upstream = "http://127.0.0.1:9000"
replay = { events = 1000, bytes = "1MiB", linger = "30s" }
)";

RouteAccess access_of(const std::string& more) {
  return config_of(route(more)).relay.access.at(0);
}

constexpr std::string_view kGuard =
    "token = \"required\"\nkeys = [{ secret = \"a-secret-of-32-bytes-or-more-for-it\" }]\n";
constexpr std::string_view kAll = "[[route]]\nupstream = \"http://h\"\npath = \"/*\"\n";

std::string guarded(const std::string& path, const std::string& more = "") {
  return "[[route]]\nupstream = \"http://h\"\npath = \"" + path + "\"\n" + std::string(kGuard) +
         more;
}
Lines warnings_in(const std::string& routes) {
  Lines warnings;
  for (const Fault& fault : config_of(with(routes)).warnings) {
    warnings.push_back(to_string(fault).substr(config_of(with(routes)).file.size() + 1));
  }
  return warnings;
}

TEST_SUITE("Configuration of routes") {
  TEST_CASE("the example of the documentation is taken as it stands") {
    const TempDir dir;
    REQUIRE(tls::make_self_signed(dir.path("cert.pem"), dir.path("key.pem")));
    const auto config = load(dir.file("relay.toml", kRelay));
    REQUIRE(config);
    const RelayOptions& relay = config->relay;
    REQUIRE(relay.routes.size() == 3);
    CHECK(relay.routes[0].path == "/app/*");
    CHECK(relay.routes[0].on_disconnect == relay::OnDisconnect::cancel);
    CHECK(relay.routes[1].share.enabled);
    CHECK(relay.routes[2].replay.enabled);
    CHECK(relay.routes[2].replay.bytes == 1_MiB);
    CHECK(relay.routes[2].replay.linger == 30s);
    CHECK_FALSE(relay.routes[2].share.enabled);
  }

  TEST_CASE("routes with the same URL share one upstream") {
    const Config config =
        config_of(with("[[route]]\npath = \"/a\"\nupstream = \"http://h:1\"\n"
                       "[[route]]\npath = \"/b\"\nupstream = \"http://h:1/\"\n"
                       "[[route]]\npath = \"/c\"\nupstream = \"http://h:1\"\nprotocol = \"h2\"\n"
                       "[[route]]\npath = \"/d\"\nupstream = [\"http://h:1\", \"http://h:2\"]\n"));
    const RelayOptions& relay = config.relay;
    REQUIRE(relay.upstreams.size() == 3);
    CHECK(relay.routes[0].upstream == relay.routes[1].upstream);
    CHECK(relay.upstreams[relay.routes[0].upstream].name == "http://h:1");
    CHECK(relay.upstreams[relay.routes[2].upstream].name == "http://h:1 (h2)");
    CHECK(relay.upstreams[relay.routes[2].upstream].wire == relay::Wire::h2);
    CHECK(relay.upstreams[relay.routes[3].upstream].urls == Lines{"http://h:1", "http://h:2"});
  }

  TEST_CASE("a route may name an upstream of a table, whichever stands first") {
    const Config config =
        config_of(with("[[route]]\npath = \"/a\"\nupstream = \"app\"\n"
                       "[[upstream]]\nname = \"other\"\nurls = \"http://h:1\"\n"
                       "[[upstream]]\nname = \"app\"\nurls = [\"http://h:2\"]\nprotocol = \"h2\"\n"
                       "max_connections = 7\nidle_timeout = \"9s\"\nwindow = \"1MiB\"\n"));
    const auto& upstream = config.relay.upstreams.at(config.relay.routes.at(0).upstream);
    CHECK(upstream.urls == Lines{"http://h:2"});
    CHECK(upstream.wire == relay::Wire::h2);
    CHECK(upstream.max_connections == 7);
    CHECK(upstream.idle_timeout == 9s);
    CHECK(upstream.window == 1_MiB);
  }

  TEST_CASE("what it takes and what becomes of the request") {
    const auto options = route_of(
        "name = \"app\"\nhosts = [\"App.Example\", \"*.app.example\"]\nmethods = [\"GET\", "
        "\"POST\"]\n"
        "match_headers = { X-Version = \"2\", accept = \"*\" }\nstrip_prefix = \"/app\"\n"
        "host = \"internal\"\nset_request_headers = { X-From = \"sluice\" }\n"
        "remove_request_headers = [\"X-Debug\"]\nset_response_headers = { x-frame-options = "
        "\"DENY\" }\n"
        "remove_response_headers = [\"server\"]\nmax_request_bytes = \"1MiB\"\n");
    CHECK(options.name == "app");
    CHECK(options.hosts == Lines{"app.example", "*.app.example"});
    CHECK(options.methods == Lines{"GET", "POST"});
    REQUIRE(options.match_headers.find("x-version") != nullptr);
    CHECK(*options.match_headers.find("x-version") == "2");
    CHECK(options.strip_prefix == "/app");
    CHECK(options.host == "internal");
    CHECK(*options.set_request_headers.find("x-from") == "sluice");
    CHECK(options.remove_request_headers == Lines{"x-debug"});
    CHECK(*options.set_response_headers.find("x-frame-options") == "DENY");
    CHECK(options.remove_response_headers == Lines{"server"});
    CHECK(options.max_request_bytes == 1_MiB);
  }

  TEST_CASE("the forms of a heartbeat") {
    CHECK(route_of("heartbeat = \"block\"\n").heartbeat == relay::HeartbeatForm::block);
    CHECK(route_of("heartbeat = \"off\"\n").heartbeat == relay::HeartbeatForm::off);
    const auto options = route_of("heartbeat = \"event:ping\"\n");
    CHECK(options.heartbeat == relay::HeartbeatForm::event);
    CHECK(options.heartbeat_event == "ping");
    const std::string said =
        "7:13: route[0].heartbeat: must be one of \"line\", \"block\", \"event:NAME\", \"off\"";
    for (const std::string wrong : {"\"event:\"", "\"event:a b\"", "\"lines\""}) {
      CHECK(fault_of("heartbeat = " + wrong + "\n") == said);
    }
    for (const std::string time : {"\"15s\"", "15", "{ interval = \"15s\" }"}) {
      CHECK(fault_of("heartbeat = " + time + "\n") == said + "; how often is `heartbeat_interval`");
    }
  }

  TEST_CASE("the interval of heartbeats is that of [heartbeat], wherever it stands") {
    const std::string section = "[heartbeat]\ninterval = \"20s\"\n";
    CHECK(route_of(section).heartbeat_interval == 20s);
    CHECK(route_of("heartbeat_interval = \"5s\"\n" + section).heartbeat_interval == 5s);
    CHECK(fault_of("heartbeat_interval = \"1ms\"\n") ==
          "7:22: route[0].heartbeat_interval: 1ms is below the least, 100ms");
  }

  TEST_CASE("how streams end and fail") {
    const auto options = route_of(
        "replay = true\nerrors = \"openai\"\non_end = \"reconnect\"\nslow = \"latest\"\n"
        "unavailable = \"status\"\nearly_after = \"2s\"\nsilence_timeout = \"1m\"\n"
        "min_retry = \"1s\"\nmax_retry = \"1m\"\nmax_event_bytes = \"64KiB\"\n");
    CHECK(options.errors == relay::ErrorForm::openai);
    CHECK(options.on_end == relay::OnEnd::reconnect);
    CHECK(options.slow == relay::SlowReader::latest);
    CHECK(options.unavailable == relay::Unavailable::status);
    CHECK(options.early_after == 2s);
    CHECK(options.max_event_bytes == 64_KiB);
  }

  TEST_CASE("a stream that may be resumed lingers, unless the file says otherwise") {
    CHECK(route_of("replay = true\n").on_disconnect == relay::OnDisconnect::linger);
    CHECK(route_of("replay = true\non_disconnect = \"cancel\"\n").on_disconnect ==
          relay::OnDisconnect::cancel);
    CHECK(route_of("share = true\n").on_disconnect == relay::OnDisconnect::cancel);
    CHECK_FALSE(route_of("replay = false\n").replay.enabled);
  }

  TEST_CASE("sharing has options of its own") {
    const auto share = route_of(
                           "share = { headers = [\"Accept-Language\"], across_credentials = true, "
                           "late = \"events\", late_events = 3, linger = \"1s\" }\n")
                           .share;
    CHECK(share.enabled);
    CHECK(share.headers == Lines{"accept-language"});
    CHECK(share.across_credentials);
    CHECK(share.late == relay::LateJoiner::events);
    CHECK(share.late_events == 3);
    CHECK(share.linger == 1s);
  }

  TEST_CASE("who may use it, and which pages may read it") {
    const auto access = access_of(
        "token = \"required\"\nkeys = [{ secret = \"a-secret-of-32-bytes-or-more-for-it\" }]\n"
        "claims = { scope = \"read\", tenant = \"a\" }\npass_token = false\n"
        "cors = \"own\"\ncors_origins = [\"https://app.example\"]\ncors_max_age = \"1h\"\n");
    CHECK(access.token == TokenUse::required);
    CHECK(access.keys.size() == 1);
    REQUIRE(access.claims.size() == 2);
    CHECK(access.claims[0].name == "scope");
    CHECK(access.claims[1].value == "a");
    CHECK_FALSE(access.pass_token);
    CHECK(access.cors_by == CorsBy::gateway);
    CHECK(access.cors.max_age == 1h);
  }

  TEST_CASE("the call-out is an upstream, too: that of a table where there is one") {
    const Config config = config_of(route(
        "auth_url = \"http://auth:9001/check?a=b\"\nauth_headers = [\"X-Key\"]\n"
        "auth_copy = [\"X-User\"]\nauth_cache_entries = 5\nauth_timeout = \"1s\"\n"
        "[[route]]\npath = \"/b\"\nupstream = \"http://h:2\"\nauth_url = \"https://auth2:9001\"\n"
        "[[upstream]]\nname = \"auth2\"\nurls = \"https://auth2:9001\"\nverify = false\n"));
    const AuthCallOptions& call = config.relay.access[0].call;
    CHECK(config.relay.upstreams[call.upstream].urls == Lines{"http://auth:9001"});
    CHECK(call.authority == "auth:9001");
    CHECK(call.path == "/check");
    CHECK(call.query == "a=b");
    CHECK(call.headers == Lines{"x-key"});
    CHECK(call.copy == Lines{"x-user"});
    CHECK(call.cache_entries == 5);
    const AuthCallOptions& other = config.relay.access[1].call;
    CHECK(config.relay.upstreams[other.upstream].name == "auth2");
    CHECK(other.path == "/");
  }

  TEST_CASE("each route has a name of its own for metrics") {
    const Config config =
        config_of(with("[[route]]\npath = \"/a\"\nmethods = [\"GET\"]\nupstream = \"http://h:1\"\n"
                       "[[route]]\npath = \"/a\"\nupstream = \"http://h:1\"\n"
                       "[[route]]\npath = \"/b\"\nname = \"b\"\nupstream = \"http://h:1\"\n"));
    CHECK(config.relay.routes[0].name == "/a");
    CHECK(config.relay.routes[1].name == "/a #2");
    CHECK(config.relay.routes[2].name == "b");
  }

  TEST_CASE("there is a hub where there is no route, or where the file speaks of it") {
    const std::string hub = "[hub]\nanonymous = true\n";
    CHECK(config_of(with(hub)).has_hub());
    CHECK_FALSE(config_of(route("")).has_hub());
    CHECK(config_of(route(hub)).has_hub());
    CHECK_FALSE(config_of(route(hub + "enabled = false\n")).has_hub());
    CHECK(config_of(with(hub + "enabled = true\n")).has_hub());
    CHECK(fault_of(hub + "enabled = \"yes\"\n") == "9:11: hub.enabled: must be true or false");
    CHECK(fault_of("[demo]\npage = true\n") ==
          "8:8: the demo needs the hub: set `hub.enabled = true`");
  }

  TEST_CASE("limits of all routes together") {
    const Config config =
        config_of(route("[limits]\nsources = 5\nreplay_bytes = \"1MiB\"\n"
                        "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n"));
    CHECK(config.relay.limits.sources == 5);
    CHECK(config.relay.limits.replay_bytes == 1_MiB);
    CHECK(config.relay.trusted_proxies.size() == 2);
  }

  TEST_CASE("certificates of upstreams are relative to the folder of the file") {
    const TempDir dir;
    REQUIRE(tls::make_self_signed(dir.path("c.pem"), dir.path("k.pem")));
    const auto config =
        load(dir.file("f.toml", with("[[upstream]]\nname = \"a\"\nurls = \"https://h\"\n"
                                     "ca_file = \"c.pem\"\ncertificate_file = \"c.pem\"\n"
                                     "key_file = \"k.pem\"\nserver_name = \"a.example\"\n"
                                     "[[route]]\npath = \"/*\"\nupstream = \"a\"\n")));
    REQUIRE(config);
    CHECK(config->relay.upstreams[0].ca_file == dir.path("c.pem"));
    CHECK(config->relay.upstreams[0].key_file == dir.path("k.pem"));
  }
}

TEST_SUITE("Warning about a route") {
  TEST_CASE("a guarded page whose other name nobody guards") {
    CHECK(warnings_in(guarded("/admin") + std::string(kAll)) ==
          Lines{"6:8: warning: route[0].path: \"/admin\" asks who it is, but \"/admin/\" goes "
                "unasked by \"/*\", and many applications serve both as one page; make the path "
                "\"/admin*\", or guard everything that is not meant for all"});
    CHECK(warnings_in("[[route]]\nupstream = \"http://h\"\npath = \"/admin\"\nauth_url = "
                      "\"http://a\"\n" +
                      std::string(kAll))
              .size() == 1);
  }

  TEST_CASE("an upstream that nobody goes to") {
    const std::string table = "[[upstream]]\nname = \"a\"\nurls = \"http://a\"\n";
    CHECK(warnings_in(table + std::string(kAll)) ==
          Lines{"4:1: warning: upstream[0]: no [[route]] goes to \"a\""});
    CHECK(warnings_in(table + "[[route]]\npath = \"/*\"\nupstream = \"a\"\n").empty());
    CHECK(warnings_in(table + std::string(kAll) + "auth_url = \"http://a/check\"\n").empty());
  }

  TEST_CASE("a guarded page that nobody gets round") {
    const std::string all(kAll);
    CHECK(warnings_in(guarded("/admin*") + all).empty());
    CHECK(warnings_in(guarded("/admin") + guarded("/admin/*") + all).empty());
    CHECK(warnings_in(guarded("/admin") + guarded("/*")).empty());
    CHECK(warnings_in(guarded("/admin")).empty());
    CHECK(warnings_in(guarded("/admin", "hosts = [\"a.example\"]\n") + all +
                      "hosts = [\"b.example\"]\n")
              .empty());
    CHECK(warnings_in(guarded("/admin", "hosts = [\"a.example\"]\n") + all +
                      "hosts = [\"*.example\"]\n")
              .size() == 1);
    CHECK(
        warnings_in(guarded("/admin") + "[[route]]\nupstream = \"http://another\"\npath = \"/*\"\n")
            .empty());
    CHECK(warnings_in(guarded("/admin", "methods = [\"POST\"]\n") + all + "methods = [\"GET\"]\n")
              .empty());
  }
}

}  // namespace
}  // namespace sluice::server
