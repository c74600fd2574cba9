#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/auth/token.h"

namespace sluice::auth {
namespace {

using namespace std::chrono_literals;

const WallTime kNow{std::chrono::seconds(1'800'000'000)};

Key key_of(char letter) {
  return Key::of_secret(Algorithm::hs256, std::string(32, letter)).value();
}

/// A token of key 'a' that is good for an hour from now on.
std::string token_for(const std::string& subject) {
  Claims claims;
  claims.subject = subject;
  claims.not_before = kNow;
  claims.expires = kNow + 1h;
  return mint(key_of('a'), claims).value();
}

TEST_SUITE("Token cache") {
  TEST_CASE("a token that comes again is not verified again") {
    Verifier verifier({key_of('a')});
    for (int i = 0; i < 3; ++i) CHECK(verifier.verify(token_for("x"), kNow)->subject == "x");
    CHECK(verifier.cache().misses() == 1);
    CHECK(verifier.cache().hits() == 2);
  }

  TEST_CASE("it does not outlive its expiry, nor is it valid before its time") {
    Verifier verifier({key_of('a')});
    REQUIRE(verifier.verify(token_for("x"), kNow));
    CHECK(verifier.verify(token_for("x"), kNow + 1h + 29s));
    CHECK(verifier.verify(token_for("x"), kNow + 1h + 30s).error().code == Errc::expired);
    REQUIRE(verifier.verify(token_for("x"), kNow));
    CHECK(verifier.verify(token_for("x"), kNow - 31s).error().what == "the token is not valid yet");
  }

  TEST_CASE("it does not outlive its key") {
    Verifier verifier({});
    const auto source = verifier.keys().add_source();
    verifier.keys().replace(source, {key_of('a')});
    REQUIRE(verifier.verify(token_for("x"), kNow));
    verifier.keys().replace(source, {key_of('b')});
    CHECK(verifier.verify(token_for("x"), kNow).error().what ==
          "the signature of the token is wrong");
  }

  TEST_CASE("tokens that are refused are not kept") {
    Verifier verifier({key_of('b')});
    for (int i = 0; i < 3; ++i) CHECK_FALSE(verifier.verify(token_for("x"), kNow));
    CHECK(verifier.cache().hits() == 0);
    CHECK(verifier.cache().size() == 0);
  }

  TEST_CASE("it holds what it was told to, and the least recently used goes first") {
    Verifier verifier({key_of('a')}, {.cache_entries = 32});
    for (int i = 0; i < 200; ++i) {
      REQUIRE(verifier.verify(token_for(std::to_string(i)), kNow));
      REQUIRE(verifier.verify(token_for("often"), kNow));
    }
    CHECK(verifier.cache().size() <= 32);
    CHECK(verifier.cache().hits() == 199);
  }

  TEST_CASE("its memory is bounded, too") {
    TokenCache cache(1'000'000);
    const std::string large(100'000, 'x');
    for (int i = 0; i < 2'000; ++i) {
      VerifiedToken token;
      token.grants.payload = large;
      cache.insert(TokenCache::digest_of(std::to_string(i)), 0,
                   std::make_shared<const VerifiedToken>(std::move(token)));
    }
    CHECK(cache.size() > 100);
    CHECK(cache.size() < 700);
  }

  TEST_CASE("with no entries there is no cache") {
    Verifier verifier({key_of('a')}, {.cache_entries = 0});
    for (int i = 0; i < 2; ++i) CHECK(verifier.verify(token_for("x"), kNow));
    CHECK(verifier.cache().hits() == 0);
    CHECK(verifier.cache().misses() == 0);
  }

  TEST_CASE("what older keys verified does not come in after them") {
    TokenCache cache(16);
    const auto digest = TokenCache::digest_of("t");
    CHECK(cache.find(digest, 7) == nullptr);
    cache.insert(digest, 6, std::make_shared<const VerifiedToken>());
    CHECK(cache.find(digest, 7) == nullptr);
    cache.insert(digest, 7, std::make_shared<const VerifiedToken>());
    CHECK(cache.find(digest, 7) != nullptr);
    CHECK(cache.find(digest, 6) == nullptr);
    CHECK(cache.find(digest, 7) != nullptr);
    CHECK(cache.find(digest, 8) == nullptr);
  }

  TEST_CASE("many threads verify while keys are replaced") {
    Verifier verifier({}, {.cache_entries = 64});
    const auto source = verifier.keys().add_source();
    verifier.keys().replace(source, {key_of('a')});
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 300; ++i) {
          if (verifier.verify(token_for(std::to_string((i + t) % 100)), kNow)) ++good;
        }
      });
    }
    for (int i = 0; i < 100; ++i) verifier.keys().replace(source, {key_of('a'), key_of('b')});
    for (auto& thread : threads) thread.join();
    CHECK(good == 1200);
  }
}

TEST_SUITE("Key ring") {
  TEST_CASE("the keys of one source are replaced, those of others stay") {
    KeyRing ring({key_of('a')});
    const auto first = ring.add_source();
    const auto second = ring.add_source();
    ring.replace(first, {key_of('b'), key_of('c')});
    ring.replace(second, {key_of('d')});
    CHECK(ring.snapshot()->keys.size() == 4);
    const auto before = ring.snapshot();
    ring.replace(first, {});
    CHECK(ring.snapshot()->keys.size() == 2);
    CHECK(ring.snapshot()->generation > before->generation);
    CHECK(before->keys.size() == 4);
  }

  TEST_CASE("a key that is not known is reported, one that is known is not") {
    Key known = key_of('a');
    known.id = "known";
    Verifier verifier({known});
    int reports = 0;
    verifier.keys().on_unknown_key([&] { ++reports; });
    const auto verify_with_id = [&](const std::string& id, char letter) {
      Key key = key_of(letter);
      key.id = id;
      return verifier.verify(mint(key, {}).value(), kNow).has_value();
    };
    CHECK(verify_with_id("known", 'a'));
    CHECK_FALSE(verify_with_id("known", 'b'));
    CHECK(reports == 0);
    CHECK_FALSE(verify_with_id("new", 'b'));
    CHECK(reports == 1);
    CHECK_FALSE(verifier.verify("no.token.at-all", kNow));
    CHECK(reports == 1);
  }
}

}  // namespace
}  // namespace sluice::auth
