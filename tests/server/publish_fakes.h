/// A journal that answers when it is told to, and an exchange that counts.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/http/exchange.h"
#include "gateway/journal/journal.h"

namespace sluice::server {

struct FakeExchange final : http::Exchange {
  void respond(http::Response response, http::Kind, std::optional<std::uint64_t>) override {
    head = std::move(response);
  }
  void wake() override {}
  void consume(std::size_t n) override { consumed += n; }
  void abort() override {}
  [[nodiscard]] const http::Connection& connection() const override { return connection_; }

  http::Response head{.status = 0};
  std::size_t consumed = 0;

 private:
  http::Connection connection_;
};

/// Answers when it is told to, or at once. Data "again" is a repeat.
struct FakeJournal final : journal::Journal {
  void hand_over() override {}
  Result<void> take_back() override { return {}; }
  [[nodiscard]] const std::string& epoch() const override { return epoch_; }
  void append(std::vector<sse::Draft> drafts, journal::Appended done) override {
    groups.push_back(std::move(drafts));
    waiting = std::move(done);
    if (is_prompt) answer();
  }
  void follow(journal::Follower&) override {}
  [[nodiscard]] sse::Position last() const override { return sse::Position(0); }
  [[nodiscard]] journal::History* history() override { return nullptr; }

  void answer() {
    std::vector<journal::Receipt> receipts;
    for (const sse::Draft& draft : groups.back()) {
      ++position;
      receipts.push_back(
          {draft.id.empty() ? "e-" + std::to_string(position) : draft.id, draft.data == "again"});
    }
    std::exchange(waiting, nullptr)(std::move(receipts));
  }
  void refuse(Errc code) { std::exchange(waiting, nullptr)(fail(code, "the disk is full")); }

  bool is_prompt = true;
  std::vector<std::vector<sse::Draft>> groups;
  journal::Appended waiting;
  int position = 0;

 private:
  std::string epoch_ = "epoch000";
};

}  // namespace sluice::server
