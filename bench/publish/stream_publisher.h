/// StreamPublisher: one request whose body is a stream of events, as fast as flow control lets.
///
/// Owner   a run. Thread  one.
/// Errors  fault() says what went wrong; then nothing more is acknowledged.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "bench/publish/h2_poster.h"

namespace sluice::bench {

class StreamPublisher final : private H2Poster::Client {
 public:
  /// Appends the next events to the body; `later` when there are none yet, `end` behind the last.
  using Next = std::function<H2Poster::Fill(std::string& body)>;

  StreamPublisher(const Poller& poller, ssl_ctx_st* tls, H2Poster::Target target, Next next);

  /// To be called after each turn: begins, and goes on after `later`.
  void proceed();
  /// Events that the gateway has said it has.
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  /// The id of the last of them.
  [[nodiscard]] const std::string& last_id() const { return last_id_; }
  [[nodiscard]] bool is_open() const { return poster_.is_open(); }
  [[nodiscard]] bool is_over() const { return is_over_; }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  H2Poster::Fill fill(std::size_t slot, std::string& body) override;
  void on_text(std::size_t slot, std::string_view text) override;
  void on_end(std::size_t slot, int status) override;
  void on_lost() override;
  void take_line(std::string_view line);

  const H2Poster::Target target_;
  const Next next_;
  std::string line_;  ///< Of the answer, as much as has come.
  std::string type_;
  std::string id_;
  std::uint64_t acknowledged_ = 0;
  std::string last_id_;
  std::string fault_;
  bool has_begun_ = false;
  bool is_over_ = false;
  H2Poster poster_;
};

}  // namespace sluice::bench
