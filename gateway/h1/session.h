/// Session: HTTP/1.0 and HTTP/1.1 on one connection, one exchange at a time (RFC 9112).
///
///   idle ─► head ─► exchange: request body and answer, side by side ─► idle … or closing
///
/// A request that comes before the one ahead of it is answered waits as bytes, and few of them. An
/// answer that ends before the request's body does is followed by a bounded rest of that body. A
/// client that closes its side during an event stream has left; during a finite answer it has only
/// nothing more to ask.
/// Owner      the connection (a Transport), which outlives it. Service, Options, Counters and Clock
///            outlive it too. Thread  the connection's worker only.
/// Errors     a request of the wrong form, or one too slow, is answered with 4xx, and the
///            connection ends: where the next request begins can not be known.
/// Invariant  an Answer is destroyed at the end of feed(), on_eof(), fill(), check() or the
///            Session, never inside a call of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/protocol.h"
#include "gateway/h1/options.h"
#include "gateway/h1/parser.h"
#include "gateway/http/exchange.h"

namespace sluice::h1 {

class Session final : public http::ServerSession, private http::Exchange {
 public:
  Session(Transport& transport, http::Service& service, http::Connection info,
          const Options& options, Counters& counters, const Clock& clock);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void feed(std::span<const std::byte> bytes) override;
  void on_eof() override;
  bool fill(OutBuffer& out) override;
  [[nodiscard]] bool wants_read() const override;
  [[nodiscard]] bool is_finished() const override;
  TimePoint check(TimePoint now) override;
  [[nodiscard]] bool is_newcomer() const override { return !has_served_; }
  [[nodiscard]] std::optional<TimePoint> idle_since() const override;
  void drain_notice() override { is_draining_ = true; }
  void drain_finish() override;
  [[nodiscard]] const http::Connection& info() const override { return connection_; }
  [[nodiscard]] http::Flow flow() const override { return {.transport = transport_.state()}; }

 private:
  /// How the end of the answer is told to the client.
  enum class Framing : std::uint8_t { none, length, chunked, until_close };
  /// What became of an attempt to send more of the answer.
  enum class Pull : std::uint8_t { sent, waits, blocked, ended };

  /// From a request's head to the last byte of it and of its answer.
  struct Current {
    bool is_open = false;
    // Of the request.
    int minor_version = 1;
    bool is_head = false;
    bool body_done = false;
    bool waits_for_continue = false;  ///< The client may keep its body back: we sent no 100.
    std::size_t unconsumed = 0;
    std::size_t discarded = 0;
    // Of the answer.
    bool has_responded = false;
    bool is_cut =
        false;  ///< The request's body is broken: what is ready of the answer, then the end.
    bool is_event_stream = false;
    bool keep_alive = false;
    Framing framing = Framing::none;
    std::uint64_t rest = 0;  ///< With Framing::length.
  };

  // http::Exchange
  void respond(http::Response head, http::Kind kind,
               std::optional<std::uint64_t> content_length) override;
  void wake() override;
  void wake_soon() override;
  void consume(std::size_t n) override;
  void abort() override;
  [[nodiscard]] const http::Connection& connection() const override { return connection_; }
  [[nodiscard]] std::uint64_t id() const override { return requests_; }
  [[nodiscard]] http::Ending ending() const override { return ending_; }

  // Requests.
  void advance(std::string_view& input);
  void advance_kept_input();
  void open_exchange();
  void on_body(std::string_view bytes);
  void on_body_end();
  void refuse(Refusal refusal);

  // Answers.
  void choose_framing(const http::Response& head, std::optional<std::uint64_t> content_length);
  bool fill_until_full(OutBuffer& out);
  bool fill_text(OutBuffer& out);
  Pull pull(OutBuffer& out);
  Pull pull_chunk(OutBuffer& out);
  Pull pull_plain(OutBuffer& out);

  // Ends.
  /// How the exchange ended, unless that is known already.
  void settle_ending(http::Ending how) {
    if (ending_ == http::Ending::none) ending_ = how;
  }
  void end_answer();
  void end_exchange();
  void drop_answer();
  void close();
  void look_at_eof();
  void settle();

  // Time limits.
  struct Deadline {
    TimePoint at;
    void (Session::*expire)();
  };
  /// None while it is our turn to move.
  [[nodiscard]] std::optional<Deadline> deadline() const;
  void retire();
  void expire_head();
  void expire_body();
  void expire_stalled();

  // Set in the constructor.
  Transport& transport_;
  http::Service& service_;
  const Options& options_;
  Counters& counters_;
  const Counted counted_;
  const Clock& clock_;

  http::Connection connection_;
  RequestParser parser_;
  std::string input_;          ///< Behind the current request; not parsed yet.
  std::string text_;           ///< Heads and refusals that wait to be sent.
  std::size_t text_sent_ = 0;  ///< Of text_.
  Current current_;
  std::unique_ptr<http::Answer> answer_;  ///< None before the first and after the last byte.
  std::uint64_t requests_ = 0;            ///< That were opened.

  bool has_served_ = false;  ///< An exchange was opened.
  bool is_draining_ = false;
  bool takes_no_more_ = false;  ///< Second stage of the drain.
  bool saw_eof_ = false;
  bool is_closing_ = false;  ///< Nothing is read any more.
  bool is_aborted_ = false;  ///< The answer is to be destroyed as soon as that is possible.
  http::Ending ending_ = http::Ending::none;  ///< Of the current exchange.

  TimePoint since_;  ///< When the idle time, the head, or the wait for more of the body began.
  std::optional<TimePoint> blocked_since_;
  TimePoint retires_at_;
};

}  // namespace sluice::h1
