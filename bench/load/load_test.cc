#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "bench/common/histogram.h"
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

}  // namespace
}  // namespace sluice::bench
