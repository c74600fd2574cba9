#include <atomic>
#include <future>
#include <thread>

#include <doctest/doctest.h>

#include "tests/gateway_relay/share_world.h"

namespace sluice::relay {
namespace {

/// Two workers on threads of their own.
class Threads {
 public:
  explicit Threads(World& world) : world_(world) {
    for (const auto& worker : world.workers) {
      threads_.emplace_back([&loop = worker->loop] { loop.run(); });
    }
  }
  ~Threads() {
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      run(i, [&loop = world_.workers[i]->loop] { loop.stop(); });
      threads_[i].join();
    }
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  /// On that worker's thread, and waits for it.
  void run(std::size_t worker, const std::function<void()>& task) {
    std::promise<void> done;
    world_.workers[worker]->mailbox.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  void post(std::size_t worker, std::function<void()> task) {
    world_.workers[worker]->mailbox.post(std::move(task));
  }

 private:
  World& world_;
  std::vector<std::thread> threads_;
};

RouteOptions options_of(bool is_shared) {
  RouteOptions options;
  options.path = "/*";
  options.share.enabled = is_shared;
  options.share.late = LateJoiner::events;
  options.replay = {.enabled = true, .events = 64};
  return options;
}

std::string events(int from, int to) {
  std::string all;
  for (int i = from; i < to; ++i) all += "data: " + std::to_string(i) + ";\n\n";
  return all;
}

/// The numbers in `text` are each one more than the one before.
bool is_without_holes(const std::string& text) {
  int last = -1;
  for (std::size_t at = 0; at < text.size(); at = text.find(';', at) + 1) {
    const int number = std::stoi(text.substr(at));
    if (last >= 0 && number != last + 1) return false;
    last = number;
  }
  return true;
}

TEST_SUITE("threads") {
  TEST_CASE("readers of one stream come and go on another worker, and each reads without holes") {
    const SteadyClock clock;
    World world(options_of(true), {}, clock);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 8; ++i) {
      clients.push_back(std::make_unique<Client>(world, i % 2));
      // What has waited for one worker's turn comes to the other in pieces, one in each turn.
      clients.back()->keep_up();
    }
    Threads threads(world);
    threads.run(0, [&] {
      clients[0]->ask();
      world.call().answer();
    });
    std::atomic<int> sent{0};
    for (int round = 0; round < 300; ++round) {
      threads.post(0, [&] {
        const int from = sent.fetch_add(7);
        world.call().send(events(from, from + 7));
      });
      threads.run(1, [&clients, round] {
        Client& client = *clients[static_cast<std::size_t>(1 + 2 * (round % 4))];
        if (round % 5 == 0) {
          CHECK(is_without_holes(client.read().text));
          CHECK(client.gaps == 0);
          client.text.clear();
          round % 10 == 0 ? client.ask_again() : client.ask();
        }
        for (std::size_t i = 1; i < clients.size(); i += 2) clients[i]->read();
      });
      if (round % 4 == 0) threads.run(0, [&] { clients[0]->read(); });
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (i % 2 == 0 && i > 0) continue;
      threads.run(i % 2, [&client = *clients[i]] {
        client.read();
        CHECK(is_without_holes(client.text));
        CHECK(client.gaps == 0);
        client.leave();
      });
    }
    CHECK(world.asked() == 1);
    CHECK(clients[0]->text.size() > 2'000);
  }

  TEST_CASE("a client that changes workers with every connection reads all of it, once") {
    const SteadyClock clock;
    World world(options_of(false), {}, clock);
    Client zero(world, 0), one(world, 1);
    Client* const clients[] = {&zero, &one};
    Threads threads(world);
    threads.run(0, [&] {
      zero.ask();
      world.call().answer();
    });
    constexpr int kTotal = 2'000;
    std::string expected;
    for (int i = 0; i < kTotal; ++i) expected += std::to_string(i) + ";";
    std::string text;
    std::string last_id;
    int sent = 0;
    for (int round = 0; round < 20'000 && text.size() < expected.size(); ++round) {
      threads.run(0, [&] {
        const bool has_room = world.call().records.back().unpaid < 500;
        if (!has_room || sent == kTotal) return;
        const int to = std::min(kTotal, sent + 11);
        world.call().send(events(sent, to));
        sent = to;
      });
      const std::size_t at = static_cast<std::size_t>(round / 3) % 2;
      threads.run(at, [&] {
        Client& client = *clients[at];
        if (round % 3 == 0 && !last_id.empty()) {
          client.last_id = last_id;
          client.ask_again();
        }
        client.read(static_cast<std::size_t>(50 + round % 200));
        text += std::exchange(client.text, {});
        last_id = client.last_id;
      });
    }
    CHECK(text == expected);
    CHECK(zero.gaps + one.gaps == 0);
    for (std::size_t i = 0; i < 2; ++i) threads.run(i, [&] { clients[i]->leave(); });
  }
}

}  // namespace
}  // namespace sluice::relay
