#include "tests/crash/tally.h"

#include <doctest/doctest.h>

namespace sluice::crash {
namespace {

/// Three events sent, acknowledged at positions 1, 2, 3, and received by `readers` readers.
Tally three_events(std::size_t readers) {
  Tally tally(readers);
  for (int i = 0; i < 3; ++i) tally.send();
  tally.acknowledge(0, "epoch000-1");
  tally.acknowledge(1, "epoch000-2");
  tally.acknowledge(2, "epoch000-3");
  return tally;
}

void receive_all(Tally& tally, std::size_t reader) {
  tally.receive(reader, 0, "epoch000-1");
  tally.receive(reader, 1, "epoch000-2");
  tally.receive(reader, 2, "epoch000-3");
}

TEST_SUITE("Tally") {
  TEST_CASE("who got everything once and in order is at no fault") {
    Tally tally = three_events(2);
    receive_all(tally, 0);
    receive_all(tally, 1);
    CHECK(tally.is_complete());
    CHECK(tally.faults().none());
    CHECK(tally.readers_with_faults() == 0);
  }

  TEST_CASE("an acknowledged event that one reader did not get is missing") {
    Tally tally = three_events(2);
    receive_all(tally, 0);
    tally.receive(1, 0, "epoch000-1");
    tally.receive(1, 2, "epoch000-3");
    CHECK_FALSE(tally.is_complete());
    CHECK(tally.faults().missing == 1);
    CHECK(tally.examples().find("missing event 1 at 2") != std::string::npos);
  }

  TEST_CASE("an unanswered event may be lost, but not for some readers only") {
    Tally tally(2);
    tally.send();
    CHECK(tally.is_complete());
    tally.receive(0, 0, "epoch000-1");
    CHECK(tally.unknown() == 1);
    CHECK(tally.kept_unknown() == 1);
    CHECK(tally.faults().missing == 1);
  }

  TEST_CASE("an event that comes twice is repeated") {
    Tally tally = three_events(1);
    receive_all(tally, 0);
    tally.receive(0, 2, "epoch000-3");
    CHECK(tally.faults().repeated == 1);
    CHECK(tally.faults().disordered == 0);
  }

  TEST_CASE("an event behind a later one is out of order") {
    Tally tally = three_events(1);
    tally.receive(0, 1, "epoch000-2");
    tally.receive(0, 0, "epoch000-1");
    CHECK(tally.faults().disordered == 1);
  }

  TEST_CASE("a position that was given away twice shows") {
    Tally tally(1);
    tally.send();
    tally.send();
    tally.receive(0, 0, "epoch000-1");
    tally.receive(0, 1, "epoch000-1");
    CHECK(tally.faults().disordered == 1);
  }

  TEST_CASE("an event that readers find elsewhere than its publisher was told is misplaced") {
    Tally tally = three_events(1);
    tally.receive(0, 0, "epoch000-2");
    CHECK(tally.faults().misplaced == 1);
  }

  TEST_CASE("another epoch, a refused event and a gap are faults") {
    Tally tally = three_events(1);
    receive_all(tally, 0);
    tally.receive(0, tally.send(), "epoch111-4");
    CHECK(tally.faults().epochs == 1);
    const auto refused = tally.send();
    tally.refuse(refused);
    tally.receive(0, refused, "epoch000-5");
    CHECK(tally.faults().strange == 1);
    tally.receive_gap(0);
    CHECK(tally.faults().gaps == 1);
  }
}

}  // namespace
}  // namespace sluice::crash
