#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <nghttp2/nghttp2.h>

#include "bench/floor/path_reader.h"
#include "bench/load/audience.h"
#include "bench/load/h2_connection.h"
#include "bench/load/source.h"
#include "bench/origin/outlet.h"

namespace sluice::bench {
namespace {

/// What clients on nghttp2 write: each request of a connection goes through the same encoder.
class Encoder {
 public:
  Encoder() { REQUIRE(nghttp2_hd_deflate_new(&deflater_, 4096) == 0); }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder() { nghttp2_hd_deflate_del(deflater_); }

  std::string fields_of(std::string_view path) {
    const std::vector<nghttp2_nv> fields{field(":method", "GET"), field(":scheme", "https"),
                                         field(":authority", "127.0.0.1:4433"),
                                         field(":path", path), field("x-first", "another")};
    std::string block(512, '\0');
    const auto size =
        nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<std::uint8_t*>(block.data()),
                              block.size(), fields.data(), fields.size());
    REQUIRE(size > 0);
    block.resize(static_cast<std::size_t>(size));
    return block;
  }

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

TEST_SUITE("Ask") {
  TEST_CASE("a stream's path says what it gets") {
    const auto ask = parse_ask("/app/events?stream=17&rate=200&size=1000&greet=on");
    REQUIRE(ask);
    CHECK(ask->stream == 17);
    CHECK(ask->rate == 200);
    CHECK(ask->size == 1000);
    CHECK(ask->greets);
    CHECK_FALSE(ask->is_posted);
  }

  TEST_CASE("without a rate it is silent, and without a greeting there is a head alone") {
    const auto ask = parse_ask("/app/events");
    REQUIRE(ask);
    CHECK(ask->rate == 0);
    CHECK_FALSE(ask->greets);
  }

  TEST_CASE("it may be as fast as it goes, or be what is posted") {
    CHECK(parse_ask("/app/events?rate=max")->rate == Ask::kAsFastAsItGoes);
    CHECK(parse_ask("/app/posted?greet=on")->is_posted);
  }

  TEST_CASE("what it does not know is not found") {
    for (const auto* target : {"/", "/app/other", "/app/events?rate=much", "/app/events?speed=1",
                               "/app/events?stream=1x", "/app/events?size=9999999"}) {
      CAPTURE(target);
      CHECK_FALSE(parse_ask(target));
    }
  }
}

TEST_SUITE("Readers behind a relay") {
  /// Of streams that have 40 events a second of their own.
  Options options_of_relay() {
    Options options;
    options.subscribe.path = "/app/events";
    options.source.host = "127.0.0.1";
    options.rate = 40;
    return options;
  }

  TEST_CASE("each stream asks the application for its own events") {
    auto options = options_of_relay();
    CHECK(options.path_of(17) == "/app/events?stream=17&rate=40&size=100&greet=on");
    CHECK_FALSE(options.publishes());
    const auto ask = parse_ask(options.path_of(17));
    REQUIRE(ask);
    CHECK(ask->stream == 17);
    options.is_ready_at_head = true;
    CHECK_FALSE(parse_ask(options.path_of(17))->greets);
  }

  TEST_CASE("another stream's event is nobody's") {
    const auto options = options_of_relay();
    const Audience audience(options);
    const EventScanner::Event event{.token = Token{.sequence = 1, .sent_ns = 2, .publisher = 17}};
    CHECK(audience.publisher_of(event, 17) == 0);
    CHECK_FALSE(audience.publisher_of(event, 16));
  }
}

TEST_SUITE("Source") {
  TEST_CASE("counts are read line by line") {
    const auto counts = Source::parse(
        "requests 3\nopen 2\nconnections 1\nstream 0 40 5000\nstream 7 2 10000000000\n");
    CHECK(counts.requests == 3);
    CHECK(counts.open == 2);
    CHECK(counts.connections == 1);
    CHECK(counts.events() == 42);
    CHECK(counts.sequence_of(7) == 2);
    CHECK(counts.sequence_of(8) == 0);
    CHECK(counts.streams.at(7).bytes == 10'000'000'000);
  }
}

TEST_SUITE("PathReader") {
  TEST_CASE("it finds the paths of all requests of all connections") {
    PathReader reader;
    Encoder one, other;
    for (const std::string path : {"/app/events?stream=1&rate=40", "/app/events?stream=20"}) {
      CHECK(reader.read(one.fields_of(path)) == path);
      CHECK(reader.read(other.fields_of(path)) == path);
    }
  }

  TEST_CASE("fields without a path, or cut short, have none") {
    Encoder encoder;
    PathReader reader;
    const auto whole = encoder.fields_of("/app/events");
    CHECK(reader.read({}).empty());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto path = reader.read(std::string_view(whole).substr(0, size));
      CHECK((path.empty() || path == "/app/events"));
    }
    CHECK(reader.read(encoder.fields_of("/again")) == "/again");
  }
}

}  // namespace
}  // namespace sluice::bench
