/// Answers an HTTP/1.1 client whatever a server could.
///
/// The first byte chooses how the rest is cut into pieces. The rest is turns, parted by 0xFE 0xFE;
/// the first byte of each chooses the request and what its caller does (`Turn`), and what follows
/// is fed as the answer. Held against every input: callers see well-formed answers only, each call
/// ends once or stays open, never from inside another call, and cutting the input differently
/// changes nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/ascii.h"
#include "gateway/base/assert.h"
#include "gateway/base/clock.h"
#include "gateway/base/out_buffer.h"
#include "gateway/h1/client_session.h"

namespace sluice::h1 {
namespace {

constexpr std::string_view kTurnEnd = "\xFE\xFE";
constexpr std::string_view kUpload = "upload";

struct Turn {
  explicit Turn(std::uint8_t byte)
      : method(byte & 3U),
        pays_late((byte & 4U) != 0),
        cancels((byte & 8U) != 0),
        leaves((byte & 16U) != 0),
        holds_back((byte & 32U) != 0) {}

  unsigned method;  ///< GET, HEAD, POST with a length, POST in chunks.
  bool pays_late;   ///< When the turn is over.
  bool cancels;     ///< At the first byte of the body.
  bool leaves;      ///< The server closes the connection at the end of the turn.
  bool holds_back;  ///< The end of the upload does not come.
};

http::Outgoing request_of(const Turn& turn) {
  constexpr const char* kMethods[]{"GET", "HEAD", "POST", "POST"};
  http::Outgoing request;
  request.head.method = kMethods[turn.method];
  request.head.authority = "a";
  request.head.path = "/";
  request.head.has_body = turn.method >= 2;
  if (turn.method == 2) request.body_length = kUpload.size();
  return request;
}

class LoggingCaller final : public http::Caller {
 public:
  LoggingCaller(const Turn& turn, std::string& log) : turn_(turn), log_(log) {}

  void on_head(http::Response head, std::optional<std::uint64_t> content_length) override {
    enter();
    SLUICE_ASSERT(!has_head_, "a second head");
    has_head_ = true;
    SLUICE_ASSERT(head.status >= 200 && head.status <= 599, "a status that is none");
    log_ += std::to_string(head.status) + ' ';
    if (content_length) log_ += std::to_string(*content_length) + ' ';
    for (const http::Field& field : head.headers) {
      SLUICE_ASSERT(!field.name.empty() && field.name == to_lower(field.name), "a field's name");
      SLUICE_ASSERT(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
                    "a value of two lines");
      SLUICE_ASSERT(field.name != "transfer-encoding" && field.name != "connection" &&
                        field.name != "content-length",
                    "a field of the connection");
      log_ += field.name + '=' + field.value + ';';
    }
    log_ += '\n';
  }
  void on_bytes(std::string_view bytes) override {
    enter();
    SLUICE_ASSERT(has_head_ && !bytes.empty(), "a piece of a body that should not be");
    if (turn_.cancels) {
      log_ += "cancelled\n";
      cancel();
      return;
    }
    log_ += bytes;
    if (turn_.pays_late) {
      owed_ += bytes.size();
    } else {
      call->consume(bytes.size());
    }
  }
  void on_end(bool until_close) override {
    enter();
    SLUICE_ASSERT(has_head_, "an answer without a head");
    log_ += until_close ? "\nend by close\n" : "\nend\n";
    call = nullptr;
  }
  void on_failure(const http::CallFailure& failure) override {
    enter();
    SLUICE_ASSERT(!failure.what.empty(), "a failure without a reason");
    log_ += "\nfailure " + std::to_string(static_cast<int>(failure.error)) +
            (failure.is_untouched ? " untouched\n" : "\n");
    call = nullptr;
  }
  Ready body_ready(std::size_t max) override {
    enter();
    const std::size_t n = std::min(max, upload_.size());
    return {.bytes = n, .last = n == upload_.size() && !turn_.holds_back};
  }
  void body_take(std::span<std::byte> out) override {
    enter();
    const auto from = std::as_bytes(std::span(upload_)).first(out.size());
    std::copy(from.begin(), from.end(), out.begin());
    upload_.remove_prefix(out.size());
  }

  void cancel() {
    call->cancel();
    call = nullptr;
  }
  void pay() const {
    if (call != nullptr) call->consume(owed_);
  }

  http::Call* call = nullptr;  ///< While it is open.

 private:
  void enter() const { SLUICE_ASSERT(call != nullptr, "called when no call is open"); }

  const Turn turn_;
  std::string& log_;
  bool has_head_ = false;
  std::size_t owed_ = 0;
  std::string_view upload_ = kUpload;
};

struct Peer final : Transport, http::ClientOwner {
  void flush_later() override {}
  void on_change(http::Client& /*client*/) override {}
  void on_gone(http::Client& /*client*/) override { ++gone; }
  int gone = 0;
};

void hear(ClientSession& session, std::string& log) {
  static OutBuffer out;
  for (bool more = true; more; out.clear()) {
    more = session.fill(out);
    SLUICE_ASSERT(!more || !out.empty(), "more is said to wait, and nothing comes");
    log.append(reinterpret_cast<const char*>(out.bytes().data()), out.size());
  }
}

/// Plays one turn. False: the connection takes no other.
bool play(ClientSession& session, std::string_view input, std::size_t step, std::string& log) {
  const Turn turn(input.empty() ? 0 : static_cast<std::uint8_t>(input.front()));
  LoggingCaller caller(turn, log);
  caller.call = &session.call(request_of(turn), caller);
  SLUICE_ASSERT(session.open_calls() == 1, "a call that is not open");
  hear(session, log);
  for (std::size_t at = 1; at < input.size() && !session.is_finished(); at += step) {
    const std::string_view piece = input.substr(at, step);
    session.feed(std::as_bytes(std::span(piece.data(), piece.size())));
    hear(session, log);
  }
  if (turn.leaves) session.on_eof();
  caller.pay();
  SLUICE_ASSERT(session.wants_read(), "reading stopped with nothing unpaid");
  if (caller.call != nullptr) {
    log += "open\n";
    caller.cancel();
  }
  hear(session, log);
  SLUICE_ASSERT(session.open_calls() == 0, "a call outlived its end");
  log += session.is_finished() ? "finished\n" : "kept\n";
  return session.can_call();
}

/// Everything that came of the input, when it is given `step` bytes at a time.
std::string run(std::string_view input, std::size_t step) {
  const ManualClock clock;
  ClientSession::Setting setting{
      .options = {.header_bytes = 2048, .header_fields = 10, .unpaid_bytes = 16}, .clock = clock};
  Peer peer;
  std::string log;
  {
    ClientSession session(peer, peer, setting);
    for (bool goes_on = true; goes_on && !input.empty();) {
      const std::string_view turn = input.substr(0, input.find(kTurnEnd));
      input.remove_prefix(std::min(input.size(), turn.size() + kTurnEnd.size()));
      goes_on = play(session, turn, step, log);
    }
  }
  SLUICE_ASSERT(peer.gone == 1, "the owner was not told of the end");
  const ClientCounters& counters = setting.counters;
  SLUICE_ASSERT(counters.open_calls.value() == 0, "a call was left open");
  for (const Counter* counter : {&counters.failures, &counters.malformed, &counters.cancelled,
                                 &counters.early, &counters.strays}) {
    log += std::to_string(counter->value()) + ' ';
  }
  return log;
}

}  // namespace
}  // namespace sluice::h1

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t step = 1 + data[0];
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string whole = sluice::h1::run(input, input.size() + 1);
  SLUICE_ASSERT(whole == sluice::h1::run(input, step) && whole == sluice::h1::run(input, 1),
                "the result depends on how the input was cut");
  return 0;
}
