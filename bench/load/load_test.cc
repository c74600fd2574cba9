#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "bench/common/histogram.h"
#include "bench/common/redis_work.h"
#include "bench/crowd/slow_plan.h"
#include "bench/load/event_scanner.h"
#include "bench/load/ledger.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kStart = ":\nretry: 3000\n";

/// The sequences of the events in `text`, given to a scanner in pieces of `piece` bytes; an
/// event of somebody else is 0.
std::vector<std::uint32_t> sequences_in(std::string_view text, std::size_t piece = 1'000'000) {
  EventScanner scanner;
  std::vector<std::uint32_t> found;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    scanner.feed(text.substr(0, piece), [&](const EventScanner::Event& event) {
      found.push_back(event.token ? event.token->sequence : 0);
    });
  }
  return found;
}

std::string block_of(std::uint32_t sequence, std::size_t size = 100) {
  return "id: a~1.2.3~\nevent: x\ndata: " + encode_token({sequence, 42, 3}, size) + "\n\n";
}

/// A ledger of one stream and one publisher that has seen `sequences`.
Ledger ledger_of(const std::vector<std::uint32_t>& sequences) {
  Ledger ledger(1, 1);
  for (const auto sequence : sequences) ledger.note(0, 0, sequence);
  return ledger;
}

std::uint64_t gaps_of(const Ledger& ledger, std::uint32_t published) {
  return ledger.gaps(std::vector<std::uint32_t>{published});
}

TEST_SUITE("EventScanner") {
  TEST_CASE("a token comes out as it went in") {
    const Token token{7, 123'456'789'012, 5};
    CHECK(parse_token(encode_token(token, 100)) == token);
    CHECK(encode_token(token, 100).size() == 100);
  }

  TEST_CASE("events are found after the first lines of a stream and between heartbeats") {
    CHECK(sequences_in(std::string(kStart) + block_of(1) + ":\n" + block_of(2)) ==
          std::vector<std::uint32_t>{1, 2});
  }

  TEST_CASE("the same events come out wherever the text is cut") {
    const auto text = std::string(kStart) + block_of(1) + block_of(2, 500) + ":\n" + block_of(3);
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      CAPTURE(piece);
      CHECK(sequences_in(text, piece) == std::vector<std::uint32_t>{1, 2, 3});
    }
  }

  TEST_CASE("an event without its blank line does not count yet") {
    const auto text = block_of(1);
    CHECK(sequences_in(text.substr(0, text.size() - 1)).empty());
  }

  TEST_CASE("an event of somebody else is seen and not taken for one of ours") {
    CHECK(sequences_in("event: gap\ndata: ~1.2~\n\n" + block_of(4)) ==
          std::vector<std::uint32_t>{0, 4});
  }

  TEST_CASE("the space behind the colon need not be there") {
    CHECK(sequences_in("data:~7.42.3~\n\n") == std::vector<std::uint32_t>{7});
  }

  TEST_CASE("a block without data is no event") {
    CHECK(sequences_in("id: 5\n\n" + block_of(1)) == std::vector<std::uint32_t>{1});
  }

  TEST_CASE("comment and retry lines are counted, wherever the text is cut") {
    const auto text = std::string(kStart) + block_of(1) + ":\n:\nretry: 4000\n";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      EventScanner scanner;
      for (std::string_view rest = text; !rest.empty();
           rest.remove_prefix(std::min(piece, rest.size()))) {
        scanner.feed(rest.substr(0, piece), [](const EventScanner::Event&) {});
      }
      CAPTURE(piece);
      CHECK(scanner.comments() == 3);
      CHECK(scanner.retries() == 2);
    }
  }

  TEST_CASE("an event of a publishing stream is found in what is read") {
    std::string body;
    append_event(body, "bench/1", {9, 42, 3}, 100);
    CHECK(sequences_in(body) == std::vector<std::uint32_t>{9});
  }

  TEST_CASE("the size of the data is that of the line, also when it came in pieces") {
    EventScanner scanner;
    std::uint32_t size = 0;
    for (const char byte : block_of(1, 3000)) {
      scanner.feed({&byte, 1}, [&](const EventScanner::Event& event) { size = event.data_size; });
    }
    CHECK(size == 3000);
  }
}

TEST_SUITE("Ledger") {
  TEST_CASE("events in order leave nothing to complain about") {
    const auto ledger = ledger_of({1, 2, 3});
    CHECK(gaps_of(ledger, 3) == 0);
    CHECK(ledger.faults().duplicates == 0);
    CHECK(ledger.faults().out_of_order == 0);
  }

  TEST_CASE("what was published and never came is a gap") {
    CHECK(gaps_of(ledger_of({1, 2}), 5) == 3);
    CHECK(gaps_of(ledger_of({2, 5}), 5) == 3);
    CHECK(gaps_of(ledger_of({}), 2) == 2);
  }

  TEST_CASE("an event that comes twice is a duplicate") {
    CHECK(ledger_of({1, 2, 2, 1}).faults().duplicates == 2);
  }

  TEST_CASE("an event that comes late is out of order, and no longer a gap") {
    const auto ledger = ledger_of({1, 5, 3});
    CHECK(ledger.faults().out_of_order == 1);
    CHECK(gaps_of(ledger, 5) == 2);
  }

  TEST_CASE("a late event that comes again is a duplicate") {
    const auto ledger = ledger_of({1, 5, 3, 3});
    CHECK(ledger.faults().out_of_order == 1);
    CHECK(ledger.faults().duplicates == 1);
  }

  TEST_CASE("publishers and streams are counted apart") {
    Ledger ledger(2, 2);
    ledger.note(0, 0, 1);
    ledger.note(0, 1, 1);
    ledger.note(1, 1, 1);
    CHECK(ledger.gaps(std::vector<std::uint32_t>{1, 1}) == 1);
  }
}

TEST_SUITE("Ledger of topics") {
  TEST_CASE("each stream is held against what it should have had") {
    Ledger ledger(3, 1);
    ledger.note(0, 0, 1);
    ledger.note(1, 0, 1);
    CHECK(ledger.gaps([](std::size_t stream) { return stream == 2 ? 0U : 1U; }) == 0);
    CHECK(ledger.gaps([](std::size_t stream) { return stream == 2 ? 4U : 1U; }) == 4);
  }

  TEST_CASE("a stream of which nothing is expected may lose nothing between two events either") {
    Ledger ledger(1, 1);
    ledger.note(0, 0, 1);
    ledger.note(0, 0, 4);
    CHECK(ledger.gaps([](std::size_t) { return 0U; }) == 2);
  }
}

/// Streams of 100 connections with 100 each, 100 topics, connections in tens.
SlowPlan plan_of(std::size_t deaf, std::size_t stalled, std::size_t slow) {
  return {.connections = 100,
          .streams = 100,
          .topics = 100,
          .block = 10,
          .deaf = deaf,
          .stalled = stalled,
          .slow = slow};
}

std::size_t count_of(const SlowPlan& plan, Pace pace) {
  std::size_t count = 0;
  for (std::size_t stream = 0; stream < plan.connections * plan.streams; ++stream) {
    count += plan.pace_of(stream) == pace ? 1U : 0U;
  }
  return count;
}

TEST_SUITE("SlowPlan") {
  TEST_CASE("as many streams are slow as were asked for, and all others are healthy or deaf") {
    const auto plan = plan_of(5, 500, 1000);
    CHECK(count_of(plan, Pace::none) == 500);
    CHECK(count_of(plan, Pace::slow) == 1000);
    std::size_t healthy = 0;
    for (std::size_t stream = 0; stream < 10'000; ++stream) healthy += plan.is_healthy(stream);
    CHECK(healthy == 8000);
  }

  TEST_CASE("slow streams are on every connection that is read") {
    const auto plan = plan_of(5, 500, 1000);
    for (std::size_t connection = 0; connection < 95; ++connection) {
      std::size_t slow = 0;
      for (std::size_t i = 0; i < 100; ++i) slow += !plan.is_healthy(connection * 100 + i);
      CAPTURE(connection);
      CHECK(slow >= 10);
      CHECK(slow <= 25);
    }
    CHECK_FALSE(plan.is_healthy(9500));
  }

  TEST_CASE("each topic has as many streams, and a block shares its topics") {
    const auto plan = plan_of(0, 0, 0);
    std::vector<int> streams(100);
    for (std::size_t stream = 0; stream < 10'000; ++stream) streams[plan.topic_of(stream)] += 1;
    CHECK(streams == std::vector<int>(100, 100));
    CHECK(plan.topic_of(0) == plan.topic_of(900));
    CHECK(plan.topic_of(0) != plan.topic_of(1000));
  }
}

TEST_SUITE("Histogram") {
  TEST_CASE("a percentile is exact to one percent over nine decades") {
    for (std::uint64_t ns = 1; ns < 10'000'000'000; ns = ns * 3 + 1) {
      Histogram histogram;
      histogram.record(ns);
      histogram.record(10'000'000'000);
      CAPTURE(ns);
      CHECK(histogram.percentile(0.5) >= ns);
      CHECK(histogram.percentile(0.5) <= ns + ns / 100);
      CHECK(histogram.max() == 10'000'000'000);
    }
  }

  TEST_CASE("the share asked for is the share of the records") {
    Histogram histogram;
    for (std::uint64_t ns = 1; ns <= 100; ++ns) histogram.record(ns);
    CHECK(histogram.percentile(0.5) == 50);
    CHECK(histogram.percentile(0.99) == 99);
    CHECK(histogram.percentile(1) == 100);
  }

  TEST_CASE("without a record there is no percentile") {
    CHECK(Histogram().percentile(0.99) == 0);
  }
}

TEST_SUITE("what Redis did") {
  TEST_CASE("its commands, bytes and time are found in what INFO says") {
    const auto work = RedisWork::parse(
        "# Stats\r\ntotal_commands_processed:12\r\ntotal_net_input_bytes:34\r\n"
        "total_net_output_bytes:56\r\n# CPU\r\nused_cpu_sys:0.5\r\nused_cpu_user:1.25\r\n"
        "used_cpu_sys_children:9\r\n");
    CHECK(work.commands == 12);
    CHECK(work.in_bytes == 34);
    CHECK(work.out_bytes == 56);
    CHECK(work.cpu_ns == 1'750'000'000);
  }

  TEST_CASE("where there is no Redis, it did nothing") {
    CHECK(RedisWork::now(0).commands == 0);
  }
}

}  // namespace
}  // namespace sluice::bench
