#include "gateway/http/trace.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice::http {
namespace {

/// The trace's id, or "-".
std::string traced(const std::string& traceparent) {
  const Request request{.headers = {{"traceparent", traceparent}}};
  return std::string(trace_id(request).value_or("-"));
}

TEST_SUITE("traceparent") {
  TEST_CASE("a valid one has the trace's id") {
    CHECK(traced("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") ==
          "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK(traced("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00") ==
          "4bf92f3577b34da6a3ce929d0e0e4736");
  }

  TEST_CASE("a later version may have more behind it, this one may not") {
    CHECK(traced("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what") ==
          "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK(traced("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01what") == "-");
    CHECK(traced("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what") == "-");
  }

  TEST_CASE("what is malformed has none") {
    for (const char* bad : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
                            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01"}) {
      CAPTURE(bad);
      CHECK(traced(bad) == "-");
    }
  }

  TEST_CASE("two of them are none") {
    constexpr const char* kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const Request request{.headers = {{"traceparent", kGood}, {"traceparent", kGood}}};
    CHECK_FALSE(trace_id(request).has_value());
  }
}

}  // namespace
}  // namespace sluice::http
