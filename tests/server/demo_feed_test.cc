#include "gateway/server/demo_feed.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace sluice::server {
namespace {

using nlohmann::json;

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr int kMinute = 600;  // ticks

/// Everything that a feed with this seed says in `ticks` tenths of a second.
std::vector<sse::Draft> feed_for(int ticks, std::uint64_t seed = 1) {
  DemoFeed feed(seed);
  std::vector<sse::Draft> all;
  for (int i = 0; i < ticks; ++i) {
    for (auto& draft : feed.tick(kNow + std::int64_t{100} * i)) all.push_back(std::move(draft));
  }
  return all;
}

/// The data of all events of one topic, parsed.
std::vector<json> data_of(const std::vector<sse::Draft>& drafts, std::string_view topic) {
  std::vector<json> found;
  for (const auto& draft : drafts) {
    if (draft.topics.front() == topic) found.push_back(json::parse(draft.data));
  }
  return found;
}

TEST_SUITE("DemoFeed") {
  TEST_CASE("every event is one line of JSON for one demo topic, and says when it was made") {
    for (const auto& draft : feed_for(kMinute)) {
      REQUIRE(draft.topics.size() == 1);
      CHECK(draft.topics.front().rfind("demo/", 0) == 0);
      CHECK(draft.type.empty());
      CHECK(draft.id.empty());
      CHECK(draft.data.find('\n') == std::string::npos);
      CHECK(json::parse(draft.data).at("t").get<std::int64_t>() >= kNow);
    }
  }

  TEST_CASE("a topic is heard at most once in a tick, with the time of that tick") {
    DemoFeed feed(7);
    for (int i = 0; i < kMinute; ++i) {
      std::set<std::string> topics;
      for (const auto& draft : feed.tick(kNow + i)) {
        CHECK(topics.insert(draft.topics.front()).second);
        CHECK(json::parse(draft.data).at("t") == kNow + i);
      }
    }
  }

  TEST_CASE("all 94 tickers move, about 30 of them in each tick") {
    std::map<std::string, std::string> symbols;
    std::size_t moves = 0;
    for (const auto& draft : feed_for(kMinute)) {
      const auto& topic = draft.topics.front();
      if (topic.rfind("demo/ticker/", 0) != 0) continue;
      ++moves;
      const auto symbol = json::parse(draft.data).at("symbol").get<std::string>();
      CHECK(symbols.try_emplace(topic, symbol).first->second == symbol);
    }
    CHECK(symbols.size() == DemoFeed::kTickers);
    CHECK(symbols.begin()->first == "demo/ticker/001");
    CHECK(symbols.rbegin()->first == "demo/ticker/094");
    CHECK(moves / kMinute >= 28);
    CHECK(moves / kMinute <= 34);
  }

  TEST_CASE("no two tickers share a symbol") {
    std::map<std::string, std::set<std::string>> topics_of_symbol;
    for (const auto& draft : feed_for(kMinute)) {
      const auto data = json::parse(draft.data);
      if (data.contains("symbol")) topics_of_symbol[data["symbol"]].insert(draft.topics.front());
    }
    CHECK(topics_of_symbol.size() == DemoFeed::kTickers);
    for (const auto& [symbol, topics] : topics_of_symbol) CHECK(topics.size() == 1);
  }

  TEST_CASE("a price walks: small steps, and after an hour still a plausible price") {
    const auto walk = data_of(feed_for(60 * kMinute), "demo/ticker/042");
    for (std::size_t i = 1; i < walk.size(); ++i) {
      const auto before = walk[i - 1].at("price").get<double>();
      const auto after = walk[i].at("price").get<double>();
      CHECK(after > 0.0);
      CHECK(std::abs(after - before) <= before * 0.005 + 0.02);
      CHECK(std::abs(walk[i].at("change").get<double>()) < 50.0);
    }
    const auto price = [](const json& data) { return data.at("price").get<double>(); };
    std::set<double> prices;
    std::transform(walk.begin(), walk.end(), std::inserter(prices, prices.end()), price);
    CHECK(prices.size() > 20);
  }

  TEST_CASE("the change has the sign of the way the price went") {
    double before = 0.0;
    double change_before = 0.0;
    for (const auto& data : data_of(feed_for(kMinute), "demo/ticker/001")) {
      const auto price = data.at("price").get<double>();
      const auto change = data.at("change").get<double>();
      if (before > 0.0 && price > before) CHECK(change >= change_before);
      if (before > 0.0 && price < before) CHECK(change <= change_before);
      before = price;
      change_before = change;
    }
  }

  TEST_CASE("a progress bar rises to 100, then starts again under another name") {
    for (const auto* topic : {"demo/progress/1", "demo/progress/2", "demo/progress/3"}) {
      const auto steps = data_of(feed_for(5 * kMinute), topic);
      int restarts = 0;
      for (std::size_t i = 1; i < steps.size(); ++i) {
        const auto before = steps[i - 1].at("percent").get<int>();
        const auto after = steps[i].at("percent").get<int>();
        if (before < 100) {
          CHECK(after > before);
          CHECK(after <= 100);
          continue;
        }
        ++restarts;
        CHECK(after == 0);
        CHECK(steps[i].at("name") != steps[i - 1].at("name"));
      }
      CHECK(restarts >= 2);
    }
  }

  TEST_CASE("the log is written now and then, mostly at level info") {
    const auto lines = data_of(feed_for(10 * kMinute), "demo/log");
    CHECK(lines.size() > 400);
    CHECK(lines.size() < 2000);
    std::map<std::string, std::size_t> levels;
    for (const auto& line : lines) {
      ++levels[line.at("level")];
      CHECK(line.at("text").get<std::string>().find('{') == std::string::npos);
    }
    CHECK(levels["info"] > lines.size() / 2);
    CHECK(levels["warn"] > 0);
    CHECK(levels["error"] > 0);
  }

  TEST_CASE("a notification comes every few seconds") {
    const auto notices = data_of(feed_for(kMinute), "demo/notifications");
    CHECK(notices.size() >= 6);
    CHECK(notices.size() <= 30);
    for (const auto& notice : notices) {
      CHECK_FALSE(notice.at("title").get<std::string>().empty());
      CHECK_FALSE(notice.at("text").get<std::string>().empty());
    }
  }

  TEST_CASE("the same seed yields the same events, another seed yields others") {
    const auto texts = [](std::uint64_t seed) {
      std::vector<std::string> all;
      for (const auto& draft : feed_for(20, seed)) all.push_back(draft.data);
      return all;
    };
    CHECK(texts(3) == texts(3));
    CHECK(texts(3) != texts(4));
  }
}

}  // namespace
}  // namespace sluice::server
