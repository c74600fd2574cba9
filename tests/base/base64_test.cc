#include "gateway/base/base64.h"

#include <random>

#include <doctest/doctest.h>

namespace sluice {
namespace {

TEST_SUITE("base64url") {
  TEST_CASE("the examples of RFC 4648, without their padding") {
    CHECK(base64url_encode("").empty());
    CHECK(base64url_encode("f") == "Zg");
    CHECK(base64url_encode("fo") == "Zm8");
    CHECK(base64url_encode("foo") == "Zm9v");
    CHECK(base64url_encode("foobar") == "Zm9vYmFy");
    CHECK(base64url_decode("Zm9vYmE") == "fooba");
  }

  TEST_CASE("the two last characters are those that need no escape in a URL") {
    CHECK(base64url_encode("\xfb\xff") == "-_8");
    CHECK(base64url_decode("-_8") == "\xfb\xff");
  }

  TEST_CASE("whatever bytes go in come out again") {
    std::mt19937 random(1);
    for (std::size_t size = 0; size < 200; ++size) {
      std::string bytes(size, '\0');
      for (char& c : bytes) c = static_cast<char>(random() & 0xff);
      CHECK(base64url_decode(base64url_encode(bytes)) == bytes);
    }
  }

  TEST_CASE("padding, foreign characters and blanks are refused") {
    for (const auto* text : {"Zg==", "Zm8=", "Zm+v", "Zm/v", "Zm 9v", "Zm9v\n", "Zm\xc3\xa9v"}) {
      CAPTURE(text);
      CHECK_FALSE(base64url_decode(text));
    }
    CHECK_FALSE(base64url_decode(std::string_view("Zm\0v", 4)));
  }

  TEST_CASE("a text that cannot be the end of bytes is refused") {
    CHECK_FALSE(base64url_decode("Z"));
    CHECK_FALSE(base64url_decode("Zm9vY"));
  }

  TEST_CASE("every byte string has one text only: stray bits are refused") {
    CHECK(base64url_decode("Zg"));
    CHECK_FALSE(base64url_decode("Zh"));
    CHECK(base64url_decode("Zm8"));
    CHECK_FALSE(base64url_decode("Zm9"));
  }
}

}  // namespace
}  // namespace sluice
