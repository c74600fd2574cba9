/// Feeds an HTTP/2 client session whatever a server could send.
///
/// The first byte chooses how the rest is cut into pieces, the second what the callers do from
/// inside. Held against every input: each caller hears a head, a body and one end, in that order,
/// and nothing after it cancelled; no call gets more than a window ahead; what comes out is bounded
/// by what went in; and cutting the input differently changes nothing.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/assert.h"
#include "gateway/base/clock.h"
#include "gateway/base/out_buffer.h"
#include "gateway/h2/client_session.h"

namespace sluice::h2 {
namespace {

constexpr std::size_t kWindow = 64_KiB;
constexpr std::size_t kUpload = 300;
constexpr std::size_t kMaxCalls = 16;

/// What the second byte chooses.
enum Play : std::uint8_t {
  cancel_in_head = 1,
  cancel_in_body = 2,
  never_consume = 4,
  call_again = 8,
  end_upload = 16,
};

struct Side;

class Asker final : public http::Caller {
 public:
  Asker(Side& side, std::uint8_t play) : side_(side), play_(play) {}
  ~Asker() { SLUICE_ASSERT(is_over_, "a call was forgotten"); }
  void begin(http::Call& call) { call_ = &call; }

  void on_head(http::Response head, std::optional<std::uint64_t> content_length) override {
    SLUICE_ASSERT(!is_over_ && !is_headed_, "a head that should not be");
    is_headed_ = true;
    SLUICE_ASSERT(head.status >= 200 && head.status <= 999, "a status that is not final");
    for (const http::Field& field : head.headers) {
      SLUICE_ASSERT(!field.name.empty() && field.name.front() != ':', "a name that is none");
      SLUICE_ASSERT(field.value.find_first_of("\r\n") == std::string::npos, "a value of two lines");
      SLUICE_ASSERT(field.name != "transfer-encoding" && field.name != "connection" &&
                        field.name != "content-length",
                    "a field of the framing");
    }
    length_ = content_length;
    log_ += std::to_string(head.status) + ' ' + std::to_string(head.headers.size()) + '\n';
    if ((play_ & cancel_in_head) != 0) cancel();
  }
  void on_bytes(std::string_view bytes) override {
    SLUICE_ASSERT(!is_over_ && is_headed_ && !bytes.empty(), "a body that should not be");
    body_ += bytes;  // Compared if it is complete: how much of it came before a fault may differ.
    unpaid_ += bytes.size();
    SLUICE_ASSERT(unpaid_ <= kWindow, "the server is farther ahead than its window");
    if ((play_ & never_consume) == 0) {
      call_->consume(unpaid_);
      unpaid_ = 0;
    }
    if ((play_ & cancel_in_body) != 0) cancel();
  }
  void on_end(bool until_close) override {
    SLUICE_ASSERT(!is_over_ && is_headed_ && !until_close, "an end that should not be");
    SLUICE_ASSERT(!length_ || *length_ == body_.size() || body_.empty(),
                  "not what the head promised");
    end(body_);
  }
  void on_failure(const http::CallFailure& failure) override {
    SLUICE_ASSERT(!is_over_, "a call ended twice");
    SLUICE_ASSERT(!(failure.is_untouched && is_headed_), "an answer by who did not look");
    end(failure.what);
  }
  Ready body_ready(std::size_t max) override {
    const std::size_t n = std::min(max, kUpload - taken_);
    return {.bytes = n, .last = (play_ & end_upload) != 0 && taken_ + n == kUpload};
  }
  void body_take(std::span<std::byte> out) override {
    std::fill(out.begin(), out.end(), std::byte{'u'});
    taken_ += out.size();
  }
  [[nodiscard]] bool is_over() const { return is_over_; }
  [[nodiscard]] const std::string& log() const { return log_; }

 private:
  void cancel() {
    call_->cancel();
    is_over_ = true;
  }
  void end(std::string_view how);

  Side& side_;
  const std::uint8_t play_;
  http::Call* call_ = nullptr;
  std::optional<std::uint64_t> length_;
  std::string body_;
  std::size_t unpaid_ = 0;
  std::size_t taken_ = 0;
  bool is_headed_ = false;
  bool is_over_ = false;
  std::string log_;
};

/// The session, its owner and its callers.
struct Side final : Transport, http::ClientOwner {
  explicit Side(std::uint8_t play_) : play(play_) {
    for (const char* method : {"GET", "POST", "HEAD", "GET"}) ask(method);
    hear();
  }
  ~Side() {
    session.reset();
    SLUICE_ASSERT(is_gone, "the owner was not told of the end");
  }

  void flush_later() override {}
  void on_change(http::Client& client) override {
    SLUICE_ASSERT(client.open_calls() == open(), "calls were counted wrongly");
    if ((play & call_again) != 0) ask("POST");
  }
  void on_gone(http::Client&) override { is_gone = true; }

  void ask(const std::string& method) {
    if (session == nullptr || !session->can_call() || askers.size() == kMaxCalls) return;
    http::Outgoing request;
    request.head = {.method = method, .scheme = "https", .authority = "a", .path = "/"};
    request.head.has_body = method == "POST";
    askers.push_back(std::make_unique<Asker>(*this, askers.size() < 3 ? play : std::uint8_t{0}));
    Asker& asker = *askers.back();
    asker.begin(session->call(std::move(request), asker));
  }
  [[nodiscard]] std::size_t open() const {
    return static_cast<std::size_t>(std::count_if(
        askers.begin(), askers.end(), [](const auto& asker) { return !asker->is_over(); }));
  }
  void feed(std::string_view piece) {
    session->feed(std::as_bytes(std::span(piece.data(), piece.size())));
  }
  void hear() {
    static OutBuffer out;
    for (bool more = true; more; out.clear()) {
      more = session->fill(out);
      SLUICE_ASSERT(!more || !out.empty(), "more is said to wait, and nothing comes");
      heard += out.size();
    }
  }
  std::string end() {
    hear();
    session->on_eof();
    SLUICE_ASSERT(session->is_finished() && session->is_spent(), "a session outlived its server");
    SLUICE_ASSERT(session->open_calls() == 0 && open() == 0, "a call outlived its server");
    std::string log;
    for (const auto& asker : askers) log += asker->log() + '\n';
    return log;
  }

  const std::uint8_t play;
  // nghttp2 counts the pieces of a CONTINUATION frame's header, too.
  const ClientOptions options{
      .max_streams = 8, .header_bytes = 2048, .header_fields = 10, .max_continuations = 1'000'000};
  ClientCounters counters;
  const ManualClock clock;
  SharedMemory memory;
  std::vector<std::unique_ptr<Asker>> askers;
  bool is_gone = false;
  std::size_t heard = 0;
  std::unique_ptr<ClientSession> session = std::make_unique<ClientSession>(
      *this, *this, ClientSession::Setting{options, counters, clock, memory});
};

void Asker::end(std::string_view how) {
  is_over_ = true;
  log_ += how;
  if ((play_ & call_again) != 0) side_.ask("GET");
}

/// Everything that came of the input, when it is given `step` bytes at a time and nothing is sent
/// meanwhile. (What has been sent may change what is right for the server, and when the owner is
/// told of room depends on the pieces.)
std::string run(std::string_view input, std::size_t step, std::uint8_t play) {
  Side side(static_cast<std::uint8_t>(play & ~unsigned{call_again}));
  for (std::size_t at = 0; at < input.size(); at += step) side.feed(input.substr(at, step));
  return side.end();
}

/// As a connection does it: what is to be sent leaves after each piece.
void run_turns(std::string_view input, std::size_t step, std::uint8_t play) {
  Side side(play);
  for (std::size_t at = 0; at < input.size(); at += step) {
    side.feed(input.substr(at, step));
    side.hear();
  }
  side.end();
  // A frame of nine bytes may cost an acknowledgement of 17 or a reset of 13 each.
  SLUICE_ASSERT(side.heard <= 4 * input.size() + 1'000 + kMaxCalls * (kUpload + 200),
                "more came out than went in");
}

}  // namespace
}  // namespace sluice::h2

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0];
  const std::string_view input(reinterpret_cast<const char*>(data + 2), size - 2);
  sluice::h2::run_turns(input, step, data[1]);
  SLUICE_ASSERT(sluice::h2::run(input, step, data[1]) == sluice::h2::run(input, 1, data[1]),
                "the result depends on how the input was cut");
  return 0;
}
