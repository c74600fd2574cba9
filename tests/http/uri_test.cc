#include "gateway/http/uri.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace sluice::http {
namespace {

using namespace std::string_view_literals;

Form form_of(std::string_view text) {
  auto form = parse_form(text, 100);
  REQUIRE(form.has_value());
  return *form;
}

std::string form_fault(std::string_view text, std::size_t limit = 100) {
  const auto form = parse_form(text, limit);
  REQUIRE_FALSE(form.has_value());
  return form.error().what;
}

TEST_SUITE("percent-encoding") {
  TEST_CASE("an escape stands for its byte, in either case of letters, and '+' for itself") {
    CHECK(percent_decode("a%2Fb%2fc+d") == "a/b/c+d");
    CHECK(percent_decode("%00") == std::string(1, '\0'));
    CHECK(percent_decode("") == "");
  }

  TEST_CASE("an escape without two hex digits is refused, and the message says where") {
    for (const auto broken : {"ab%", "ab%2", "ab%2x", "ab%x2", "ab%%20", "ab% 2"}) {
      CAPTURE(broken);
      const auto decoded = percent_decode(broken);
      REQUIRE_FALSE(decoded.has_value());
      CHECK(decoded.error().code == Errc::invalid);
      CHECK(decoded.error().what == "'%' at byte 3 lacks two hex digits");
    }
  }

  TEST_CASE("only the unreserved characters stay as they are when text is encoded") {
    CHECK(percent_encode("AZaz09-._~") == "AZaz09-._~");
    CHECK(percent_encode("a b/ü%\n") == "a%20b%2F%C3%BC%25%0A");
  }

  TEST_CASE("every byte survives being encoded and decoded") {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    CHECK(percent_decode(percent_encode(bytes)) == bytes);
  }
}

TEST_SUITE("UTF-8") {
  TEST_CASE("text holds no U+0000") {
    CHECK(is_text("plain"));
    CHECK_FALSE(is_text("a\0b"sv));
  }
}

TEST_SUITE("Form") {
  TEST_CASE("fields come decoded and in order, and a name may come more than once") {
    const Form form = form_of("topic=a%2Fb&data=x+y&topic=c&private=on");
    CHECK(form.size() == 4);
    REQUIRE(first(form, "data") != nullptr);
    CHECK(*first(form, "data") == "x y");
    CHECK(all(form, "topic") == std::vector<std::string_view>{"a/b", "c"});
    CHECK(first(form, "id") == nullptr);
    CHECK(all(form, "id").empty());
  }

  TEST_CASE("a field may have an empty value, no '=' or more than one") {
    const Form form = form_of("a=&b&c=d=e&=f");
    CHECK(form == Form{{"a", ""}, {"b", ""}, {"c", "d=e"}, {"", "f"}});
  }

  TEST_CASE("names are decoded too, and only after the text was divided") {
    CHECK(form_of("a%26b=c%3Dd+%2B") == Form{{"a&b", "c=d +"}});
  }

  TEST_CASE("empty pieces are nothing") {
    CHECK(form_of("").empty());
    CHECK(form_of("&&&").empty());
    CHECK(form_of("&a=1&&b=2&") == Form{{"a", "1"}, {"b", "2"}});
  }

  TEST_CASE("a broken escape is refused, and the message names the field") {
    CHECK(form_fault("a=1&data=50%&c=2") ==
          "value 'data' of field 2: '%' at byte 3 lacks two hex digits");
    CHECK(form_fault("a=1&%zz=2") == "name of field 2: '%' at byte 1 lacks two hex digits");
    CHECK(form_fault("%FF=%") == "value of field 1: '%' at byte 1 lacks two hex digits");
  }

  TEST_CASE("more fields than allowed are refused before they are kept") {
    CHECK(parse_form("a&b&c", 3).has_value());
    CHECK(form_fault("a&b&c&d", 3) == "more than 3 fields");
    std::string flood;
    for (int i = 0; i < 100000; ++i) flood += "a=1&";
    CHECK(parse_form(flood, 1000).error().code == Errc::limit);
  }
}

}  // namespace
}  // namespace sluice::http
