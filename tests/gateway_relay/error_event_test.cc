#include "gateway/relay/error_event.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/base/utf8.h"
#include "gateway/relay/json_text.h"
#include "tests/sse/reference_parser.h"

namespace sluice::relay {
namespace {

TEST_SUITE("the error event") {
  TEST_CASE("says what an answer that had not begun would have said") {
    CHECK(error_event(ErrorForm::event, 502, "upstream_closed", "the answer broke off") ==
          "event: error\n"
          "data: {\"error\":{\"status\":502,\"type\":\"upstream_closed\","
          "\"message\":\"the answer broke off\"}}\n\n");
  }

  TEST_CASE("has the form that OpenAI's clients throw on") {
    CHECK(error_event(ErrorForm::openai, 502, "upstream_closed", "gone") ==
          "data: {\"error\":{\"message\":\"gone\",\"type\":\"upstream_error\","
          "\"code\":\"upstream_closed\",\"param\":null,\"status\":502}}\n\n");
    const auto has = [](int status, std::string_view kind, std::string_view type) {
      return error_body(ErrorForm::openai, status, kind, "x").text.find(type) != std::string::npos;
    };
    CHECK(has(413, "body_too_large", "\"type\":\"invalid_request_error\""));
    CHECK(has(503, "too_many_streams", "\"type\":\"server_error\""));
    CHECK(has(429, "upstream_answer", "\"type\":\"upstream_error\""));
  }

  TEST_CASE("has the form and the types of Anthropic's") {
    const auto event = [](int status) {
      return error_event(ErrorForm::anthropic, status, "upstream_closed", "gone");
    };
    CHECK(event(502) ==
          "event: error\n"
          "data: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"gone\"}}\n\n");
    CHECK(event(503).find("\"overloaded_error\"") != std::string::npos);
    CHECK(event(504).find("\"timeout_error\"") != std::string::npos);
    CHECK(event(422).find("\"invalid_request_error\"") != std::string::npos);
    CHECK(event(200).find("\"api_error\"") != std::string::npos);  // It was no stream.
  }

  TEST_CASE("is nothing where the answer is to break off") {
    CHECK(error_event(ErrorForm::reset, 502, "upstream_closed", "gone").empty());
  }

  TEST_CASE("is one event whatever the message: nothing of it gets out of its string") {
    std::string message = "\"}\n\ndata: x\r\revent: y\r\n\\\t\x7f\xff\xc3\xe2\x82 €";
    message += '\0';
    for (const auto form : {ErrorForm::event, ErrorForm::openai, ErrorForm::anthropic}) {
      const std::string event = error_event(form, 502, message, message);
      const auto seen = sse::interpret(event);
      REQUIRE(seen.messages.size() == 1);
      CHECK(seen.messages[0].data.find('\n') == std::string::npos);
      CHECK(seen.is_whole);
      CHECK(is_utf8(event));
    }
  }
}

TEST_SUITE("a JSON string") {
  TEST_CASE("escapes what JSON wants escaped, and leaves the rest") {
    CHECK(json_text("a\"b\\c/€😀") == "\"a\\\"b\\\\c/€😀\"");
    CHECK(json_text("\n\r\t\x01\x7f") == "\"\\u000a\\u000d\\u0009\\u0001\\u007f\"");
    CHECK(json_text({"\0", 1}) == "\"\\u0000\"");
    CHECK(json_text("") == "\"\"");
  }

  TEST_CASE("is UTF-8 whatever it is made of") {
    CHECK(json_text("\xff"
                    "a\xc3") ==
          "\"\xef\xbf\xbd"
          "a\xef\xbf\xbd\"");
    CHECK(json_text("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  }
}

}  // namespace
}  // namespace sluice::relay
