#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/server/config.h"
#include "tests/server/config_texts.h"
#include "tests/server/temp_dir.h"
#include "tls/self_signed.h"

namespace sluice::server {
namespace {

/// A good one, behind what is at fault.
constexpr std::string_view kLastRoute = "[[route]]\npath = \"/\"\nupstream = \"http://r\"\n";

TEST_SUITE("Configuration fault of a route") {
  TEST_CASE("it lacks what it cannot be without") {
    CHECK(fault_in("[[route]]\nupstream = \"http://h\"\n") ==
          "4:1: this [[route]] has no path; add one, as in path = \"/app/*\", or \"/*\" for all");
    CHECK(fault_in("[[route]]\npath = \"/\"\n") ==
          "4:1: this [[route]] has no upstream; add one, as in upstream = "
          "\"http://127.0.0.1:9000\"");
    CHECK(faults_of("route = 1\n" + with("")).at(0) ==
          "1:9: route must be an array of tables; write it as [[route]]");
  }

  TEST_CASE("an unknown key comes with the nearest known one, in nested tables too") {
    CHECK(fault_of("stripprefix = \"/app\"\n") ==
          "7:1: route[0] has no key \"stripprefix\"; did you mean \"strip_prefix\"?");
    CHECK(fault_of("share = { lingr = \"1s\" }\n") ==
          "7:11: route[0].share has no key \"lingr\"; did you mean \"linger\"?");
    CHECK(fault_of("replay = { linger = \"x\" }\n").substr(0, 32) ==
          "7:21: route[0].replay.linger: \"x");
    CHECK(fault_of("replay = 5\n") ==
          "7:10: route[0].replay: must be true, or a table of options, as in { linger = \"30s\" }");
    CHECK(fault_of("keys = [{ secrt = \"a\" }]\ntoken = \"required\"\n") ==
          "7:11: route[0].keys[0] has no key \"secrt\"; did you mean \"secret\"?");
    CHECK(fault_of("replay = { size = \"1MiB\" }\n") ==
          "7:12: route[0].replay has no key \"size\"; there is events, bytes, linger, post");
    CHECK(fault_in("[[upstrem]]\nname = \"a\"\n" + std::string(kLastRoute)) ==
          "4:3: there is no table [upstrem]; did you mean [[upstream]]?");
  }

  TEST_CASE("a misspelt key is one fault: what it stands for is not missing, too") {
    CHECK(fault_of("token = \"required\"\nkey = [{ secret = \"a-secret-of-32-bytes\" }]\n") ==
          "8:1: route[0] has no key \"key\"; did you mean \"keys\"?");
    CHECK(fault_in("[[route]]\npth = \"/a\"\nupstream = \"http://h\"\n") ==
          "5:1: route[0] has no key \"pth\"; did you mean \"path\"?");
    CHECK(fault_in("[[route]]\npath = \"/a\"\nupstreem = \"http://h\"\n") ==
          "6:1: route[0] has no key \"upstreem\"; did you mean \"upstream\"?");
  }

  TEST_CASE("a path that no request comes to") {
    const auto with_path = [](const std::string& path) {
      return "[[route]]\nupstream = \"http://h\"\npath = \"" + path + "\"\n";
    };
    CHECK(fault_in(with_path("/a%2fb/*")) ==
          "6:8: route[0].path: \"/a%2fb/*\" takes nothing: what has an escaped slash there is "
          "refused; write it as a slash, or the whole path without '*'");
    CHECK(fault_in(with_path("/a/../b/*")) ==
          "6:8: route[0].path: \"/a/../b/*\" takes nothing: a path with a dot segment is refused");
    CHECK(fault_in(with_path("/a/%2e/*")).find("takes nothing") != std::string::npos);
    CHECK(faults_of(with(with_path("/a%2fb"))).empty());
    CHECK(faults_of(with(with_path("/a/..b/*"))).empty());
  }

  TEST_CASE("a path that is none") {
    for (const std::string path : {"app", "/a*b", "/a?b", "/a b", "*", "/a#"}) {
      CHECK(fault_in("[[route]]\nupstream = \"http://h\"\npath = \"" + path + "\"\n") ==
            "6:8: route[0].path: \"" + path +
                "\" is not a path, as in \"/app\", or \"/app/*\" for all that begins so; a '*' "
                "stands at the end only");
    }
  }

  TEST_CASE("a host that is none") {
    for (const std::string host :
         {"https://a.example", "a.example:443", "a.*.example", "*", "a/b", ""}) {
      CHECK(fault_of("hosts = [\"" + host + "\"]\n") ==
            "7:9: route[0].hosts: \"" + host +
                "\" is not a host without scheme and port, as in \"app.example\" or "
                "\"*.app.example\"");
    }
    CHECK(faults_of(route("hosts = [\"[::1]\", \"localhost\", \"127.0.0.1\"]\n")).empty());
  }

  TEST_CASE("methods and headers that are none") {
    CHECK(fault_of("methods = [\"get\"]\n") ==
          "7:11: route[0].methods: \"get\" is not a method, as in \"GET\"");
    CHECK(fault_of("match_headers = { \"a b\" = \"1\" }\n") ==
          "7:17: route[0].match_headers: \"a b\" is not the name of a header");
    CHECK(fault_of("set_request_headers = { host = \"a\" }\n") ==
          "7:23: route[0].set_request_headers: \"host\" is the gateway's own; give the route a "
          "`host`");
    CHECK(fault_of("set_response_headers = { transfer-encoding = \"a\" }\n") ==
          "7:24: route[0].set_response_headers: \"transfer-encoding\" is the gateway's own");
    CHECK(fault_of("set_response_headers = { a = \"b\\r\\nc: d\" }\n") ==
          "7:24: route[0].set_response_headers: \"a\": not the value of a header");
    CHECK(fault_of("set_response_headers = { a = 1 }\n") ==
          "7:24: route[0].set_response_headers: must be a table of strings, as in { x-tenant = "
          "\"a\" }");
  }

  TEST_CASE("an upstream that is none") {
    CHECK(fault_in("[[upstream]]\nname = \"application\"\nurls = \"http://h\"\n"
                   "[[route]]\npath = \"/\"\nupstream = \"aplication\"\n") ==
          "9:12: route[0].upstream: there is no [[upstream]] \"aplication\"; did you mean "
          "\"application\"?");
    CHECK(fault_in("[[route]]\npath = \"/\"\nupstream = \"127.0.0.1:9000\"\n") ==
          "6:12: route[0].upstream: there is no [[upstream]] \"127.0.0.1:9000\", and a URL begins "
          "with http:// or https://");
    CHECK(
        fault_in("[[route]]\npath = \"/\"\nupstream = \"http://h/app\"\n") ==
        "6:12: route[0].upstream: \"http://h/app\" has a path, which belongs into the route: write "
        "\"http://h\" here, and there rewrite = \"/app/*\" (strip_prefix takes one away)");
    CHECK(fault_in("[[route]]\npath = \"/\"\nupstream = \"http://me@h\"\n") ==
          "6:12: route[0].upstream: \"http://me@h\" has more than scheme, host and port");
    CHECK(fault_in("[[route]]\npath = \"/\"\nupstream = []\n") ==
          "6:12: route[0].upstream: must be a string or an array of strings, as in "
          "\"http://127.0.0.1:9000\"");
    CHECK(fault_in("[[upstream]]\nname = \"a\"\nurls = \"http://h\"\n[[route]]\npath = \"/\"\n"
                   "upstream = \"a\"\nprotocol = \"h2\"\n") ==
          "10:12: route[0].protocol: belongs into the [[upstream]] \"a\"");
  }

  TEST_CASE("a table of an upstream that cannot work") {
    const auto fault = [](const std::string& more) {
      return fault_in("[[upstream]]\n" + more + std::string(kLastRoute));
    };
    CHECK(fault("urls = \"http://h\"\n") ==
          "4:1: upstream[0].name: this [[upstream]] has no name; routes need one");
    CHECK(fault("name = \"a\"\n") ==
          "4:1: upstream[0].urls: this [[upstream]] has no urls; add one, as in urls = "
          "\"http://127.0.0.1:9000\"");
    CHECK(fault("name = \"http://h\"\nurls = \"http://h\"\n") ==
          "5:8: upstream[0].name: \"http://h\" is a URL; those belong into `urls`");
    CHECK(fault("name = \"a\"\nurls = \"h\"\n").substr(0, 20) == "6:8: upstream[0].url");
    CHECK(fault("name = \"a\"\nurls = [\"http://h\", \"https://h\"]\n") ==
          "6:8: upstream[0].urls: some are https and some http; make two [[upstream]] tables of "
          "them");
    CHECK(fault("name = \"a\"\nurls = \"http://h\"\n[[upstream]]\nname = \"a\"\n"
                "urls = \"http://h\"\n") ==
          "8:8: upstream[1].name: there is another [[upstream]] \"a\"");
    CHECK(fault("name = \"a\"\nurls = \"http://h\"\nverify = false\n") ==
          "7:10: upstream[0].verify: is of no use without https");
    CHECK(fault("name = \"a\"\nurls = \"https://h\"\nca_file = \"/nonexistent\"\n") ==
          "7:11: upstream[0].ca_file: cannot read /nonexistent: No such file or directory");
    CHECK(fault("name = \"a\"\nurls = \"http://h\"\nbackoff = \"1m\"\n") ==
          "7:11: upstream[0].backoff: 1m is more than backoff_max, 30s");
  }

  TEST_CASE("a certificate without its key") {
    const TempDir dir;
    REQUIRE(tls::make_self_signed(dir.path("c.pem"), dir.path("k.pem")));
    const auto fault = [&](const std::string& member, const std::string& file) {
      return fault_in("[[upstream]]\nname = \"a\"\nurls = \"https://h\"\n" + member + " = \"" +
                      dir.path(file) + "\"\n" + std::string(kLastRoute));
    };
    CHECK(fault("certificate_file", "c.pem") ==
          "7:20: upstream[0].certificate_file: needs key_file, too");
    CHECK(fault("key_file", "k.pem") == "7:12: upstream[0].key_file: needs certificate_file, too");
  }

  TEST_CASE("a route that an earlier one leaves nothing to") {
    const auto fault = [](const std::string& first, const std::string& second) {
      const Lines faults = faults_of(with("[[route]]\nupstream = \"http://h\"\n" + first +
                                          "[[route]]\nupstream = \"http://h\"\n" + second));
      return faults.empty() ? std::string() : faults.front();
    };
    CHECK(fault("path = \"/*\"\n", "path = \"/app/*\"\n") ==
          "9:8: route[1].path: \"/app/*\" is never reached: the [[route]] of line 4, \"/*\", takes "
          "all of its requests; put this one before it");
    CHECK(fault("path = \"/*\"\n", "path = \"/*\"\n") ==
          "9:8: route[1].path: \"/*\" is never reached: the [[route]] of line 4, \"/*\", takes all "
          "of its requests, and this one all of that one's; one is too many");
    CHECK(fault("path = \"/a\"\n", "path = \"/a\"\nmethods = [\"GET\"]\n") != "");
    CHECK(fault("path = \"/*\"\nhosts = [\"*.example\"]\n",
                "path = \"/\"\nhosts = [\"a.example\", \"b.a.example\"]\n") != "");
    CHECK(fault("path = \"/*\"\nmatch_headers = { a = \"*\" }\n",
                "path = \"/\"\nmatch_headers = { a = \"1\" }\n") != "");
    CHECK(fault("path = \"/app/*\"\n", "path = \"/*\"\n") == "");
    CHECK(fault("path = \"/*\"\nmethods = [\"GET\"]\n", "path = \"/app/*\"\n") == "");
    CHECK(fault("path = \"/*\"\nhosts = [\"*.example\"]\n",
                "path = \"/\"\nhosts = [\"example\"]\n") == "");
    CHECK(fault("path = \"/*\"\nhosts = [\"a.example\"]\n", "path = \"/\"\n") == "");
    CHECK(fault("path = \"/*\"\nmatch_headers = { a = \"1\" }\n", "path = \"/\"\n") == "");
  }

  TEST_CASE("a path for the upstream that cannot be made") {
    CHECK(fault_of("strip_prefix = \"/api\"\n") ==
          "7:16: route[0].strip_prefix: \"/api\" is not what the path, \"/app/*\", begins with");
    CHECK(fault_of("strip_prefix = \"app\"\n") ==
          "7:16: route[0].strip_prefix: \"app\" is not the beginning of a path, as in \"/app\"");
    CHECK(fault_of("strip_prefix = \"/app/\"\n").substr(0, 28) == "7:16: route[0].strip_prefix:");
    CHECK(fault_of("strip_prefix = \"/app\"\nrewrite = \"/b\"\n") ==
          "7:16: route[0].strip_prefix: a route has strip_prefix or rewrite, not both");
    CHECK(fault_in(
              "[[route]]\nupstream = \"http://h\"\npath = \"/app*\"\nstrip_prefix = \"/app\"\n") ==
          "7:16: route[0].strip_prefix: \"/app\" would cut names in two; make the path \"/app/*\"");
    CHECK(fault_of("rewrite = \"v2/*\"\n") ==
          "7:11: route[0].rewrite: \"v2/*\" is not a path, as in \"/v2\" or \"/v2/*\"");
    CHECK(
        fault_in("[[route]]\nupstream = \"http://h\"\npath = \"/app\"\nrewrite = \"/v2/*\"\n") ==
        "7:11: route[0].rewrite: \"/v2/*\" has a '*', and the path, \"/app\", has none to fill it "
        "with");
  }

  TEST_CASE("options of streams that contradict each other") {
    CHECK(
        fault_of("on_disconnect = \"linger\"\n") ==
        "7:17: route[0].on_disconnect: \"linger\" needs a `replay`: nothing would be kept for the "
        "client");
    CHECK(fault_of("methods = [\"POST\"]\nshare = true\n") ==
          "8:9: route[0].share: only answers to GET can be shared, and `methods` has no GET");
    CHECK(fault_of("methods = [\"GET\"]\nreplay = { post = true }\n") ==
          "8:19: route[0].replay.post: `methods` has no POST");
    CHECK(fault_of("methods = [\"POST\"]\nreplay = { post = true }\n") ==
          "8:19: route[0].replay.post: clients come back by GET, and `methods` has no GET");
    CHECK(fault_of("share = { late_events = 5 }\n") ==
          "7:25: route[0].share.late_events: is of no use without late = \"events\"");
    CHECK(fault_of("slow = \"latest\"\n") ==
          "7:8: route[0].slow: is of no use without `share` or `replay`");
    CHECK(fault_of("min_retry = \"1h\"\nmax_retry = \"1m\"\n") ==
          "7:13: route[0].min_retry: 1h is more than max_retry, 1m");
    CHECK(fault_of("early_after = \"1m\"\n") ==
          "7:15: route[0].early_after: 1m is not less than first_byte_timeout, 1m: it would never "
          "come");
    CHECK(fault_of("replay = { bytes = \"64KiB\" }\nmax_event_bytes = \"1MiB\"\n") ==
          "7:10: route[0].replay: replay.bytes, 64KiB, does not hold one event of "
          "max_event_bytes, 1MiB");
    CHECK(route_of("replay = { bytes = \"64KiB\" }\n").max_event_bytes == 64_KiB);
  }

  TEST_CASE("options of access that are of no use alone") {
    CHECK(fault_of("token = \"required\"\n") ==
          "7:9: route[0].token: there is no key to verify tokens with: give the route `keys`, or "
          "hub.subscriber_keys");
    CHECK(fault_of("claims = { a = \"b\" }\n") ==
          "7:10: route[0].claims: is of no use without token = \"required\" or \"optional\"");
    CHECK(fault_of("auth_copy = [\"x-user\"]\n") ==
          "7:13: route[0].auth_copy: is of no use without auth_url");
    CHECK(fault_of("cors_origins = [\"https://a.example\"]\n") ==
          "7:16: route[0].cors_origins: is of no use without cors = \"own\"");
    CHECK(fault_of("cors = \"own\"\n") == "7:8: route[0].cors: \"own\" needs `cors_origins`");
    CHECK(fault_of("cors = \"own\"\ncors_origins = [\"a.example\"]\n") ==
          "8:16: route[0].cors_origins: \"a.example\" is not an origin, as in "
          "\"https://app.example\"");
    CHECK(fault_of("auth_url = \"auth.internal/check\"\n").substr(0, 24) ==
          "7:12: route[0].auth_url:");
    CHECK(fault_of("auth_url = \"http://a/check#b\"\n") ==
          "7:12: route[0].auth_url: \"http://a/check#b\" has a '#', which is never sent");
    CHECK(fault_of("claims = { admin = true }\ntoken = \"required\"\n"
                   "keys = [{ secret = \"a-secret-of-32-bytes-or-more-for-it\" }]\n") ==
          "7:10: route[0].claims: must be a table of strings, as in { scope = \"read\" }");
  }

  TEST_CASE("what people write who have not read the manual") {
    struct Mistake {
      const char* written;
      const char* said;  ///< Behind the place and the key's table.
    };
    const Mistake mistakes[] = {
        {"max_request_bytes = \"10MB\"",
         "max_request_bytes: \"10MB\" has none of the units B, KiB, "
         "MiB, GiB; did you mean \"10MiB\"?"},
        {"heartbeat_interval = 15",
         "heartbeat_interval: 15 needs quotes and a unit, as in \"15s\""},
        {"heartbeat_interval = \"15 sec\"",
         "heartbeat_interval: \"15 sec\" has none of the units ms, s, m, h, d; did you mean "
         "\"15s\"?"},
        {"first_byte_timeout = \"-1s\"", "first_byte_timeout: \"-1s\" is negative"},
        {"early_after = \"0.5s\"",
         "early_after: \"0.5s\" is not a whole number; take a smaller unit"},
        {"methods = [\"GTE\"]", "methods: there is no method \"GTE\"; did you mean \"GET\"?"},
        {"methods = [\"PSOT\"]", "methods: there is no method \"PSOT\"; did you mean \"POST\"?"},
        {"methods = [\"DELET\"]",
         "methods: there is no method \"DELET\"; did you mean \"DELETE\"?"},
        {"methods = [\"CONNECT\"]", "methods: \"CONNECT\" is never relayed"},
        {"methods = [\"TRACE\"]", "methods: \"TRACE\" is never relayed"},
        {"methods = [\"Get\"]", "methods: \"Get\" is not a method, as in \"GET\""},
        {"methods = \"GET\"", "methods: must be an array of strings: [\"GET\"]"},
        {"hosts = \"app.example\"", "hosts: must be an array of strings: [\"app.example\"]"},
        {"token = true", "token: must be one of \"off\", \"optional\", \"required\""},
        {"errors = \"openAI\"",
         "errors: must be one of \"reset\", \"event\", \"openai\", \"anthropic\""},
        {"protocol = \"http2\"", "protocol: must be one of \"auto\", \"http/1.1\", \"h2\""},
        {"claims = \"read\"", "claims: must be a table of strings, as in { scope = \"read\" }"},
        {"set_request_headers = [\"x: y\"]",
         "set_request_headers: must be a table of strings, as in { x-tenant = \"a\" }"},
        {"remove_request_headers = [\"x y\"]",
         "remove_request_headers: \"x y\" is not the name of a header"},
        {"heartbeat = \"event\"",
         "heartbeat: must be one of \"line\", \"block\", \"event:NAME\", \"off\""},
        {"replay = { events = 0 }", "replay.events: 0 is below the least, 1"},
        {"share = { late = \"all\" }",
         "share.late: must be one of \"none\", \"events\", \"types\""},
        {"auth_url = \"/check\"",
         "auth_url: \"/check\" is no upstream's URL, as in \"http://127.0.0.1:9000\""},
        {"strip_prefix = \"/app/\"", "strip_prefix: \"/app/\" ends with a '/'; write \"/app\""},
        {"strip_prefix = \"/ap/\"",
         "strip_prefix: \"/ap/\" is not what the path, \"/app/*\", begins with"},
        {"strip_prefix = \"/\"",
         "strip_prefix: \"/\" is not the beginning of a path, as in \"/app\""},
        {"host = \"a b\"",
         "host: \"a b\" is not a host, as in \"app.example\" or \"app.internal:8080\""},
        {"host = \"http://app\"",
         "host: \"http://app\" is not a host, as in \"app.example\" or \"app.internal:8080\""},
    };
    for (const Mistake& mistake : mistakes) {
      CAPTURE(mistake.written);
      const std::string said = fault_of(std::string(mistake.written) + "\n");
      const std::size_t table = said.find("route[0].");
      CHECK(said.substr(0, 2) == "7:");
      REQUIRE(table != said.npos);
      CHECK(said.substr(table + 9) == mistake.said);
    }
  }

  TEST_CASE("methods of others are not doubted") {
    for (const char* method : {"PROPFIND", "PURGE", "COPY", "LOCK", "QUERY", "M-SEARCH", "BREW"}) {
      CAPTURE(method);
      CHECK(faults_of(route("methods = [\"" + std::string(method) + "\"]\n")).empty());
    }
  }

  TEST_CASE("mistakes in an upstream, and in the names of tables") {
    const auto said = [](const std::string& more) {
      return fault_in("[[upstream]]\nname = \"a\"\nurls = \"http://h\"\n" + more + "\n" +
                      std::string(kLastRoute));
    };
    CHECK(said("max_connections = 0") ==
          "7:19: upstream[0].max_connections: 0 is below the least, 1");
    CHECK(said("max_waiting = -1") == "7:15: upstream[0].max_waiting: -1 is below the least, 0");
    CHECK(said("max_idle = \"many\"") == "7:12: upstream[0].max_idle: must be a whole number");
    CHECK(said("window = \"64KB\"").ends_with("did you mean \"64KiB\"?"));
    CHECK(said("backof = \"1s\"") ==
          "7:1: upstream[0] has no key \"backof\"; did you mean \"backoff\"?");
    CHECK(said("timeout = \"1s\"") ==
          "7:1: upstream[0] has no key \"timeout\"; there is connect_timeout, idle_timeout");
    CHECK(fault_in("[[route]]\npath = 5\nupstream = \"http://h\"\n") ==
          "5:8: route[0].path: must be a string");
    CHECK(fault_of("token = \"required\"\nkeys = { secret = \"x\" }\n").substr(0, 40) ==
          "8:8: route[0].keys: must be an array, as");
    CHECK(fault_in("[[routes]]\npath = \"/\"\nupstream = \"http://h\"\n") ==
          "4:3: there is no table [routes]; did you mean [[route]]?");
    CHECK(fault_in("[[routes]]\npath = \"/a\"\n" + std::string(kLastRoute)) ==
          "4:3: there is no table [routes]; did you mean [[route]]?");
    CHECK(fault_in("[[route]]\npath = \"/\"\nupstream = \"http://h:99999\"\n") ==
          "6:12: route[0].upstream: \"http://h:99999\" has no port from 1 to 65535");
    CHECK(fault_in("[[route]]\npath = \"/\"\nupstream = [\"a\", \"b\"]\n") ==
          "6:12: route[0].upstream: \"a\" is no URL, as in \"http://127.0.0.1:9000\"; several "
          "names need an [[upstream]] with all `urls`");
    CHECK(faults_of("[route]\npath = \"/\"\n" + with("")).at(0) ==
          "1:1: route must be an array of tables; write it as [[route]]");
  }

  TEST_CASE("two of the same name, and networks that are none") {
    CHECK(fault_in("[[route]]\npath = \"/a\"\nname = \"x\"\nupstream = \"http://h\"\n"
                   "[[route]]\npath = \"/b\"\nname = \"x\"\nupstream = \"http://h\"\n") ==
          "10:8: route[1].name: there is another [[route]] \"x\"");
    CHECK(fault_of("[server]\ntrusted_proxies = [\"10.0.0.0/99\"]\n").substr(0, 29) ==
          "8:19: server.trusted_proxies:");
  }
}

}  // namespace
}  // namespace sluice::server
