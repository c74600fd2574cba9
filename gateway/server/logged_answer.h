/// LoggedAnswer: an answer of which the access log is told.
///
/// It stands between a session and an answer, and looks like each of them to the other: it sees the
/// head go by and counts the bytes, and hears from the session how the exchange ended. What an
/// answer knows alone it says in the Account. Nothing else knows that there is a log.
///
/// Owner   the session, as for every Answer. Thread  its worker's.
/// Limits  one or two lines for each exchange; what it keeps of a request is cut (access_line.h).
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "gateway/http/exchange.h"
#include "gateway/http/forwarded.h"
#include "gateway/net/loop.h"
#include "gateway/server/access_line.h"
#include "gateway/server/access_log.h"

namespace sluice::server {

class LoggedAnswer final : public http::Answer, private http::Exchange {
 public:
  struct Setting {
    AccessLog& log;
    const net::Loop& loop;
    const http::Networks& trusted;
  };

  LoggedAnswer(const Setting& setting, const http::Request& request, http::Exchange& exchange);
  ~LoggedAnswer() override;

  /// What the answer is to speak to.
  [[nodiscard]] http::Exchange& exchange() { return *this; }
  /// Once, from within Service::open().
  void hold(std::unique_ptr<http::Answer> inner) { inner_ = std::move(inner); }

  // http::Answer
  void on_body(std::string_view bytes) override { inner_->on_body(bytes); }
  void on_body_end() override { inner_->on_body_end(); }
  Ready ready(std::size_t max) override;
  [[nodiscard]] bool ends_with_client() const override { return inner_->ends_with_client(); }
  void take(std::span<std::byte> out) override;
  void end_in_order() override { inner_->end_in_order(); }
  [[nodiscard]] http::Progress progress() const override { return inner_->progress(); }

 private:
  // http::Exchange
  void respond(http::Response head, http::Kind kind,
               std::optional<std::uint64_t> content_length) override;
  void wake() override;
  void wake_soon() override;
  void consume(std::size_t n) override { outer_.consume(n); }
  void abort() override { outer_.abort(); }
  [[nodiscard]] const http::Connection& connection() const override { return outer_.connection(); }
  [[nodiscard]] std::uint64_t id() const override { return outer_.id(); }
  [[nodiscard]] http::Flow flow() const override { return outer_.flow(); }
  [[nodiscard]] http::Ending ending() const override { return outer_.ending(); }
  [[nodiscard]] http::Account* account() override { return &account_; }

  void note_wait();
  [[nodiscard]] http::Ending how_it_ended() const;
  void write(const AccessOutcome& outcome);

  // Set in the constructor.
  const Setting setting_;
  http::Exchange& outer_;
  const AccessRequest request_;
  const TimePoint begun_;

  http::Account account_;
  AccessOutcome outcome_;
  TimePoint waits_since_ = TimePoint::max();  ///< Bytes, for the client to take them.
  std::size_t offered_ = 0;                   ///< By the last ready().
  bool is_all_ = false;                       ///< The same.
  bool is_stream_ = false;
  std::unique_ptr<http::Answer> inner_;
};

}  // namespace sluice::server
