/// How an instance comes to its Redis: TLS, users and passwords.
#include "tests/redis/help.h"
#include "tests/tls/authority.h"

namespace sluice::redis {
namespace {

/// A server with TLS on a port of its own, beside the other one.
struct Guarded {
  explicit Guarded(const tls::Authority& authority, const std::string& names,
                   const std::string& clients = "no")
      : files(authority.issue({.name = "redis", .alternatives = names})),
        port(std::to_string(Server::free_port())),
        server({"--tls-port", port, "--tls-cert-file", files.certificate, "--tls-key-file",
                files.key, "--tls-ca-cert-file", authority.file(), "--tls-auth-clients", clients}) {
  }
  [[nodiscard]] Options options(const std::string& host, const std::string& ca_file) const {
    Options options = Instance::quick(server);
    options.link.url = "rediss://" + host + ":" + port;
    options.link.ca_file = ca_file;
    return options;
  }

  tls::CertificateFiles files;
  std::string port;
  Server server;
};

TEST_SUITE("Redis with TLS") {
  TEST_CASE("is believed with a certificate of an authority that we trust, for its name") {
    const tls::Authority authority;
    const Guarded guarded(authority, "DNS:localhost,IP:127.0.0.1");
    for (const std::string host : {"localhost", "127.0.0.1"}) {
      CAPTURE(host);
      const Instance it(guarded.options(host, authority.file()));
      CHECK(it.append({draft("t")}).size() == 1);
      CHECK(comes_true([&] { return it.witness.seen() == 1; }));
    }
  }

  TEST_CASE("is not believed with a certificate of anybody else") {
    const tls::Authority authority;
    const tls::Authority other;
    const Guarded guarded(authority, "IP:127.0.0.1");
    CHECK(contains(why_not(guarded.options("127.0.0.1", other.file())), "certificate"));
    CHECK(contains(why_not(guarded.options("127.0.0.1", "")), "certificate"));
  }

  TEST_CASE("is not believed under another name") {
    const tls::Authority authority;
    const Guarded guarded(authority, "DNS:other.example");
    CHECK(contains(why_not(guarded.options("127.0.0.1", authority.file())), "IP address mismatch"));
    CHECK(contains(why_not(guarded.options("localhost", authority.file())), "ostname mismatch"));
  }

  TEST_CASE("and a clear-text URL do not go together, nor the other way round") {
    const tls::Authority authority;
    const Guarded guarded(authority, "IP:127.0.0.1");
    Options clear = guarded.options("127.0.0.1", "");
    clear.link.url = "redis://127.0.0.1:" + guarded.port;
    CHECK(contains(why_not(clear), "is history.url right?"));
    Options encrypted = guarded.options("127.0.0.1", authority.file());
    encrypted.link.url = "rediss://127.0.0.1:" + guarded.server.port();
    CHECK(contains(why_not(encrypted), "is history.url right?"));
  }

  TEST_CASE("needs a file of authorities that can be read") {
    const tls::Authority authority;
    const Guarded guarded(authority, "IP:127.0.0.1");
    const auto why = why_not(guarded.options("127.0.0.1", authority.folder.file("none.pem")));
    CHECK(why.starts_with("history.ca_file: "));
    CHECK(contains(why, "none.pem"));
  }
}

TEST_SUITE("Redis with users") {
  TEST_CASE("lets in who has the right password, by its options or by its URL") {
    const Server server;
    server.ask({"ACL", "SETUSER", "ann", "on", ">pass word", "~*", "+@all"});
    server.ask({"ACL", "SETUSER", "default", "off"});
    Options options = Instance::quick(server);
    options.link.user = "ann";
    options.link.password = "pass word";
    CHECK(Instance(options).append({draft("t")}).size() == 1);
    Options by_url = Instance::quick(server);
    by_url.link.url = "redis://ann:pass%20word@127.0.0.1:" + server.port();
    CHECK(Instance(by_url).append({draft("t")}).size() == 1);
  }

  TEST_CASE("needs no more than these rights") {
    const Server server;
    Words rights{"ACL",     "SETUSER",       "ann",     "on",
                 ">secret", "resetchannels", "~sluice", "~{sluice}:*"};
    for (const char* command :
         {"del",   "eval",    "evalsha",       "exists",    "hdel",        "hget",  "hmget",
          "hset",  "pexpire", "pttl",          "rename",    "script|load", "time",  "xadd",
          "xdel",  "xrange",  "xread",         "xrevrange", "xsetid",      "xtrim", "zadd",
          "zcard", "zrange",  "zrangebyscore", "zrem",      "zscore"}) {
      rights.add(std::string("+") + command);
    }
    server.ask(rights);
    Options options = Instance::quick(server);
    options.link.user = "ann";
    options.link.password = "secret";
    options.retention.events = 10;
    const Instance it(options);
    const sse::Draft order{.topics = {"t"}, .data = "x", .id = "mine", .once = "7"};
    CHECK(it.append({order, order})[1].is_repeat);
    CHECK(comes_true([&] { return it.witness.seen() == 1; }));
    CHECK(positions_of(it.read_all()) == Numbers{1});
    CHECK(it.find("mine") == 1);
    CHECK(it.journal->trouble().empty());
  }

  TEST_CASE("says to whom it refuses which right") {
    const Server server;
    server.ask({"ACL", "SETUSER", "ann", "on", ">secret", "~*", "+@all", "-eval"});
    Options options = Instance::quick(server);
    options.link.user = "ann";
    options.link.password = "secret";
    CHECK(contains(why_not(options), "eval"));
  }

  TEST_CASE("refuses a right that is needed later: it is asked more and more seldom") {
    const Server server;
    server.ask({"ACL", "SETUSER", "ann", "on", ">secret", "~*", "+@all", "-xread"});
    Options options = Instance::quick(server);
    options.link.user = "ann";
    options.link.password = "secret";
    options.link.backoff = 4ms;
    options.link.backoff_max = 10s;
    const SteadyClock clock;
    const TimePoint begin = clock.now();
    const Instance it(options);
    CHECK(comes_true([&] { return it.own.losses.value() >= 7; }));
    // Half of 4, 8, 16, 32, 64 and 128 ms at least.
    CHECK(clock.now() - begin >= 126ms);
    CHECK(contains(it.journal->trouble(), "xread"));
  }

  TEST_CASE("refuses a wrong password, and nobody writes it down") {
    const Server server;
    server.ask({"ACL", "SETUSER", "ann", "on", ">right", "~*", "+@all"});
    Options options = Instance::quick(server);
    std::string why;
    SUBCASE("of the options") {
      options.link.user = "ann";
      options.link.password = "geheim";
      why = why_not(options);
    }
    SUBCASE("of the URL") {
      options.link.url = "redis://ann:geheim@127.0.0.1:" + server.port();
      why = why_not(options);
    }
    CHECK(contains(why, "it refuses the login (WRONGPASS"));
    CHECK(contains(why, "history.password_file"));
    CHECK_FALSE(contains(why, "geheim"));
  }

  TEST_CASE("and a password that is no longer right: the log says so, and does not say which") {
    const Server server;
    server.ask({"ACL", "SETUSER", "ann", "on", ">geheim", "~*", "+@all"});
    Options options = Instance::quick(server);
    options.link.user = "ann";
    options.link.password = "geheim";
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    const std::string text = logged([&] {
      log::set_level(log::Level::debug);
      server.ask({"ACL", "SETUSER", "ann", "resetpass", ">other"});
      server.ask({"CLIENT", "KILL", "USER", "ann"});
      CHECK(comes_true([&] { return contains(it.journal->trouble(), "refuses the login"); }));
      server.ask({"ACL", "SETUSER", "ann", ">geheim"});
      CHECK(comes_true([&] { return it.journal->trouble().empty(); }));
      log::set_level(log::Level::off);
    });
    CHECK(contains(text, "is away"));
    CHECK(contains(text, "is back"));
    CHECK_FALSE(contains(text, "geheim"));
  }

  TEST_CASE("has no database of that number for us") {
    const Server server;
    Options options = Instance::quick(server);
    options.link.url += "/99";
    CHECK(contains(why_not(options), "it has no database 99"));
    options.link.url = server.url() + "/3";
    CHECK(Instance(options).append({draft("t")}).size() == 1);
    CHECK(server.ask({"EXISTS", "sluice"}) == "0");
  }
}

}  // namespace
}  // namespace sluice::redis
