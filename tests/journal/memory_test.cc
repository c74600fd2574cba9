#include "gateway/journal/memory.h"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::journal {
namespace {

/// Keeps the positions it is shown.
struct Witness final : Follower {
  void on_events(std::span<const sse::EventPtr> events) override {
    for (const auto& event : events) positions.push_back(event->position.value());
  }
  std::vector<std::uint64_t> positions;
};

std::vector<sse::Draft> drafts(int n) {
  return {static_cast<std::size_t>(n), sse::Draft{.topics = {"t"}, .data = "x"}};
}

TEST_SUITE("the memory journal") {
  TEST_CASE("gives rising positions, and answers with the ids when followers have the events") {
    const ManualClock clock;
    MemoryJournal journal(clock, "epoch000");
    Witness witness;
    journal.follow(witness);
    std::vector<std::string> ids;
    journal.append(drafts(2), [&](auto result) {
      CHECK(witness.positions == std::vector<std::uint64_t>{1, 2});
      for (const Receipt& receipt : *result) ids.push_back(receipt.id);
    });
    CHECK(ids == std::vector<std::string>{"epoch000-1", "epoch000-2"});
  }

  TEST_CASE("appends a draft that it has seen before no second time, and says so") {
    const ManualClock clock;
    MemoryJournal journal(clock, "epoch000");
    Witness witness;
    journal.follow(witness);
    std::vector<Receipt> receipts;
    const auto append = [&](std::vector<sse::Draft> some) {
      journal.append(std::move(some), [&](auto result) {
        for (Receipt& receipt : *result) receipts.push_back(std::move(receipt));
      });
    };
    const sse::Draft order{.topics = {"t"}, .data = "x", .once = "order-7"};
    append({order, order});
    append({order});
    append(drafts(1));
    REQUIRE(receipts.size() == 4);
    CHECK_FALSE(receipts[0].is_repeat);
    for (const std::size_t i : {1U, 2U}) {
      CHECK(receipts[i].id == receipts[0].id);
      CHECK(receipts[i].is_repeat);
    }
    CHECK(receipts[3].id == "epoch000-2");
    CHECK(witness.positions == std::vector<std::uint64_t>{1, 2});
  }

  TEST_CASE("keeps one order for all followers, whoever appends at the same time") {
    const ManualClock clock;
    MemoryJournal journal(clock);
    Witness first;
    Witness second;
    journal.follow(first);
    journal.follow(second);
    std::vector<std::thread> publishers;
    for (int i = 0; i < 4; ++i) {
      publishers.emplace_back([&] {
        for (int j = 0; j < 250; ++j) journal.append(drafts(1 + j % 3), [](const auto&) {});
      });
    }
    for (std::thread& publisher : publishers) publisher.join();
    REQUIRE(first.positions.size() == 4 * (84 + 83 * 2 + 83 * 3));
    for (std::size_t i = 0; i < first.positions.size(); ++i) CHECK(first.positions[i] == i + 1);
    CHECK(first.positions == second.positions);
  }
}

}  // namespace
}  // namespace sluice::journal
