/// Feeds an HTTP/1.1 session whatever a client could send.
///
/// The first byte chooses how the rest is cut into pieces. Held against every input: the service
/// sees well-formed requests only, what comes out is bounded by what was answered, an answer never
/// dies inside its own call, and cutting the input differently changes nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/assert.h"
#include "gateway/base/clock.h"
#include "gateway/base/out_buffer.h"
#include "gateway/h1/session.h"
#include "gateway/http/answers.h"

namespace sluice::h1 {
namespace {

constexpr std::size_t kMaxAnswer = 512;  ///< Head and body of any answer here; a loose bound.

/// Answers with the number of bytes that the request's body had, when it is complete.
class CountingAnswer final : public http::Answer {
 public:
  explicit CountingAnswer(http::Exchange& exchange) : exchange_(exchange) {}
  ~CountingAnswer() override { SLUICE_ASSERT(!is_inside_, "destroyed inside its own call"); }

  void on_body(std::string_view bytes) override {
    is_inside_ = true;
    SLUICE_ASSERT(!bytes.empty() && !reply_, "a piece of a body that should not be");
    count_ += bytes.size();
    exchange_.consume(bytes.size());
    is_inside_ = false;
  }
  void on_body_end() override {
    is_inside_ = true;
    SLUICE_ASSERT(!reply_, "a body ended twice");
    reply_ = http::reply(exchange_, {}, std::to_string(count_));
    is_inside_ = false;
  }
  Ready ready(std::size_t max) override { return reply_->ready(max); }
  void take(std::span<std::byte> out) override { reply_->take(out); }

 private:
  http::Exchange& exchange_;
  std::size_t count_ = 0;
  std::unique_ptr<http::Answer> reply_;
  bool is_inside_ = false;
};

/// One event, then the end.
class ShortStream final : public http::Answer {
 public:
  explicit ShortStream(http::Exchange& exchange) : exchange_(exchange) {
    exchange_.respond({.headers = {{"content-type", "text/event-stream"}}},
                      http::Kind::event_stream);
  }
  void on_body(std::string_view bytes) override { exchange_.consume(bytes.size()); }
  void on_body_end() override {}
  Ready ready(std::size_t max) override {
    const std::size_t n = std::min(max, rest_.size());
    return {.bytes = n, .last = n == rest_.size()};
  }
  void take(std::span<std::byte> out) override {
    const auto from = std::as_bytes(std::span(rest_)).first(out.size());
    std::copy(from.begin(), from.end(), out.begin());
    rest_.remove_prefix(out.size());
  }

 private:
  http::Exchange& exchange_;
  std::string_view rest_ = "data: a\n\n";
};

struct Peer final : Transport, http::Service {
  void flush_later() override {}
  std::unique_ptr<http::Answer> open(const http::Request& request,
                                     http::Exchange& exchange) override {
    ++requests;
    SLUICE_ASSERT(!request.path.empty() && request.path.front() == '/', "a path of another form");
    for (const http::Field& field : request.headers) {
      SLUICE_ASSERT(!field.name.empty(), "a field without a name");
      SLUICE_ASSERT(field.value.find_first_of("\r\n") == std::string::npos, "a value of two lines");
      SLUICE_ASSERT(field.name != "transfer-encoding" && field.name != "connection",
                    "a field of the connection");
    }
    log += request.method + ' ' + request.authority + request.path + '?' + request.query + '\n';
    if (request.path == "/s") return std::make_unique<ShortStream>(exchange);
    if (request.path == "/e") return http::problem(exchange, 404, "");
    return std::make_unique<CountingAnswer>(exchange);
  }

  std::size_t requests = 0;
  std::string log;
};

/// Everything that came of the input, when it is given `step` bytes at a time.
std::string run(std::string_view input, std::size_t step) {
  const Options options{.header_bytes = 2048, .header_fields = 10, .discard_bytes = 1024};
  Counters counters;
  const ManualClock clock;
  Peer peer;
  Session session(peer, peer, {.id = 1, .peer = "192.0.2.1", .protocol = "http/1.1"}, options,
                  counters, clock);
  std::string heard;
  const auto hear = [&] {
    static OutBuffer out;
    for (bool more = true; more; out.clear()) {
      more = session.fill(out);
      SLUICE_ASSERT(!more || !out.empty(), "more is said to wait, and nothing comes");
      heard.append(reinterpret_cast<const char*>(out.bytes().data()), out.size());
    }
  };
  for (std::size_t at = 0; at < input.size(); at += step) {
    const std::string_view piece = input.substr(at, step);
    session.feed(std::as_bytes(std::span(piece.data(), piece.size())));
    hear();
  }
  session.on_eof();
  hear();
  SLUICE_ASSERT(session.is_finished(), "a session outlived its client");
  // Beside each answer there may be a 100, and one refusal at the end.
  SLUICE_ASSERT(heard.size() <= (2 * peer.requests + 1) * kMaxAnswer,
                "more came out than was said");
  SLUICE_ASSERT(counters.open_exchanges.value() == 0, "an exchange was left open");
  return peer.log + heard;
}

}  // namespace
}  // namespace sluice::h1

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t step = 1 + data[0];
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  SLUICE_ASSERT(sluice::h1::run(input, step) == sluice::h1::run(input, 1),
                "the result depends on how the input was cut");
  return 0;
}
