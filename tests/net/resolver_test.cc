#include "gateway/net/resolver.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::net {
namespace {

using Texts = std::vector<std::string>;

/// What a name server says, and when: it holds every question until it is let go.
class NameServer {
 public:
  Resolver::LookUp asks(Texts answer) {
    return
        [state = state_, answer = std::move(answer)](const std::string& host, std::uint16_t port) {
          {
            std::unique_lock lock(state->mutex);
            state->asked.push_back(host);
            state->changed.notify_all();
            state->changed.wait(lock, [&] { return state->answers; });
          }
          std::vector<SocketAddress> addresses;
          for (const auto& text : answer) addresses.push_back(*SocketAddress::parse(text, port));
          return Resolver::Addresses(std::move(addresses));
        };
  }
  void let_go() {
    const std::lock_guard lock(state_->mutex);
    state_->answers = true;
    state_->changed.notify_all();
  }
  /// Waits until so many names have been asked for; returns them.
  Texts asked(std::size_t count) {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->asked.size() >= count; });
    return state_->asked;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    Texts asked;
    bool answers = false;
  };
  /// A thread that still waits for an answer outlives the test.
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

Texts texts_of(const Resolver::Addresses& addresses) {
  if (!addresses) return {addresses.error().what};
  Texts texts;
  for (const SocketAddress& address : *addresses) texts.push_back(address.to_string());
  return texts;
}

/// Asks and waits for the answer.
Resolver::Addresses answer_of(Resolver& resolver, const std::string& host, std::uint16_t port) {
  std::promise<Resolver::Addresses> promise;
  resolver.resolve(host, port,
                   [&](Resolver::Addresses addresses) { promise.set_value(std::move(addresses)); });
  return promise.get_future().get();
}

Resolver::Addresses answer_from(const Texts& addresses) {
  NameServer server;
  server.let_go();
  Resolver resolver({}, server.asks(addresses));
  return answer_of(resolver, "app.internal", 80);
}

TEST_SUITE("Resolver") {
  TEST_CASE("a name becomes its addresses, with the port that was asked for") {
    Resolver resolver({});
    const Texts texts = texts_of(answer_of(resolver, "localhost", 8080));
    CHECK(std::count(texts.begin(), texts.end(), "127.0.0.1:8080") == 1);
  }

  TEST_CASE("a name that nobody has is an error that names it") {
    Resolver resolver({});
    const auto addresses = answer_of(resolver, "no-such-host.invalid", 80);
    REQUIRE_FALSE(addresses);
    CHECK(addresses.error().code == Errc::not_found);
    CHECK(addresses.error().what.starts_with("no-such-host.invalid: "));
  }

  TEST_CASE("what cannot be a name is an error") {
    Resolver resolver({});
    CHECK_FALSE(answer_of(resolver, "", 80));
    CHECK_FALSE(answer_of(resolver, std::string("localhost\0.evil", 15), 80));
  }

  TEST_CASE("addresses to which no name may lead are left out") {
    CHECK(texts_of(answer_from({"169.254.169.254", "10.0.0.7", "fe80::1", "0.0.0.0",
                                "::", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254",
                                "64:ff9b::169.254.169.254", "::1", "fd00::7", "127.0.0.1"})) ==
          Texts{"10.0.0.7:80", "[::1]:80", "[fd00::7]:80", "127.0.0.1:80"});
  }

  TEST_CASE("a name that leads to no other is refused, and the error says why") {
    const auto addresses = answer_from({"169.254.169.254", "fe80::1"});
    REQUIRE_FALSE(addresses);
    CHECK(addresses.error().code == Errc::denied);
    CHECK(addresses.error().what ==
          "app.internal: a name must not lead to a link-local, unspecified or multicast address: "
          "169.254.169.254, fe80::1");
  }

  TEST_CASE("a name without any address is an error") {
    CHECK(texts_of(answer_from({})) == Texts{"app.internal: has no address"});
  }

  TEST_CASE("a name that is being looked up is not looked up a second time") {
    NameServer server;
    Resolver resolver({}, server.asks({"10.0.0.7"}));
    std::promise<Resolver::Addresses> one;
    std::promise<Resolver::Addresses> other;
    resolver.resolve("app", 80, [&](auto addresses) { one.set_value(addresses); });
    server.asked(1);
    resolver.resolve("app", 443, [&](auto addresses) { other.set_value(addresses); });
    server.let_go();
    CHECK(texts_of(one.get_future().get()) == Texts{"10.0.0.7:80"});
    CHECK(texts_of(other.get_future().get()) == Texts{"10.0.0.7:443"});
    CHECK(server.asked(1) == Texts{"app"});
    CHECK(answer_of(resolver, "app", 80));
    CHECK(server.asked(2) == Texts{"app", "app"});  // Nothing is remembered.
  }

  TEST_CASE("one slow name does not hold up another") {
    NameServer server;
    std::atomic<bool> is_told = false;
    const auto slow = server.asks({"10.0.0.7"});
    Resolver resolver({}, [slow](const std::string& host, std::uint16_t port) {
      if (host == "slow") return slow(host, port);
      return Resolver::Addresses(std::vector{*SocketAddress::parse("10.0.0.8", port)});
    });
    resolver.resolve("slow", 80, [&](const auto&) { is_told = true; });
    server.asked(1);
    CHECK(texts_of(answer_of(resolver, "quick", 80)) == Texts{"10.0.0.8:80"});
    CHECK_FALSE(is_told);
  }

  TEST_CASE("it asks on as many threads as it was given, the others wait") {
    NameServer server;
    Resolver resolver({.threads = 2}, server.asks({"10.0.0.7"}));
    std::promise<void> all_told;
    std::atomic<int> told = 0;
    for (const char* host : {"a", "b", "c", "d"}) {
      resolver.resolve(host, 80, [&](const auto&) {
        if (++told == 4) all_told.set_value();
      });
    }
    CHECK(server.asked(2).size() == 2);
    CHECK(told == 0);
    server.let_go();
    all_told.get_future().get();
    CHECK(server.asked(4).size() == 4);
  }

  TEST_CASE("when too many wait, one more is told so at once") {
    NameServer server;
    Resolver resolver({.queue = 2}, server.asks({"10.0.0.7"}));
    for (const char* host : {"a", "a"}) resolver.resolve(host, 80, [](const auto&) {});
    Texts told;
    resolver.resolve("b", 80, [&](const auto& addresses) {
      REQUIRE_FALSE(addresses);
      CHECK(addresses.error().code == Errc::limit);
      told = texts_of(addresses);
    });
    CHECK(told == Texts{"b: too many names wait to be looked up"});
  }

  TEST_CASE("whoever is told may ask again at once") {
    NameServer server;
    server.let_go();
    std::promise<Resolver::Addresses> promise;
    Resolver resolver({}, server.asks({"10.0.0.7"}));
    resolver.resolve("a", 80, [&](const auto&) {
      resolver.resolve("a", 443, [&](auto addresses) { promise.set_value(addresses); });
    });
    CHECK(texts_of(promise.get_future().get()) == Texts{"10.0.0.7:443"});
  }
}

TEST_SUITE("Resolver that ends while it is busy") {
  TEST_CASE("it does not wait for a name server, and nobody is told afterwards") {
    NameServer server;
    const auto held = std::make_shared<int>();
    std::atomic<bool> is_told = false;
    {
      Resolver resolver({}, server.asks({"10.0.0.7"}));
      for (const char* host : {"a", "b", "c"}) {
        resolver.resolve(host, 80, [&is_told, held](const auto&) { is_told = true; });
      }
      server.asked(2);
    }  // Would hang here.
    CHECK(held.use_count() == 1);
    server.let_go();
    CHECK_FALSE(is_told);
  }

  TEST_CASE("it waits for a function that is being called") {
    NameServer server;
    server.let_go();
    std::promise<void> entered;
    std::promise<void> leave;
    std::atomic<bool> has_left = false;
    auto resolver = std::make_unique<Resolver>(Resolver::Options{}, server.asks({"10.0.0.7"}));
    resolver->resolve("a", 80, [&](const auto&) {
      entered.set_value();
      leave.get_future().get();
      has_left = true;
    });
    entered.get_future().get();
    auto end = std::async(std::launch::async, [&] {
      resolver.reset();
      return has_left.load();
    });
    leave.set_value();
    CHECK(end.get());
  }

  TEST_CASE("again and again, at any moment") {
    for (int i = 0; i < 200; ++i) {
      NameServer server;
      server.let_go();
      std::atomic<bool> is_ended = false;
      std::atomic<bool> is_late = false;
      {
        Resolver resolver({}, server.asks({"10.0.0.7"}));
        for (const char* host : {"a", "b", "a", "c"}) {
          resolver.resolve(host, 80, [&](const auto&) {
            if (is_ended) is_late = true;
          });
        }
        if (i % 2 == 0) server.asked(static_cast<std::size_t>(i % 3));
      }
      is_ended = true;
      CHECK_FALSE(is_late);
    }
  }
}

}  // namespace
}  // namespace sluice::net
