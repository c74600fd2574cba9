#include "gateway/server/turnstile.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

/// A session's side, which notes what it is asked for.
struct Session final : http::Exchange {
  void respond(http::Response, http::Kind, std::optional<std::uint64_t>) override {}
  void wake() override { heard += "wake "; }
  void wake_soon() override { heard += "soon "; }
  void consume(std::size_t n) override { heard += std::to_string(n) + " "; }
  void abort() override { heard += "abort "; }
  [[nodiscard]] const http::Connection& connection() const override { return connection_; }

  std::string heard;

 private:
  http::Connection connection_;
};

struct Silent final : http::Answer {
  void on_body(std::string_view) override {}
  void on_body_end() override {}
  Ready ready(std::size_t) override { return {}; }
  void take(std::span<std::byte>) override {}
};

TEST_SUITE("turnstile") {
  TEST_CASE("what an answer says to its session passes, each in its kind") {
    Session session;
    http::Exchange* inside = nullptr;
    Turnstile turnstile(session, [] { return Turnstile::Verdict{}; });
    turnstile.enter([&](http::Exchange& exchange) {
      inside = &exchange;
      return std::make_unique<Silent>();
    });
    inside->wake();
    inside->wake_soon();
    inside->consume(7);
    inside->abort();
    CHECK(session.heard == "wake soon 7 abort ");
  }
}

}  // namespace
}  // namespace sluice::server
