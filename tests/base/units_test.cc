#include "gateway/base/units.h"

#include <limits>

#include <doctest/doctest.h>

namespace sluice {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

std::string complaint_about_duration(std::string_view text) {
  const auto result = parse_duration(text);
  return result ? "none" : result.error().what;
}

std::string complaint_about_size(std::string_view text) {
  const auto result = parse_size(text);
  return result ? "none" : result.error().what;
}

TEST_SUITE("durations") {
  TEST_CASE("a duration is a number and one of ms, s, m, h, d") {
    CHECK(parse_duration("250ms") == Millis(250));
    CHECK(parse_duration("15s") == seconds(15));
    CHECK(parse_duration("2m") == seconds(120));
    CHECK(parse_duration("1h") == hours(1));
    CHECK(parse_duration("7d") == hours(24 * 7));
    CHECK(parse_duration("0s") == Millis(0));
  }

  TEST_CASE("a duration without a unit is refused with an example") {
    CHECK(complaint_about_duration("15") == "\"15\" needs a unit, as in \"15s\"");
  }

  TEST_CASE("a unit that there is not is refused with those that there are") {
    constexpr const char* kNone = " has none of the units ms, s, m, h, d";
    CHECK(complaint_about_duration("15sec") ==
          "\"15sec\"" + std::string(kNone) + "; did you mean \"15s\"?");
    CHECK(complaint_about_duration("5 min").ends_with("did you mean \"5m\"?"));
    CHECK(complaint_about_duration("5S").ends_with("did you mean \"5s\"?"));
    CHECK(complaint_about_duration("15 parsecs") == "\"15 parsecs\"" + std::string(kNone));
    CHECK(complaint_about_duration("15 ") == "\"15 \"" + std::string(kNone));
    CHECK(complaint_about_duration("-5s") == "\"-5s\" is negative");
    CHECK(complaint_about_duration("1.5s") ==
          "\"1.5s\" is not a whole number; take a smaller unit");
    CHECK(complaint_about_size("1GB") ==
          "\"1GB\" has none of the units B, KiB, MiB, GiB; did you mean \"1GiB\"?");
    CHECK(complaint_about_size("64k").ends_with("did you mean \"64KiB\"?"));
    CHECK(complaint_about_size("1TB") == "\"1TB\" has none of the units B, KiB, MiB, GiB");
  }

  TEST_CASE("what is not a duration is refused") {
    for (const auto* text : {"", "s", "-5s", "+5s", " 5s", "5 s", "5s ", "1.5s", "5S", "0x5s"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_duration(text));
    }
  }

  TEST_CASE("a duration too large to be counted says so") {
    CHECK(complaint_about_duration("106751991168d") == "\"106751991168d\" is too large");
    CHECK(complaint_about_duration("99999999999999999999s") ==
          "\"99999999999999999999s\" is too large");
    CHECK(parse_duration("9223372036854775807ms") ==
          Millis(std::numeric_limits<Millis::rep>::max()));
  }

  TEST_CASE("a duration is written in the largest unit that is exact") {
    CHECK(format_duration(Millis(0)) == "0s");
    CHECK(format_duration(Millis(1'500)) == "1500ms");
    CHECK(format_duration(seconds(90)) == "90s");
    CHECK(format_duration(seconds(120)) == "2m");
    CHECK(format_duration(hours(48)) == "2d");
  }

  TEST_CASE("what is written can be read again") {
    for (const Millis value : {Millis(0), Millis(1), Millis(59'000), Millis(3'600'001)}) {
      CHECK(parse_duration(format_duration(value)) == value);
    }
  }
}

TEST_SUITE("sizes") {
  TEST_CASE("a size is a number and one of B, KiB, MiB, GiB") {
    CHECK(parse_size("512B") == 512U);
    CHECK(parse_size("64KiB") == 64_KiB);
    CHECK(parse_size("256MiB") == 256_MiB);
    CHECK(parse_size("2GiB") == 2048_MiB);
  }

  TEST_CASE("a size without a unit is refused with an example") {
    CHECK(complaint_about_size("65536") == "\"65536\" needs a unit, as in \"64KiB\"");
  }

  TEST_CASE("what is not a size is refused") {
    for (const auto* text : {"", "KiB", "64KB", "64kib", "64K", "-1B", "1e3B"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_size(text));
    }
    CHECK(complaint_about_size("9999999999GiB") == "\"9999999999GiB\" is too large");
  }

  TEST_CASE("a size is written in the largest unit that is exact") {
    CHECK(format_size(0) == "0B");
    CHECK(format_size(1000) == "1000B");
    CHECK(format_size(65536) == "64KiB");
    CHECK(format_size(2048_MiB) == "2GiB");
  }
}

}  // namespace
}  // namespace sluice
