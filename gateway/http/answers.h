/// TextAnswer: an answer whose whole body is known when it begins.
///
/// Owner   the session, as for every Answer. Thread  the connection's worker only.
#pragma once

#include <memory>
#include <string>

#include "gateway/http/exchange.h"

namespace sluice::http {

/// Gives its bytes as fast as they are taken; reads and forgets the request's body.
class TextAnswer final : public Answer {
 public:
  TextAnswer(Exchange& exchange, std::string body) : exchange_(exchange), body_(std::move(body)) {}

  void on_body(std::string_view bytes) override { exchange_.consume(bytes.size()); }
  void on_body_end() override {}
  Ready ready(std::size_t max) override;
  void take(std::span<std::byte> out) override;

 private:
  Exchange& exchange_;
  const std::string body_;
  std::size_t taken_ = 0;
};

/// Responds at once with `head` and, unless the request is a HEAD, `body`; its length is told
/// either way. The caller returns the result from Service::open().
std::unique_ptr<Answer> reply(Exchange& exchange, Response head, std::string body,
                              bool is_head = false);

/// An error for a person to read: `text`, or the status' own phrase if that is empty, as
/// text/plain with a final newline. `extra` are further fields, such as those of Cors.
std::unique_ptr<Answer> problem(Exchange& exchange, int status, std::string text,
                                Headers extra = {}, bool is_head = false);

}  // namespace sluice::http
