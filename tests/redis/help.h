/// What the tests of the Redis journal have in common: instances that share a server, asked and
/// answered in one call.
#pragma once

#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/log.h"
#include "gateway/redis/journal.h"
#include "tests/redis/server.h"

namespace sluice::redis {

using namespace std::chrono_literals;
using journal::Page;
using journal::Query;
using journal::Receipt;
using Receipts = std::vector<Receipt>;
using Texts = std::vector<std::string>;
using Numbers = std::vector<std::uint64_t>;

/// Keeps what it is shown.
class Witness final : public journal::Follower {
 public:
  void on_events(std::span<const sse::EventPtr> events) override {
    const std::lock_guard lock(mutex_);
    events_.insert(events_.end(), events.begin(), events.end());
  }
  [[nodiscard]] bool has_room() const override { return has_room_; }
  void set_room(bool has_room) { has_room_ = has_room; }
  [[nodiscard]] std::size_t seen() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }
  [[nodiscard]] Numbers positions() const {
    const std::lock_guard lock(mutex_);
    Numbers positions;
    for (const auto& event : events_) positions.push_back(event->position.value());
    return positions;
  }
  [[nodiscard]] sse::EventPtr at(std::size_t i) const {
    const std::lock_guard lock(mutex_);
    return events_.at(i);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<sse::EventPtr> events_;
  std::atomic<bool> has_room_{true};
};

inline sse::Draft draft(std::string topic, std::string data = "x") {
  return {.topics = {std::move(topic)}, .data = std::move(data)};
}

inline Numbers numbers_up_to(std::uint64_t last) {
  Numbers numbers;
  for (std::uint64_t i = 1; i <= last; ++i) numbers.push_back(i);
  return numbers;
}

/// One instance.
struct Instance {
  static Options quick(const Server& server) {
    Options options;
    options.link.url = server.url();
    options.link.answer_timeout = 500ms;
    options.link.backoff = 10ms;
    options.link.backoff_max = 50ms;
    return options;
  }
  explicit Instance(const Server& server) : Instance(quick(server)) {}
  explicit Instance(Options options, journal::Roster::Duties duties = {}) {
    log::set_level(log::Level::off);
    auto opened = RedisJournal::open(std::move(options), clock, counters, own);
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().what));
    journal = std::move(*opened);
    journal->on_break([this] { is_replaced = true; });
    journal->follow(witness);
    journal->roster()->serve(std::move(duties));
  }

  std::future<Result<Receipts>> begin_append(std::vector<sse::Draft> drafts) const {
    const auto answer = std::make_shared<std::promise<Result<Receipts>>>();
    journal->append(std::move(drafts),
                    [answer](auto result) { answer->set_value(std::move(result)); });
    return answer->get_future();
  }
  [[nodiscard]] Result<Receipts> try_append(std::vector<sse::Draft> drafts) const {
    return begin_append(std::move(drafts)).get();
  }
  [[nodiscard]] Receipts append(std::vector<sse::Draft> drafts) const {
    auto result = try_append(std::move(drafts));
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what));
    return std::move(*result);
  }
  [[nodiscard]] Page read_all(std::vector<std::string> topics = {}) const {
    Query query{.after = {},
                .through = sse::Position(1'000'000'000),
                .topics = std::move(topics),
                .wants = {}};
    query.max_events = query.max_bytes = query.max_looks = 1'000'000'000;
    std::promise<Result<Page>> answer;
    journal->read(std::move(query), [&](auto page) { answer.set_value(std::move(page)); });
    auto page = answer.get_future().get();
    REQUIRE_MESSAGE(page.has_value(), (page ? "" : page.error().what));
    return std::move(*page);
  }
  [[nodiscard]] std::optional<std::uint64_t> find(const std::string& id) const {
    std::promise<Result<std::optional<sse::Position>>> answer;
    journal->find(id, [&](auto found) { answer.set_value(std::move(found)); });
    auto found = answer.get_future().get();
    REQUIRE(found.has_value());
    return found->has_value() ? std::optional((*found)->value()) : std::nullopt;
  }

  SteadyClock clock;
  journal::Counters counters;
  Counters own;
  Witness witness;
  std::atomic<bool> is_replaced{false};
  std::unique_ptr<RedisJournal> journal;
};

/// Of a start that fails.
inline std::string why_not(Options options) {
  log::set_level(log::Level::off);
  SteadyClock clock;
  journal::Counters counters;
  Counters own;
  options.start_timeout = 500ms;
  const auto opened = RedisJournal::open(std::move(options), clock, counters, own);
  REQUIRE_FALSE(opened.has_value());
  return opened.error().what;
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// What is logged meanwhile.
inline std::string logged(const std::function<void()>& act) {
  const CHandle<std::FILE, std::fclose> file(std::tmpfile());
  REQUIRE(file != nullptr);
  const UniqueFd terminal(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  REQUIRE(::dup2(::fileno(file.get()), STDERR_FILENO) >= 0);
  act();
  std::fflush(stderr);
  REQUIRE(::dup2(terminal.get(), STDERR_FILENO) >= 0);
  std::rewind(file.get());
  std::string text(65'536, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

inline Numbers positions_of(const Page& page) {
  Numbers positions;
  for (const auto& event : page.events) positions.push_back(event->position.value());
  return positions;
}

}  // namespace sluice::redis
