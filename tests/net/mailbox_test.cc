#include "gateway/net/mailbox.h"

#include <numeric>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::net {
namespace {

using Numbers = std::vector<int>;

TEST_SUITE("Mailbox") {
  TEST_CASE("another thread's letters all arrive, in order") {
    const SteadyClock clock;
    Loop loop(clock);
    constexpr int kLetters = 20'000;
    Numbers got;
    Mailbox<int> mailbox(loop, [&](Numbers& letters) {
      got.insert(got.end(), letters.begin(), letters.end());
      if (got.size() == kLetters) loop.stop();
    });
    std::thread poster([&] {
      for (int i = 0; i < kLetters; ++i) mailbox.post(i);
    });
    loop.run();
    poster.join();
    Numbers sent(kLetters);
    std::iota(sent.begin(), sent.end(), 0);
    CHECK(got == sent);
  }

  TEST_CASE("several threads post and each one's letters keep their order") {
    const SteadyClock clock;
    Loop loop(clock);
    struct Letter {
      std::size_t from;
      int number;
    };
    constexpr std::size_t kThreads = 4;
    constexpr int kEach = 5'000;
    std::vector<int> next(kThreads, 0);
    int faults = 0;
    int total = 0;
    Mailbox<Letter> mailbox(loop, [&](std::vector<Letter>& letters) {
      for (const Letter& letter : letters) {
        if (letter.number != next[letter.from]++) ++faults;
        if (++total == kEach * static_cast<int>(kThreads)) loop.stop();
      }
    });
    loop.set_turn_end([&] {
      mailbox.drain();
      return false;
    });
    std::vector<std::thread> posters;
    for (std::size_t from = 0; from < kThreads; ++from) {
      posters.emplace_back([&mailbox, from] {
        for (int i = 0; i < kEach; ++i) mailbox.post({.from = from, .number = i});
      });
    }
    loop.run();
    for (std::thread& poster : posters) poster.join();
    CHECK(faults == 0);
  }

  TEST_CASE("what the loop's own thread posts needs no drain and nobody to wake it") {
    const SteadyClock clock;
    Loop loop(clock);
    Numbers got;
    Mailbox<int> mailbox(loop, [&](Numbers& letters) {
      got.insert(got.end(), letters.begin(), letters.end());
      loop.stop();
    });
    bool is_posted = false;
    loop.set_turn_end([&] {
      if (!is_posted) mailbox.post(7);
      is_posted = true;
      return false;
    });
    loop.turn(false);
    CHECK(mailbox.size() == 1);
    loop.run();
    CHECK(got == Numbers{7});
  }

  TEST_CASE("a letter posted to a loop that has not begun waits for it") {
    const SteadyClock clock;
    Loop loop(clock);
    Numbers got;
    Mailbox<int> mailbox(loop, [&](Numbers& letters) { got.swap(letters); });
    mailbox.post(1);
    mailbox.post(2);
    loop.turn(true);
    CHECK(got == Numbers{1, 2});
    CHECK(mailbox.size() == 0);
  }

  TEST_CASE("several letters posted at once are as if they came one by one") {
    const SteadyClock clock;
    Loop loop(clock);
    Numbers got;
    Mailbox<int> mailbox(loop, [&](Numbers& letters) { got.swap(letters); });
    mailbox.post(1);
    mailbox.post_all(Numbers{2, 3});
    mailbox.post_all(Numbers{});
    CHECK(mailbox.size() == 3);
    loop.turn(true);
    CHECK(got == Numbers{1, 2, 3});
    mailbox.post_all(Numbers{4});  // It wakes the loop, as post() does.
    loop.turn(true);
    CHECK(got == Numbers{4});
  }

  TEST_CASE("a letter posted during a delivery is delivered after it") {
    const SteadyClock clock;
    Loop loop(clock);
    std::vector<Numbers> deliveries;
    Mailbox<int>* self = nullptr;
    Mailbox<int> mailbox(loop, [&](Numbers& letters) {
      deliveries.push_back(letters);
      if (letters.front() == 1) self->post(2);
      self->drain();
    });
    self = &mailbox;
    mailbox.post(1);
    loop.turn(true);
    loop.turn(false);
    CHECK(deliveries == std::vector<Numbers>{{1}, {2}});
  }
}

}  // namespace
}  // namespace sluice::net
