#include "gateway/base/utf8.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace sluice {
namespace {

using namespace std::string_view_literals;

TEST_SUITE("UTF-8") {
  TEST_CASE("is cut between two characters, and what is none anywhere") {
    CHECK(cut_text("abc", 3) == "abc");
    CHECK(cut_text("abcd", 3) == "abc...");
    CHECK(cut_text("ab\xE2\x82\xAC", 5) == "ab\xE2\x82\xAC");
    CHECK(cut_text("ab\xE2\x82\xAC", 4) == "ab...");
    CHECK(cut_text("\xF0\x9F\x98\x80", 3) == "...");
    CHECK(cut_text("\x80\x80\x80\x80\x80\x80", 5) == "\x80\x80...");
    CHECK(cut_text("a", 0) == "...");
  }

  TEST_CASE("is every code point there is, NUL too, in its shortest form") {
    for (const std::string_view good :
         {""sv, "a\0b"sv, "\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv, "\xED\x9F\xBF"sv,
          "\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv}) {
      CAPTURE(good);
      CHECK(is_utf8(good));
    }
  }

  TEST_CASE("is no longer form, no surrogate, nothing past the end, no half of a sequence") {
    for (const std::string_view bad :
         {"\x80"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC2"sv, "\xE0\x9F\xBF"sv, "\xE2\x82"sv,
          "\xED\xA0\x80"sv, "\xF0\x8F\xBF\xBF"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv,
          "\xFF"sv, "a\xC3z"sv}) {
      CAPTURE(bad);
      CHECK_FALSE(is_utf8(bad));
    }
  }

  TEST_CASE("is looked at everywhere, however long the text is") {
    for (std::size_t size = 1; size < 40; ++size) {
      CAPTURE(size);
      CHECK(is_utf8(std::string(size, 'x')));
      for (std::size_t at = 0; at < size; ++at) {
        CAPTURE(at);
        std::string text(size, 'x');
        text[at] = '\xFF';
        CHECK_FALSE(is_utf8(text));
        CHECK(is_utf8(text.replace(at, 1, "\xC3\xA9")));
      }
    }
  }
}

}  // namespace
}  // namespace sluice
