#include "gateway/server/top.h"

#include <algorithm>
#include <netinet/in.h>
#include <optional>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/c_handle.h"
#include "gateway/server/client.h"

namespace sluice::server {
namespace {

constexpr const char* kStatus =
    R"({"version":"0.1.0","workers":2,"streams":3,"streams_lagging":1,"connections":2,)"
    R"("deliveries_total":1500,"gaps_total":1})";
constexpr const char* kStreams =
    R"({"matched":2,"streams":[)"
    R"({"id":"42-7","client":"192.0.2.1","topics":["news","x"],"topic_count":2,"age":75.2,)"
    R"("bytes":123456,"events":1234,"lag_events":9,"queued_bytes":2048,"state":"socket_full",)"
    R"("socket_blocked_for":12.5},)"
    R"({"id":"3-1","client":"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff","route":"chat","age":1,)"
    R"("state":"ok"}]})";

std::vector<std::string> lines(const std::string& page) {
  std::vector<std::string> result;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

TEST_SUITE("top") {
  TEST_CASE("shows the totals, then the streams in the order they came in") {
    std::optional<TopMoment> before;
    const auto page = top_page(kStatus, kStreams, 1, before);
    REQUIRE(page.has_value());
    const auto rows = lines(*page);
    REQUIRE(rows.size() == 6);
    CHECK(rows[1].find("3 streams, 1 lagging") != std::string::npos);
    CHECK(rows[4].starts_with("42-7       192.0.2.1       news +1"));
    CHECK(rows[4].find("75s") != std::string::npos);
    CHECK(rows[4].find("123k") != std::string::npos);
    CHECK(rows[4].find("socket 12s") != std::string::npos);
    CHECK(rows[5].find("route chat") != std::string::npos);
  }

  TEST_CASE("fits a hundred columns") {
    std::optional<TopMoment> before;
    for (const std::string& line : lines(top_page(kStatus, kStreams, 1, before).value())) {
      CAPTURE(line);
      CHECK(line.size() <= 100);
    }
  }

  TEST_CASE("in 80 columns it still says what holds a stream up") {
    std::optional<TopMoment> before;
    const auto rows = lines(top_page(kStatus, kStreams, 1, before, 80).value());
    for (const std::string& line : rows) CHECK(line.size() <= 80);
    CHECK(rows[3].ends_with("AGE     LAG QUEUED STATE"));
    CHECK(rows[4] ==
          "42-7       192.0.2.1       news +1                75s       9   2.0k socket 12s");
    CHECK(rows[5].ends_with("route chat              1s       0      0 ok"));
  }

  TEST_CASE("in a terminal of 80 columns and 24 lines nothing wraps or scrolls") {
    std::string page;
    for (int i = 0; i < 40; ++i) page += std::to_string(i) + std::string(97, '.') + "\n";
    const auto rows = lines(fit(page, {.rows = 24, .columns = 80}));
    REQUIRE(rows.size() == 23);
    CHECK(std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.size() == 80; }));
    CHECK(rows.front().starts_with("0."));
    CHECK(fit("short\n\nlast", {}) == "short\n\nlast\n");
  }

  TEST_CASE("no character is cut in two") {
    CHECK(fit("a\u00e9\u20ac\U0001f600b\n", {.rows = 24, .columns = 3}) == "a\u00e9\u20ac\n");
    CHECK(fit("\u20ac\u20ac\n", {.rows = 24, .columns = 2}) == "\u20ac\u20ac\n");
  }

  TEST_CASE("tells a rate from the second page on") {
    std::optional<TopMoment> before;
    CHECK(top_page(kStatus, kStreams, 1, before)->find("/s)") == std::string::npos);
    const std::string later = R"({"version":"0.1.0","deliveries_total":3500,"streams":3})";
    CHECK(top_page(later, kStreams, 3, before)->find("(1.0k/s)") != std::string::npos);
  }

  TEST_CASE("adds up what routes relay, which is no delivery of the hub") {
    std::optional<TopMoment> before;
    const auto status = [](int bytes) {
      return R"({"version":"0.1.0","streams":3,"deliveries_total":0,"routes":[)"
             R"({"name":"a","event_streams":2,"sent_bytes_total":)" +
             std::to_string(bytes) +
             R"(,"failures_total":{"connect":1,"closed":3},"gaps_total":5},)"
             R"({"name":"b","event_streams":1,"sent_bytes_total":500}]})";
    };
    const auto first = lines(top_page(status(1'000), kStreams, 1, before).value());
    CHECK(first[2] == "routes: 3 streams   1.5k bytes, 4 upstream failures, 5 gaps");
    const auto second = lines(top_page(status(3'000), kStreams, 3, before).value());
    CHECK(second[2] == "routes: 3 streams   3.5k bytes (1.0k/s), 4 upstream failures, 5 gaps");
    CHECK(second[1].find("0 deliveries (0/s)") != std::string::npos);
  }

  TEST_CASE("lets no name do anything to the terminal") {
    std::optional<TopMoment> before;
    const auto page =
        top_page(kStatus,
                 R"({"streams":[{"id":"1-1","client":"\u001b[2J","topics":["\u009b\n"],)"
                 R"("state":"\r\u0007"}]})",
                 1, before);
    REQUIRE(page.has_value());
    CHECK(std::all_of(page->begin(), page->end(),
                      [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
    CHECK(lines(*page).size() == 5);
  }

  TEST_CASE("a peer that answers nothing is not waited for without end") {
    // The kernel takes the connection; nobody takes it from there.
    const UniqueFd silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
    REQUIRE(::bind(silent.get(), generic, size) == 0);
    REQUIRE(::listen(silent.get(), 1) == 0);
    REQUIRE(::getsockname(silent.get(), generic, &size) == 0);
    const std::string peer = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    const auto answer = fetch("http://" + peer, "/status", Millis(50));
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().what == peer + " did not answer in time, within 50ms");
  }

  TEST_CASE("says so where there is no admin listener") {
    std::optional<TopMoment> before;
    CHECK_FALSE(top_page("<html>", kStreams, 1, before).has_value());
    CHECK_FALSE(top_page(kStatus, "[]", 1, before).has_value());
    CHECK_FALSE(top_page(kStatus, R"({"streams":1})", 1, before).has_value());
  }
}

}  // namespace
}  // namespace sluice::server
