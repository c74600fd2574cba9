#include "gateway/server/jwks.h"

#include <csignal>
#include <cstdlib>
#include <deque>
#include <httplib.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "gateway/auth/token.h"
#include "gateway/base/c_handle.h"
#include "gateway/base/log.h"
#include "gateway/server/jwks_fetch.h"
#include "tests/server/temp_dir.h"
#include "tls/self_signed.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

const std::string kFirst =
    R"({"keys":[{"kty":"EC","kid":"1","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";
const std::string kSecond =
    R"({"keys":[{"kty":"OKP","kid":"2","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

/// An issuer whose answers are laid out beforehand, and a clock that a test moves.
struct Bench {
  Bench() { log::set_level(log::Level::off); }
  ~Bench() { log::set_level(log::Level::info); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  /// The id of the one key in the ring; "none" without any.
  std::string key_id() const {
    const auto keys = ring.snapshot()->keys;
    return keys.empty() ? "none" : keys.front().id;
  }
  void pass(Duration time) {
    clock.advance(time);
    jwks.poll();
  }

  ManualClock clock;
  auth::KeyRing ring{{}};
  std::deque<Result<JwksAnswer>> answers;
  std::vector<std::string> asked;
  Jwks jwks{{.url = "https://issuer.example/jwks",
             .issuer = "https://issuer.example",
             .audience = "hub",
             .algorithms = {}},
            {.refresh = 15min, .min_interval = 30s},
            ring,
            clock,
            [this](const std::string& url, const std::stop_token&) -> Result<JwksAnswer> {
              asked.push_back(url);
              if (answers.empty()) return fail(Errc::io, "nobody answers");
              auto answer = answers.front();
              answers.pop_front();
              return answer;
            }};
};

TEST_SUITE("Keys by URL") {
  TEST_CASE("they are fetched at once, and have the issuer and audience of their entry") {
    Bench bench;
    bench.answers = {JwksAnswer{kFirst, {}}};
    bench.jwks.poll();
    CHECK(bench.asked == std::vector<std::string>{"https://issuer.example/jwks"});
    CHECK(bench.key_id() == "1");
    CHECK(bench.ring.snapshot()->keys[0].issuer == "https://issuer.example");
    CHECK(bench.ring.snapshot()->keys[0].audience == "hub");
    CHECK(bench.jwks.keys() == 1);
  }

  TEST_CASE("they are fetched anew when the answer's max-age is over, within bounds") {
    Bench bench;
    bench.answers = {JwksAnswer{kFirst, 60s}, JwksAnswer{kSecond, 0s}, JwksAnswer{kFirst, 24h},
                     JwksAnswer{kSecond, {}}};
    bench.jwks.poll();
    bench.pass(59s);
    CHECK(bench.key_id() == "1");
    bench.pass(1s);
    CHECK(bench.key_id() == "2");
    bench.pass(29s);
    CHECK(bench.key_id() == "2");
    bench.pass(1s);
    CHECK(bench.key_id() == "1");
    bench.pass(14min);
    CHECK(bench.key_id() == "1");
    bench.pass(1min);
    CHECK(bench.key_id() == "2");
  }

  TEST_CASE("old keys stay until a new set can be read") {
    Bench bench;
    bench.answers = {JwksAnswer{kFirst, {}}, fail(Errc::io, "down"), JwksAnswer{"<html>", {}},
                     JwksAnswer{R"({"keys":[]})", {}}, JwksAnswer{kSecond, {}}};
    bench.jwks.poll();
    bench.pass(15min);
    for (const auto backoff : {1s, 2s, 4s}) {
      CHECK(bench.key_id() == "1");
      bench.pass(backoff);
    }
    CHECK(bench.key_id() == "2");
    CHECK(bench.jwks.fetches() == 5);
    CHECK(bench.jwks.failures() == 3);
  }

  TEST_CASE("an issuer that is down is asked less and less often") {
    Bench bench;
    for (int i = 0; i < 600; ++i) bench.pass(1s);
    CHECK(bench.asked.size() > 20);
    CHECK(bench.asked.size() < 30);
  }

  TEST_CASE("an unknown key brings the next fetch forward, but no more often than allowed") {
    Bench bench;
    bench.answers = {JwksAnswer{kFirst, {}}, JwksAnswer{kSecond, {}}, JwksAnswer{kFirst, {}}};
    bench.jwks.poll();
    for (int i = 0; i < 29; ++i) {
      bench.jwks.hurry();
      bench.pass(1s);
    }
    CHECK(bench.asked.size() == 1);
    bench.pass(1s);
    CHECK(bench.key_id() == "2");
    bench.pass(5min);
    CHECK(bench.asked.size() == 2);
    bench.jwks.hurry();
    bench.jwks.poll();
    CHECK(bench.key_id() == "1");
  }

  TEST_CASE("a set that did not change does not empty the cache of tokens") {
    Bench bench;
    bench.answers = {JwksAnswer{kFirst, {}}, JwksAnswer{kFirst, {}}};
    bench.jwks.poll();
    const auto before = bench.ring.snapshot()->generation;
    bench.pass(15min);
    CHECK(bench.asked.size() == 2);
    CHECK(bench.ring.snapshot()->generation == before);
  }

  TEST_CASE("max-age is a directive, not the end of another one") {
    CHECK(max_age_of("public, max-age=300, immutable") == 300s);
    CHECK(max_age_of("max-age=0") == 0s);
    CHECK(max_age_of("max-age=99999999999999999999") == 24h * 365);
    CHECK_FALSE(max_age_of("s-maxage=300"));
    CHECK_FALSE(max_age_of("x-max-age=300"));
    CHECK_FALSE(max_age_of("max-age=soon"));
    CHECK_FALSE(max_age_of("no-store"));
    CHECK_FALSE(max_age_of(""));
  }

  TEST_CASE("they come by https, or from this machine") {
    CHECK(check_jwks_url("https://issuer.example/keys"));
    CHECK(check_jwks_url("http://localhost:9000/keys"));
    CHECK(check_jwks_url("http://127.0.0.1/keys"));
    CHECK_FALSE(check_jwks_url("http://issuer.example/keys"));
    CHECK_FALSE(check_jwks_url("file:///etc/passwd"));
    CHECK_FALSE(check_jwks_url("issuer.example"));
  }
}

/// An HTTP server on a thread of its own, with a port that the system chose.
template <class Server>
struct Issuer {
  template <class... Args>
  explicit Issuer(Args... args) : server(args...) {
    server.Get("/keys", [this](const httplib::Request&, httplib::Response& response) {
      response.set_header("cache-control", "max-age=60");
      const std::scoped_lock lock(mutex);
      response.set_content(text, "application/jwk-set+json");
    });
    port = server.bind_to_any_port("127.0.0.1");
    thread = std::thread([this] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::yield();
  }
  ~Issuer() {
    server.stop();
    thread.join();
  }
  Issuer(const Issuer&) = delete;
  Issuer& operator=(const Issuer&) = delete;

  void set_text(std::string next) {
    const std::scoped_lock lock(mutex);
    text = std::move(next);
  }
  std::string url(const std::string& scheme, const std::string& path = "/keys") const {
    return scheme + "://localhost:" + std::to_string(port) + path;
  }
  void redirect(const std::string& path, const std::string& location) {
    server.Get(path, [location](const httplib::Request&, httplib::Response& response) {
      response.set_redirect(location);
    });
  }

  Server server;
  std::mutex mutex;
  std::string text = kFirst;  ///< Guarded by mutex.
  int port = 0;
  std::thread thread;
};
using ClearIssuer = Issuer<httplib::Server>;
using TlsIssuer = Issuer<httplib::SSLServer>;

/// Listens, and never accepts; its queue holds few connections.
struct Deaf {
  Deaf() : listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* at = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener.get(), at, size) == 0);
    REQUIRE(::listen(listener.get(), 3) == 0);
    REQUIRE(::getsockname(listener.get(), at, &size) == 0);
  }
  /// Takes a place in the queue.
  [[nodiscard]] UniqueFd knock() const {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    return fd;
  }
  [[nodiscard]] std::string url(const std::string& scheme) const {
    return scheme + "://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/keys";
  }

  UniqueFd listener;
  sockaddr_in address{};
};

std::string refusal(const std::string& url) {
  const auto answer = fetch_jwks(url, {});
  return answer ? "fetched" : answer.error().what;
}

/// How long a thread that is fetching from there takes to end.
Duration time_to_stop(const std::string& url) {
  log::set_level(log::Level::off);
  auth::KeyRing ring{{}};
  const SteadyClock clock;
  Jwks jwks({.url = url, .issuer = "", .audience = "", .algorithms = {}},
            {.refresh = 1h, .min_interval = 0ms}, ring, clock, fetch_jwks);
  jwks.start();
  CHECK_FALSE(jwks.wait_for_first(200ms));
  const TimePoint begun = clock.now();
  jwks.stop();
  CHECK(jwks.failures() == 0);
  log::set_level(log::Level::info);
  return clock.now() - begun;
}

TEST_SUITE("Fetching keys") {
  TEST_CASE("text and max-age come from the answer") {
    const ClearIssuer issuer;
    const auto answer = fetch_jwks(issuer.url("http"), {});
    REQUIRE(answer);
    CHECK(answer->text == kFirst);
    CHECK(answer->max_age == 60s);
  }

  TEST_CASE("by https the certificate must be trusted, and be for that name") {
    const TempDir dir;
    REQUIRE(tls::make_self_signed(dir.path("cert.pem"), dir.path("key.pem")));
    const TlsIssuer issuer(dir.path("cert.pem").c_str(), dir.path("key.pem").c_str());
    CHECK(refusal(issuer.url("https")).find("no answer from localhost") != std::string::npos);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread reads the environment.
    ::setenv("SSL_CERT_FILE", dir.path("cert.pem").c_str(), 1);
    CHECK(refusal(issuer.url("https")) == "fetched");
    ::unsetenv("SSL_CERT_FILE");  // NOLINT(concurrency-mt-unsafe)
  }

  TEST_CASE("an answer that is no 200 is none") {
    const ClearIssuer issuer;
    CHECK(refusal(issuer.url("http", "/nothing")).find("answered 404") != std::string::npos);
  }

  TEST_CASE("an answer that is too large is not read to its end") {
    ClearIssuer issuer;
    issuer.set_text(std::string(300 * 1024, ' '));
    CHECK(refusal(issuer.url("http")) == "the answer is larger than 256KiB");
  }

  TEST_CASE("a redirect is followed, but neither to another scheme nor for ever") {
    ClearIssuer issuer;
    issuer.redirect("/moved", issuer.url("http"));
    issuer.redirect("/circle", issuer.url("http", "/circle"));
    issuer.redirect("/https", issuer.url("https"));
    issuer.redirect("/elsewhere", "http://issuer.example/keys");
    issuer.redirect("/file", "file:///etc/passwd");
    CHECK(refusal(issuer.url("http", "/moved")) == "fetched");
    CHECK(refusal(issuer.url("http", "/circle")) == "too many redirects");
    for (const char* path : {"/https", "/elsewhere", "/file"}) {
      CAPTURE(path);
      CHECK(refusal(issuer.url("http", path)).find("is not followed") != std::string::npos);
    }
  }

  TEST_CASE("nobody there is a failure, not a wait") {
    std::string url;
    {
      const ClearIssuer issuer;
      url = issuer.url("http");
    }
    CHECK(refusal(url).find("no answer from localhost") != std::string::npos);
  }

  TEST_CASE("a fetch that is under way is cut off, whatever it waits for") {
    std::signal(SIGPIPE, SIG_IGN);
    const Deaf deaf;
    SUBCASE("an answer") {
      CHECK(time_to_stop(deaf.url("http")) < 1500ms);
    }
    SUBCASE("a handshake") {
      CHECK(time_to_stop(deaf.url("https")) < 1500ms);
    }
    SUBCASE("a connection, because the listener's queue is full") {
      std::vector<UniqueFd> others;
      for (int i = 0; i < 8; ++i) others.push_back(deaf.knock());
      CHECK(time_to_stop(deaf.url("http")) < 1500ms);
    }
    SUBCASE("and one that was to begin does not") {
      std::stop_source stopped;
      stopped.request_stop();
      const auto begun = std::chrono::steady_clock::now();
      CHECK_FALSE(fetch_jwks(deaf.url("http"), stopped.get_token()));
      CHECK(std::chrono::steady_clock::now() - begun < 1500ms);
    }
  }

  TEST_CASE("on a thread of its own, a token of a new key brings the new keys") {
    log::set_level(log::Level::off);
    ClearIssuer issuer;
    const SteadyClock clock;
    auth::Verifier verifier({});
    Jwks jwks({.url = issuer.url("http"), .issuer = "", .audience = "", .algorithms = {}},
              {.refresh = 1h, .min_interval = 0ms}, verifier.keys(), clock, fetch_jwks);
    verifier.keys().on_unknown_key([&] { jwks.hurry(); });
    jwks.start();
    REQUIRE(jwks.wait_for_first(10s));
    CHECK(verifier.keys().snapshot()->keys.at(0).id == "1");
    issuer.set_text(kSecond);
    const std::string token = "eyJhbGciOiJFZERTQSIsImtpZCI6IjIifQ.e30.AAAA";
    CHECK(verifier.verify(token, clock.wall()).error().what ==
          "the token names a key (\"kid\") that is not known");
    while (verifier.keys().snapshot()->keys.at(0).id != "2") std::this_thread::yield();
    CHECK(verifier.verify(token, clock.wall()).error().what ==
          "the signature of the token is wrong");
    jwks.stop();
    log::set_level(log::Level::info);
  }
}

}  // namespace
}  // namespace sluice::server
