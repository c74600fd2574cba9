#include "gateway/base/ascii.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice {
namespace {

/// All bytes for which `is` holds.
template <class Predicate>
std::string all_that(Predicate is) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    if (is(static_cast<char>(byte))) all += static_cast<char>(byte);
  }
  return all;
}

const std::string kDigits = "0123456789";
const std::string kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const std::string kLower = "abcdefghijklmnopqrstuvwxyz";

TEST_SUITE("ASCII") {
  TEST_CASE("has ten digits and 26 letters, in two cases, and no others") {
    CHECK(all_that(is_digit) == kDigits);
    CHECK(all_that(is_upper) == kUpper);
    CHECK(all_that(is_alpha) == kUpper + kLower);
    CHECK(all_that(is_alnum) == kDigits + kUpper + kLower);
  }

  TEST_CASE("is written small; what is no large letter stays") {
    CHECK(to_lower(kUpper) == kLower);
    CHECK(all_that([](char c) { return to_lower(c) != c; }) == kUpper);
    CHECK(to_lower("Häl-LO\xC3\x84[@`{") == "häl-lo\xC3\x84[@`{");
  }

  TEST_CASE("has sixteen hexadecimal digits, six of them in two cases") {
    CHECK(all_that([](char c) { return hex_digit(c) >= 0; }) == kDigits + "ABCDEFabcdef");
    for (int value = 0; value < 16; ++value) {
      const auto at = static_cast<std::size_t>(value);
      CHECK(hex_digit("0123456789abcdef"[at]) == value);
      CHECK(hex_digit("0123456789ABCDEF"[at]) == value);
    }
  }

  TEST_CASE("is compared without regard to case, but with regard to length") {
    CHECK(equals_ignoring_case("Content-TYPE", "content-type"));
    CHECK(equals_ignoring_case("", ""));
    CHECK_FALSE(equals_ignoring_case("a", "ab"));
    CHECK_FALSE(equals_ignoring_case("ab", "a"));
    CHECK_FALSE(equals_ignoring_case("[", "{"));
    CHECK_FALSE(equals_ignoring_case("\xC3\x84", "\xC3\xA4"));
    CHECK(starts_with_ignoring_case("BEARER abc", "Bearer"));
    CHECK(starts_with_ignoring_case("abc", ""));
    CHECK_FALSE(starts_with_ignoring_case("Bear", "Bearer"));
    CHECK_FALSE(starts_with_ignoring_case("XBearer", "Bearer"));
  }
}

}  // namespace
}  // namespace sluice
