#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/server/config.h"
#include "tests/server/config_texts.h"
#include "tests/server/temp_dir.h"
#include "tls/self_signed.h"

namespace sluice::server {
namespace {

TEST_SUITE("Configuration fault") {
  TEST_CASE("it names file, line and column") {
    CHECK(to_string({"sluice.toml", 3, 9, "message"}) == "sluice.toml:3:9: message");
  }

  TEST_CASE("all faults of a file are told at once, in its order") {
    CHECK(faults_of("[server]\nworkers = -1\n[hub]\nanonymous = \"yes\"\n[heartbeat]\n"
                    "interval = \"15\"\n") ==
          Lines{"1:1: there is no [[listen]] table; add one with an address, as in "
                "\"127.0.0.1:8443\"",
                "2:11: server.workers: -1 is below the least, 0",
                "4:13: hub.anonymous: must be true or false",
                "6:12: heartbeat.interval: \"15\" needs a unit, as in \"15s\""});
  }

  TEST_CASE("two listeners with one address") {
    const std::string two = "[[listen]]\naddress = \"127.0.0.1:PORT\"\ntls = false\n";
    const auto with_port = [&](const std::string& port) {
      std::string text = two + two;
      for (std::size_t at = text.find("PORT"); at != std::string::npos; at = text.find("PORT")) {
        text.replace(at, 4, port);
      }
      return faults_of(text);
    };
    const Lines faults = with_port("8443");
    CHECK(std::find(faults.begin(), faults.end(),
                    "5:11: listen.address: the [[listen]] of line 1 has \"127.0.0.1:8443\" "
                    "already") != faults.end());
    for (const std::string& fault : with_port("0")) {
      CHECK(fault.find("already") == std::string::npos);
    }
  }

  TEST_CASE("a file that is not TOML is told where it ceases to be") {
    const auto faults = faults_of("[server\nworkers = 1\n");
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].substr(0, 4) == "1:8:");
  }

  TEST_CASE("a value that is no TOML comes with one that is") {
    const std::vector<std::pair<std::string, std::string>> mistakes{
        {"path = /x", "1:8: /x needs quotes; write \"/x\""},
        {"path = C:\\new", "1:8: C:\\new needs quotes; write 'C:\\new'"},
        {"[admin]\naddress = 127.0.0.1:9090 # local",
         "2:11: 127.0.0.1:9090 needs quotes; write \"127.0.0.1:9090\""},
        {"a = localhost:80", "1:5: localhost:80 needs quotes; write \"localhost:80\""},
        {"interval = 15s", "1:12: 15s needs quotes; write \"15s\""},
        {"bytes = 64KiB\r\n", "1:9: 64KiB needs quotes; write \"64KiB\""},
        {"replay = { linger = 30s, post = true }", "1:21: 30s needs quotes; write \"30s\""},
        {"methods = [\n  GET,\n]", "2:3: GET needs quotes; write \"GET\""},
        {"share = True", "1:9: True is no value; write true"},
        {"share = no", "1:9: no is no value; write false"},
        {"a = { b = \"é\", c = 5s }", "1:20: 5s needs quotes; write \"5s\""},
        {"a = “x”", "1:5: a string stands in straight quotes, \"…\""},
        {"name = \"x\nother = 1", "1:10: a quote is missing at the end of this string"},
        {"share = {\n  linger = \"1s\"\n}",
         "1:10: a table in { } stands on one line, without a comma at its end"},
    };
    for (const auto& mistake : mistakes) {
      CAPTURE(mistake.first);
      CHECK(faults_of(mistake.first) == Lines{mistake.second});
    }
    CHECK(faults_of("a = 1__0").at(0).find("underscores") != std::string::npos);
    CHECK(faults_of("a \"x\"").at(0).find("expected '='") != std::string::npos);
  }

  TEST_CASE("a file that is not there is a fault of the file") {
    const auto config = load("/nonexistent/sluice.toml");
    REQUIRE_FALSE(config);
    CHECK(to_string(config.error().at(0)) ==
          "/nonexistent/sluice.toml:1:1: cannot read /nonexistent/sluice.toml: No such file or "
          "directory");
  }

  TEST_CASE("a gateway that runs does not wait for a pipe in the place of its file") {
    const TempDir home;
    const auto path = home.path("sluice.toml");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const auto config = load_again(path);
    REQUIRE_FALSE(config);
    CHECK(config.error().at(0).message ==
          "cannot read " + path + ": it is a pipe, and has to be a regular file");
  }

  TEST_CASE("an unknown key comes with the nearest known one") {
    CHECK(faults_of(least("[heartbeat]\nintervall = \"15s\"\n")) ==
          Lines{"7:1: [heartbeat] has no key \"intervall\"; did you mean \"interval\"?"});
    CHECK(faults_of("[[listen]]\nadress = \"127.0.0.1:0\"\naddress = \"127.0.0.1:0\"\n"
                    "tls = false\n[hub]\nanonymous = true\n") ==
          Lines{"2:1: listen[0] has no key \"adress\"; did you mean \"address\"?"});
    CHECK(faults_of(least("[drain]\nxyzzy = 1\n")) ==
          Lines{"7:1: [drain] has no key \"xyzzy\"; there is delay, window, hard_limit"});
  }

  TEST_CASE("a key in the wrong table is sent to its own") {
    CHECK(faults_of(least("max_events = 10\n")) ==
          Lines{"6:1: [hub] has no key \"max_events\"; did you mean history.max_events?"});
    CHECK(faults_of("workers = 4\n" + least()) ==
          Lines{"1:1: the top of the file has no key \"workers\"; did you mean server.workers?"});
  }

  TEST_CASE("an unknown table comes with the nearest known one") {
    CHECK(faults_of(least("[heartbeet]\ninterval = \"15s\"\n")) ==
          Lines{"6:2: there is no table [heartbeet]; did you mean [heartbeat]?"});
  }

  TEST_CASE("a value of the wrong kind is told what would be right") {
    const auto fault = [](const std::string& more) { return faults_of(least(more)).at(0); };
    CHECK(fault("[heartbeat]\ninterval = 15\n") ==
          "7:12: heartbeat.interval: 15 needs quotes and a unit, as in \"15s\"");
    CHECK(fault("[limits]\ngather = 5\n") ==
          "7:10: limits.gather: 5 needs quotes and a unit, as in \"100ms\"");
    CHECK(fault("[heartbeat]\ninterval = true\n") ==
          "7:12: heartbeat.interval: must be a duration, as in \"15s\"");
    CHECK(fault("[history]\nmax_bytes = \"many\"\n") ==
          "7:13: history.max_bytes: \"many\" is not a number with a unit, as in \"64KiB\"");
    CHECK(fault("[history]\nmax_events = 1.5\n") ==
          "7:14: history.max_events: must be a whole number");
    CHECK(fault("[log]\nlevel = \"loud\"\n") ==
          "7:9: log.level: must be one of \"debug\", \"info\", \"warning\", \"error\", \"off\"");
    CHECK(fault("cors_origins = \"*\"\n") ==
          "6:16: hub.cors_origins: must be an array of strings: [\"*\"]");
    CHECK(fault("cors_origins = [\"*\", 1]\n") ==
          "6:16: hub.cors_origins: must be an array of strings");
    CHECK(fault("[[log]]\nlevel = \"info\"\n") == "6:1: log must be one table, [log]");
  }

  TEST_CASE("a value out of range is told the bound") {
    CHECK(faults_of(least("[heartbeat]\ninterval = \"1ms\"\n")).at(0) ==
          "7:12: heartbeat.interval: 1ms is below the least, 1s");
    CHECK(faults_of(least("[limits]\nheader_bytes = \"2MiB\"\n")).at(0) ==
          "7:16: limits.header_bytes: 2MiB is above the most, 1MiB");
    CHECK(faults_of(least("[limits]\nmemory = \"1MiB\"\n")).at(0) ==
          "7:10: limits.memory: 1MiB is below the least, 32MiB; 0B: no limit");
    CHECK(faults_of(least("[limits]\nexempt = [\"10.0.0.0/99\"]\n")).at(0).substr(0, 20) ==
          "7:10: limits.exempt:");
  }

  TEST_CASE("memory is what the machine has, a size, or not limited") {
    CHECK(config_of(least()).limits.memory == kMemoryOfMachine);
    CHECK(config_of(least("[limits]\nmemory = \"auto\"\n")).limits.memory == kMemoryOfMachine);
    CHECK(config_of(least("[limits]\nmemory = \"64MiB\"\n")).limits.memory == 64_MiB);
    CHECK(config_of(least("[limits]\nmemory = \"0B\"\n")).limits.memory == 0);
  }

  TEST_CASE("a listener with TLS needs a certificate and its key") {
    const std::string listen = "[[listen]]\naddress = \"127.0.0.1:0\"\n[hub]\nanonymous = true\n";
    CHECK(faults_of(listen) ==
          Lines{"1:1: a listener with TLS needs tls.certificate; give a PEM file, or set "
                "`tls = false` for that listener"});
    CHECK(faults_of(listen + "[tls]\ncertificate = \"c.pem\"\n").at(0) ==
          "6:15: a listener with TLS needs tls.key; give a PEM file, or set `tls = false` for "
          "that listener");
    const auto unreadable =
        faults_of(listen + "[tls]\ncertificate = \"/none/c.pem\"\nkey = \"/none/k.pem\"\n");
    REQUIRE(unreadable.size() == 1);
    CHECK(unreadable[0].substr(0, 11) == "6:15: tls: ");
    CHECK(unreadable[0].find("/none/c.pem") != std::string::npos);
  }

  TEST_CASE("a certificate that belongs to another key is found out before start") {
    const TempDir dir;
    REQUIRE(tls::make_self_signed(dir.path("cert.pem"), dir.path("other.pem")));
    REQUIRE(tls::make_self_signed(dir.path("other-cert.pem"), dir.path("key.pem")));
    const auto config = load(dir.file("f.toml", kHub));
    REQUIRE_FALSE(config);
    CHECK(config.error().size() == 1);
    CHECK(config.error()[0].message.find("key.pem") != std::string::npos);
  }

  TEST_CASE("an address needs a port, and an IPv6 address brackets") {
    for (const char* good : {"127.0.0.1:0", "[::1]:8443", "*:443", "gateway.example:65535"}) {
      CAPTURE(good);
      CHECK(faults_of(least("[admin]\naddress = \"" + std::string(good) + "\"\n")).empty());
    }
    for (const char* bad : {"127.0.0.1", "localhost:", ":80", "::1:80", "localhost:65536",
                            "localhost:http", "http://localhost:80"}) {
      CAPTURE(bad);
      CHECK(faults_of(least("[admin]\naddress = \"" + std::string(bad) + "\"\n")).at(0) ==
            "7:11: admin.address: \"" + std::string(bad) +
                "\" is not an address with a port, as in \"127.0.0.1:8443\"");
    }
  }

  TEST_CASE("a hub that nobody could subscribe to is a fault") {
    CHECK(faults_of("[[listen]]\naddress = \"127.0.0.1:0\"\ntls = false\n[hub]\n"
                    "anonymous = false\n") ==
          Lines{"5:13: nobody could subscribe: set `hub.anonymous = true`, or give "
                "hub.subscriber_keys"});
  }

  TEST_CASE("a key says what is wrong with it") {
    const auto fault = [](const std::string& key) {
      return faults_of(least("publisher_keys = [" + key + "]\n")).at(0);
    };
    CHECK(fault("{ alg = \"HS256\", secret = \"short\" }") ==
          "6:19: hub.publisher_keys: the secret has 5 bytes; HS256 needs 32 or more, as "
          "`openssl rand -hex 32` makes them");
    CHECK(fault("{ alg = \"HS256\" }") ==
          "6:19: hub.publisher_keys: a key needs \"secret\", \"secret_file\", \"key_file\", "
          "\"jwks_file\" or \"jwks_url\"");
    CHECK(fault("{ alg = \"none\", secret = \"x\" }").substr(0, 84) ==
          "6:27: hub.publisher_keys[0].alg: \"none\" is not an algorithm that is supported: HS256");
    CHECK(fault("{ alg = 7, secret = \"x\" }").substr(0, 66) ==
          "6:27: hub.publisher_keys[0].alg: must be one of, or an array of, H");
    CHECK(fault("{ algorithm = \"HS256\" }").substr(0, 64) ==
          "6:21: hub.publisher_keys[0] has no key \"algorithm\"; there is alg");
    CHECK(fault("{ secret_file = \"/none\" }") ==
          "6:19: hub.publisher_keys: cannot read /none: No such file or directory");
  }

  TEST_CASE("members of a key that make no sense together are refused, with what would") {
    const auto fault = [](const std::string& members) {
      const std::string text = faults_of(least("publisher_keys = [{ " + members + " }]\n")).at(0);
      return text.substr(std::string("6:19: hub.publisher_keys: ").size());
    };
    const std::string secret = "secret = \"a-secret-of-32-bytes-or-more-in-the-file\"";
    CHECK(fault(secret + ", jwks_url = \"https://i.example/k\"") ==
          "a key has one of \"secret\" and \"jwks_url\", not both");
    CHECK(fault(secret + ", alg = \"RS256\"") ==
          "RS256 needs a \"key_file\" or a JWK set, not a shared secret");
    CHECK(fault(secret + ", alg = [\"HS256\", \"HS384\"]") ==
          "\"alg\": one key has one algorithm; several only with \"jwks_file\" and \"jwks_url\"");
    CHECK(fault("key_file = \"k.pem\", alg = \"HS256\"") ==
          "HS256 needs a shared secret: \"secret\" or \"secret_file\"");
    CHECK(fault("jwks_url = \"https://i.example/k\", alg = [\"RS256\", \"HS256\"]") ==
          "HS256 needs a shared secret: \"secret\" or \"secret_file\"");
    CHECK(fault("jwks_url = \"https://i.example/k\", kid = \"1\"") ==
          "\"kid\" beside \"jwks_url\": the keys of a set have their own");
    CHECK(fault("jwks_url = \"http://i.example/k\"").substr(0, 72) ==
          "jwks_url: \"http://i.example/k\": keys are fetched by https only, but for ");
    CHECK(fault("key_file = \"/none.pem\"") == "cannot read /none.pem: No such file or directory");
  }

  TEST_CASE("an origin is a scheme and a host, nothing more") {
    for (const char* bad : {"app.example", "https://app.example/", "https://App.example", "null"}) {
      CAPTURE(bad);
      CHECK(faults_of(least("cors_origins = [\"" + std::string(bad) + "\"]\n")).size() == 1);
    }
    CHECK(faults_of(least("cors_origins = [\"*\", \"http://localhost:3000\"]\n")).empty());
  }

  TEST_CASE("a file journal needs a folder that it can have") {
    const auto faults = [](const std::string& more) {
      return faults_of(least("[history]\njournal = \"file\"\n" + more));
    };
    const TempDir dir;
    const std::string file = dir.file("file", "x");
    CHECK(faults("path = \"" + dir.path("history") + "\"\n").empty());
    CHECK(faults("") == Lines{"7:11: history.path: the file journal needs a folder; add one, as in "
                              "path = \"history\""});
    CHECK(faults("path = \"" + file + "\"\n") ==
          Lines{"8:8: history.path: " + file + " is a file; history needs a folder of its own"});
    CHECK(faults("path = \"" + dir.path("none/history") + "\"\n") ==
          Lines{"8:8: history.path: " + dir.path("none/history") +
                " cannot be made: " + dir.path("none") + ": No such file or directory"});
  }

  TEST_CASE("an access log needs a folder that it can have, and is none itself") {
    const auto faults = [](const std::string& file) {
      return faults_of(least("[access_log]\nfile = \"" + file + "\"\n"));
    };
    const TempDir dir;
    const std::string file = dir.file("file", "x");
    const std::string here = dir.path("here");
    std::filesystem::create_directory(here);
    const std::string begin = "7:8: access_log.file: ";
    for (const std::string& good :
         {file, dir.path("new.log"), std::string("stdout"), std::string("stderr")}) {
      CHECK(faults(good).empty());
    }
    CHECK_FALSE(std::filesystem::exists(dir.path("new.log")));
    CHECK(faults(here) == Lines{begin + here + " is a folder; name a file in it, as in \"" + here +
                                "/access.log\""});
    CHECK(faults(dir.path("none/a.log")) ==
          Lines{begin + dir.path("none/a.log") + " cannot be made: " + dir.path("none") +
                ": No such file or directory"});
    CHECK(faults(file + "/a.log") ==
          Lines{begin + file + "/a.log cannot be made: " + file + ": Not a directory"});
  }

  TEST_CASE("the windows are all of history, or the newest part of what a file has") {
    const TempDir dir;
    const Config memory = config_of(least("[history]\nmax_events = 77\n"));
    CHECK(memory.hub.history_events == 77);
    const Config file =
        config_of(least("[history]\njournal = \"file\"\npath = \"" + dir.path("history") +
                        "\"\nmax_events = 77\nwindow_events = 7\n"));
    CHECK(file.hub.history_events == 7);
    CHECK(file.history.file.retention.events == 77);
  }

  TEST_CASE("the Redis journal needs a server that can be read, and a name for its stream") {
    CHECK(faults_of(least("[history]\njournal = \"redis\"\n")) ==
          Lines{"7:11: history.url: the Redis journal needs a server; add one, as in url = "
                "\"redis://127.0.0.1:6379/0\", or sentinels = [\"10.0.0.1:26379\"] and master = "
                "\"mymaster\""});
    CHECK(faults_of(least("[history]\njournal = \"redis\"\nurl = \"redis://h:6379/x\"\n")) ==
          Lines{"8:7: history.url: behind the '/' stands no number of a database; in a password "
                "write / as %2F"});
    CHECK(faults_of(least("[history]\njournal = \"redis\"\nurl = \"redis://h\"\nkey = \"\"\n")) ==
          Lines{"9:7: history.key: must not be empty"});
    CHECK(
        faults_of(least("[history]\njournal = \"redis\"\nurl = \"redis://h\"\nkey = \"{}a\"\n")) ==
        Lines{"9:7: history.key: \"{}a\" has braces that enclose nothing: they name what a cluster "
              "keeps together, as in \"{app}:events\""});
    CHECK(faults_of(
              least("[history]\njournal = \"redis\"\nurl = \"redis://h\"\nkey = \"{app}\"\n")) ==
          Lines{"9:7: history.key: \"{app}\" is all braces: what stands beside it would be that of "
                "\"app\" too; leave them away, or add a name, as in \"{app}:events\""});
  }

  TEST_CASE("a Redis that no journal would use is a journal that was forgotten") {
    const std::string without =
        ": it is of no use without history.journal = \"redis\": add that, or this instance shares "
        "its history with nobody";
    CHECK(faults_of(least("[history]\nurl = \"redis://h\"\n")) ==
          Lines{"7:7: history.url" + without});
    CHECK(faults_of(least("[history]\njournal = \"memory\"\nwait_replicas = 1\n")) ==
          Lines{"8:17: history.wait_replicas" + without});
    CHECK(faults_of(least("[history]\nsentinels = [\"h\"]\n")) ==
          Lines{"7:13: history.sentinels" + without});
  }

  TEST_CASE("the files that a login at Redis needs are there") {
    const std::string redis = "[history]\njournal = \"redis\"\nurl = \"rediss://h\"\n";
    for (const std::string option : {"password_file", "ca_file"}) {
      const Lines found = faults_of(least(redis + option + " = \"/nowhere/file\"\n"));
      REQUIRE(found.size() == 1);
      CHECK(found[0].find("history." + option + ": ") != std::string::npos);
      CHECK(found[0].find("/nowhere/file") != std::string::npos);
    }
  }

  TEST_CASE("Redis is found by its URL or by sentinels, and not by both") {
    const auto faults = [](std::string_view lines) {
      return faults_of(least("[history]\njournal = \"redis\"\n" + std::string(lines)));
    };
    CHECK(faults("sentinels = [\"10.0.0.1\", \"[fd00::1]:26379\"]\nmaster = \"m\"\ntls = true\n")
              .empty());
    CHECK(
        faults("url = \"redis://h\"\nsentinels = [\"10.0.0.1\"]\nmaster = \"m\"\n") ==
        Lines{"9:13: history.sentinels: beside history.url it is a second way to find Redis: keep "
              "one. With sentinels the login is history.user and history.password_file, the "
              "database history.database, and TLS history.tls"});
    CHECK(
        faults("sentinels = [\"10.0.0.1\"]\n") ==
        Lines{"8:13: history.master: by which name do the sentinels know the master? As in master "
              "= \"mymaster\"; `redis-cli -p 26379 SENTINEL MASTERS` shows it"});
    CHECK(faults("sentinels = []\nmaster = \"m\"\n") ==
          Lines{"8:13: history.sentinels: it has to name 1 to 16 sentinels, as in "
                "[\"10.0.0.1:26379\", \"10.0.0.2:26379\"]"});
    CHECK(faults("sentinels = [\"redis://10.0.0.1\"]\nmaster = \"m\"\n") ==
          Lines{"8:13: history.sentinels: a sentinel is host and port alone, as in "
                "\"10.0.0.1:26379\"; for TLS say history.tls = true"});
    CHECK(faults("sentinels = [\"10.0.0.1:x\"]\nmaster = \"m\"\n") ==
          Lines{"8:13: history.sentinels: \"10.0.0.1:x\" is no address, as in \"10.0.0.1:26379\", "
                "\"[fd00::1]:26379\" or \"redis-1.example:26379\""});
  }

  TEST_CASE("what goes with sentinels alone is said to be of no use beside a URL") {
    const auto faults = [](std::string_view line) {
      return faults_of(least("[history]\njournal = \"redis\"\nurl = \"redis://h\"\n" +
                             std::string(line) + "\n"));
    };
    for (const auto* option : {"master = \"m\"", "sentinel_user = \"u\"",
                               "sentinel_password_file = \"f\"", "sentinel_timeout = \"1s\""}) {
      const Lines found = faults(option);
      REQUIRE(found.size() == 1);
      CHECK(found[0].find("it is of no use without history.sentinels") != std::string::npos);
    }
    CHECK(faults("tls = true") ==
          Lines{"9:7: history.tls: it goes with history.sentinels; a URL says "
                "it by its beginning, rediss://"});
    CHECK(faults("database = 2") ==
          Lines{"9:12: history.database: it goes with history.sentinels; a "
                "URL says it by its end, as in /2"});
  }

  TEST_CASE("the Redis journal has room for four of the largest events, and for their topics") {
    const std::string redis = "[history]\njournal = \"redis\"\nurl = \"redis://h\"\n";
    CHECK(faults_of(least("max_event_bytes = \"1MiB\"\n" + redis + "answer_bytes = \"4MiB\"\n"))
              .empty());
    CHECK(faults_of(least("max_event_bytes = \"1MiB\"\n" + redis + "answer_bytes = \"3MiB\"\n")) ==
          Lines{"10:16: history.answer_bytes: 3MiB is less than four times hub.max_event_bytes, "
                "1MiB"});
    CHECK(faults_of(least("max_batch = 65536\n" + redis)).empty());
    CHECK(faults_of(least("max_batch = 65537\n" + redis)) ==
          Lines{"6:13: hub.max_batch: 65537 are more than the 65536 that may wait for Redis"});
    CHECK(faults_of(least("max_topics = 1000\n" + redis)).empty());
    CHECK(faults_of(least("max_topics = 1001\n" + redis)) ==
          Lines{"6:14: hub.max_topics: 1001 are more than the 1000 that an event can have in "
                "Redis"});
  }

  TEST_CASE("the Redis journal warns of topics' own bounds, which it does not keep to") {
    const std::string topics =
        "[[topic]]\nmatch = \"a\"\npolicy = \"latest\"\n[[topic]]\nmatch = \"b\"\nmax_events = 5\n";
    const auto warnings = [&](const std::string& history) {
      Lines lines;
      for (const Fault& fault : config_of(least(history + topics)).warnings) {
        lines.push_back(to_string(fault).substr(fault.file.size() + 1));
      }
      return lines;
    };
    CHECK(warnings("[history]\njournal = \"memory\"\n").empty());
    CHECK(
        warnings("[history]\njournal = \"redis\"\nurl = \"redis://h\"\n") ==
        Lines{"14:14: warning: topic[1]: the Redis journal keeps every topic as long as "
              "history.max_events, max_bytes and max_age say: clients that come back can be given "
              "more of \"b\" than this [[topic]] allows. Publish it with a ttl instead, or give "
              "it a hub of its own"});
  }

  TEST_CASE("a file for the relay alone is not asked who may subscribe to the hub") {
    CHECK(faults_of("[[listen]]\naddress = \"127.0.0.1:0\"\ntls = false\n[[route]]\n"
                    "path = \"/app/*\"\nupstream = \"http://127.0.0.1:9000\"\n")
              .empty());
  }

  TEST_CASE("options that contradict each other are named, both") {
    const auto fault = [](const std::string& more) { return faults_of(least(more)).at(0); };
    CHECK(fault("[retry]\nmin = \"10s\"\nmax = \"5s\"\n") ==
          "7:7: retry.min: 10s is more than retry.max, 5s");
    CHECK(fault("jwks_refresh = \"10s\"\n") ==
          "6:16: hub.jwks_min_interval: 30s is more than hub.jwks_refresh, 10s");
    CHECK(fault("[heartbeat]\ninterval = \"1s\"\n") ==
          "7:12: heartbeat.jitter: 1500ms must be less than heartbeat.interval, 1s; set both");
    CHECK(fault("[drain]\nhard_limit = \"1s\"\n") ==
          "7:14: drain.hard_limit: 1s is less than drain.delay and drain.window together, 15s");
    CHECK(fault("[limits]\nstreams_per_connection = 500\n").substr(0, 50) ==
          "7:26: limits.streams_per_connection: 500 is more t");
    CHECK(fault("max_event_bytes = \"8MiB\"\n") ==
          "6:19: hub.max_event_bytes: 8MiB does not fit into hub.max_body_bytes, 4MiB");
  }
}

}  // namespace
}  // namespace sluice::server
