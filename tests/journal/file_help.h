/// What the tests of the file journal have in common: a journal in a folder, asked and answered in
/// one call.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/log.h"
#include "gateway/journal/file.h"
#include "tests/server/temp_dir.h"

namespace sluice::journal {

using namespace std::chrono_literals;
using server::TempDir;
using Receipts = std::vector<Receipt>;
using Texts = std::vector<std::string>;
using Numbers = std::vector<std::uint64_t>;

/// Stands still until it is told to advance; any thread may look at it.
class SharedClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return TimePoint(time_.load()); }
  [[nodiscard]] WallTime wall() const override {
    return WallTime(24h * 365 * 50 + std::chrono::duration_cast<WallTime::duration>(time_.load()));
  }
  void advance(Duration by) { time_ = time_.load() + by; }

 private:
  std::atomic<Duration> time_{Duration(1h)};
};

/// Keeps the positions it is shown.
struct Witness final : Follower {
  void on_events(std::span<const sse::EventPtr> events) override {
    for (const auto& event : events) positions.push_back(event->position.value());
    seen = positions.size();
    seen.notify_all();
  }
  Numbers positions;
  std::atomic<std::size_t> seen{0};
};

inline sse::Draft draft(std::string topic, std::string data = "x") {
  return {.topics = {std::move(topic)}, .data = std::move(data)};
}

/// A journal that is opened, and may be closed and opened again.
struct TestJournal {
  explicit TestJournal(FileOptions options_) : options(std::move(options_)) {
    log::set_level(log::Level::off);
    open();
  }

  void open() {
    auto opened = FileJournal::open(options, clock, counters);
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().what));
    journal = std::move(*opened);
  }
  void reopen() {
    journal.reset();
    open();
  }
  Result<Receipts> try_append(std::vector<sse::Draft> drafts) const {
    std::promise<Result<Receipts>> answer;
    journal->append(std::move(drafts), [&](auto result) { answer.set_value(std::move(result)); });
    return answer.get_future().get();
  }
  [[nodiscard]] Receipts append(std::vector<sse::Draft> drafts) const {
    auto result = try_append(std::move(drafts));
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what));
    return std::move(*result);
  }
  /// One event after the other.
  void fill(const std::string& topic, int n, std::size_t size = 1) const {
    for (int i = 0; i < n; ++i) {
      static_cast<void>(append({draft(topic, std::string(size, 'x'))}));
    }
  }
  [[nodiscard]] Page read(Query query) const {
    std::promise<Result<Page>> answer;
    if (query.through == sse::Position(0)) query.through = sse::Position(1'000'000'000);
    journal->read(std::move(query), [&](auto page) { answer.set_value(std::move(page)); });
    auto page = answer.get_future().get();
    REQUIRE_MESSAGE(page.has_value(), (page ? "" : page.error().what));
    return std::move(*page);
  }
  [[nodiscard]] Page read_all(std::vector<std::string> topics = {}) const {
    Query query;
    query.topics = std::move(topics);
    query.max_events = query.max_bytes = query.max_looks = 1'000'000'000;
    return read(std::move(query));
  }
  [[nodiscard]] std::optional<std::uint64_t> find(const std::string& id) const {
    std::promise<Result<std::optional<sse::Position>>> answer;
    journal->find(id, [&](auto found) { answer.set_value(std::move(found)); });
    auto found = answer.get_future().get();
    REQUIRE(found.has_value());
    return found->has_value() ? std::optional((*found)->value()) : std::nullopt;
  }
  void pass(Duration time) {
    clock.advance(time);
    journal->tick_for_test();
  }

  FileOptions options;
  SharedClock clock;
  Counters counters;
  std::unique_ptr<FileJournal> journal;
};

inline Numbers positions_of(const Page& page) {
  Numbers positions;
  for (const auto& event : page.events) positions.push_back(event->position.value());
  return positions;
}

inline Texts ids_of(const Receipts& receipts) {
  Texts ids;
  for (const Receipt& receipt : receipts) ids.push_back(receipt.id);
  return ids;
}

}  // namespace sluice::journal
