#include "gateway/server/subjects.h"

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST_SUITE("subjects") {
  const WallTime now{hours(500'000)};

  TEST_CASE("hold as many streams as they may, in all workers together") {
    const SubjectOptions options{.streams = 2};
    Subjects subjects(options);
    auto first = subjects.open_stream("ann");
    {
      const auto second = subjects.open_stream("ann");
      REQUIRE(second);
      CHECK_FALSE(subjects.open_stream("ann"));
      CHECK(subjects.open_stream("bob"));
    }
    CHECK(subjects.streams_of("ann") == 1);
    CHECK(subjects.open_stream("ann"));
    first.reset();
    CHECK(subjects.streams_of("ann") == 0);
  }

  TEST_CASE("without a name are not counted") {
    const SubjectOptions options{.streams = 1};
    Subjects subjects(options);
    const auto first = subjects.open_stream("");
    CHECK(subjects.open_stream(""));
  }

  TEST_CASE("that are revoked need a newer token") {
    const SubjectOptions options;
    Subjects subjects(options);
    subjects.revoke("ann", now);
    CHECK(subjects.is_revoked("ann", now - seconds(10), now));
    CHECK(subjects.is_revoked("ann", std::nullopt, now));
    CHECK_FALSE(subjects.is_revoked("ann", now, now));
    CHECK(subjects.is_revoked("ann", now + hours(1), now));  // Nobody can issue tokens tomorrow.
    CHECK_FALSE(subjects.is_revoked("bob", now - seconds(10), now));
    CHECK_FALSE(subjects.is_revoked("", now - seconds(10), now));
  }

  TEST_CASE("are remembered as long as tokens live, and as many as there is room for") {
    const SubjectOptions options{.revocations = 2, .remember = hours(1)};
    Subjects subjects(options);
    subjects.revoke("ann", now);
    CHECK_FALSE(subjects.is_revoked("ann", std::nullopt, now + hours(1)));
    subjects.revoke("bob", now);
    subjects.revoke("cid", now);
    CHECK_FALSE(subjects.is_revoked("ann", std::nullopt, now));
    CHECK(subjects.is_revoked("bob", std::nullopt, now));
  }
}

}  // namespace
}  // namespace sluice::server
