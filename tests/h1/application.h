/// Application: what is at the other end of a ClientSession, without a socket between them; and
/// StagedCaller, who asks it and writes down what comes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/clock.h"
#include "gateway/base/out_buffer.h"
#include "gateway/h1/client_session.h"

namespace sluice::h1 {

/// Which of a caller's functions is being called.
enum class Moment : std::uint8_t { head, body, end, failure, ready, take };

class StagedCaller final : public http::Caller {
 public:
  void on_head(http::Response head, std::optional<std::uint64_t> content_length) override {
    enter(Moment::head);
    CHECK_MESSAGE(!answer, "a second head");
    answer = std::move(head);
    length = content_length;
    act(Moment::head);
  }
  void on_bytes(std::string_view bytes) override {
    enter(Moment::body);
    CHECK_MESSAGE(answer.has_value(), "a body before the head");
    CHECK_FALSE(bytes.empty());
    body += bytes;
    if (pays) call->consume(bytes.size());
    act(Moment::body);
  }
  void on_end(bool until_close) override {
    enter(Moment::end);
    has_ended = true;
    ended_by_close = until_close;
    call = nullptr;
    act(Moment::end);
  }
  void on_failure(const http::CallFailure& why) override {
    enter(Moment::failure);
    failure = why;
    call = nullptr;
    act(Moment::failure);
  }
  Ready body_ready(std::size_t max) override {
    enter(Moment::ready);
    const Ready now{.bytes = std::min(max, upload.size()), .last = is_last && upload.size() <= max};
    act(Moment::ready);
    return now;
  }
  void body_take(std::span<std::byte> out) override {
    enter(Moment::take);
    const auto from = std::as_bytes(std::span(upload)).first(out.size());
    std::copy(from.begin(), from.end(), out.begin());
    upload.erase(0, out.size());
    act(Moment::take);
  }

  void cancel() {
    std::exchange(call, nullptr)->cancel();
    was_cancelled = true;
  }
  /// All of it in a line: "200 x=1 | hello | end".
  [[nodiscard]] std::string story() const {
    std::string text = "-";
    if (answer) {
      text = std::to_string(answer->status);
      for (const http::Field& field : answer->headers) {
        text.append(" ").append(field.name).append("=").append(field.value);
      }
      if (length) text.append(" (").append(std::to_string(*length)).append(")");
    }
    text.append(" | ").append(body).append(" | ");
    if (has_ended) return text.append(ended_by_close ? "end by close" : "end");
    if (!failure) return text.append("open");
    constexpr std::string_view kErrors[]{"refused", "closed", "reset", "malformed", "too large"};
    text.append(kErrors[static_cast<std::size_t>(failure->error)]);
    return text.append(failure->is_untouched ? ", untouched" : "");
  }

  // What it hears.
  std::optional<http::Response> answer;
  std::optional<std::uint64_t> length;
  std::string body;
  bool has_ended = false;
  bool ended_by_close = false;
  std::optional<http::CallFailure> failure;
  // What it does.
  http::Call* call = nullptr;
  std::string upload;    ///< Of the request's body, to be taken.
  bool is_last = false;  ///< Nothing after it.
  bool pays = true;      ///< Gives each byte back at once.
  std::function<void(Moment)> also;
  bool was_cancelled = false;
  const bool* is_forbidden = nullptr;  ///< While it is true nobody may call us.

 private:
  void enter(Moment moment) const {
    const bool is_answer = moment != Moment::ready && moment != Moment::take;
    CHECK_MESSAGE(!(is_answer && is_forbidden != nullptr && *is_forbidden), "called from inside");
    CHECK_MESSAGE(!(has_ended || failure || was_cancelled), "called after the end");
  }
  void act(Moment moment) const {
    if (also) also(moment);
  }
};

inline http::Outgoing get(std::string path = "/") {
  return {.head = {
              .method = "GET", .scheme = "http", .authority = "app.test", .path = std::move(path)}};
}
/// A POST whose body is `length` bytes long, or of a length that nobody knows.
inline http::Outgoing post(std::optional<std::uint64_t> length = {}) {
  http::Outgoing request = get();
  request.head.method = "POST";
  request.head.has_body = true;
  request.body_length = length;
  return request;
}

class Application final : private Transport, private http::ClientOwner {
 public:
  explicit Application(ClientOptions given = {}) : setting{.options = given, .clock = clock} {
    session.emplace(static_cast<Transport&>(*this), static_cast<http::ClientOwner&>(*this),
                    setting);
  }

  /// Makes a call; its request is not sent before hear().
  void call(http::Outgoing request, StagedCaller& caller) {
    is_calling_ = true;
    caller.is_forbidden = &is_calling_;
    caller.call = &session->call(std::move(request), caller);
    is_calling_ = false;
  }
  /// Makes a call, and returns what the application hears of it.
  std::string ask(http::Outgoing request, StagedCaller& caller) {
    call(std::move(request), caller);
    return hear();
  }
  /// What is sent now.
  std::string hear() {
    std::string heard;
    OutBuffer out;
    for (bool more = true; more; out.clear()) {
      more = session->fill(out);
      const auto bytes = out.bytes();
      heard.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (more && out.empty()) FAIL("more is said to wait, and nothing comes");
    }
    return heard;
  }
  /// Answers, `step` bytes at a time.
  void say(std::string_view text, std::size_t step = std::string_view::npos) {
    for (std::size_t at = 0; at < text.size() && !session->is_finished(); at += step) {
      const std::string_view piece = text.substr(at, step);
      session->feed(std::as_bytes(std::span(piece.data(), piece.size())));
      if (step > text.size()) break;
    }
  }
  void leave() { session->on_eof(); }
  void pass(Duration time) {
    const TimePoint end = clock.now() + time;
    for (TimePoint next = session->check(clock.now()); next <= end;) {
      clock.advance(next - clock.now());
      next = session->check(next);
    }
    clock.advance(end - clock.now());
  }

  ManualClock clock;
  ClientSession::Setting setting;
  ClientCounters& counters = setting.counters;
  int flushes = 0;  ///< Asked for.
  int changes = 0;  ///< Told to the owner.
  int gone = 0;
  std::function<void()> on_change_also;
  std::optional<ClientSession> session;

 private:
  void flush_later() override { ++flushes; }
  void on_change(http::Client& client) override {
    CHECK(&client == &*session);
    CHECK_FALSE(is_calling_);
    ++changes;
    if (on_change_also) on_change_also();
  }
  void on_gone(http::Client& /*client*/) override { ++gone; }

  bool is_calling_ = false;
};

/// What a caller hears of `answer` when it comes `step` bytes at a time, and what becomes of the
/// connection. `leaves`: the application closes the connection behind it.
inline std::string story_of(http::Outgoing request, std::string_view answer, std::size_t step,
                            bool leaves = false) {
  Application app;
  StagedCaller caller;
  app.ask(std::move(request), caller);
  app.say(answer, step);
  if (leaves) app.leave();
  const std::string story = caller.story() + (app.session->is_finished() ? ", closed" : "");
  app.session.reset();  // What is still open fails, and is not of interest here.
  return story;
}

}  // namespace sluice::h1
