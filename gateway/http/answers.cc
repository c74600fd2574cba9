#include "gateway/http/answers.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/assert.h"

namespace sluice::http {

Answer::Ready TextAnswer::ready(std::size_t max) {
  const std::size_t rest = body_.size() - taken_;
  return {.bytes = std::min(rest, max), .last = rest <= max};
}

void TextAnswer::take(std::span<std::byte> out) {
  SLUICE_ASSERT(out.size() <= body_.size() - taken_, "more was taken of an answer than it has");
  if (!out.empty()) std::memcpy(out.data(), body_.data() + taken_, out.size());
  taken_ += out.size();
}

std::unique_ptr<Answer> reply(Exchange& exchange, Response head, std::string body, bool is_head) {
  // RFC 9110 §8.6: neither has a content-length that describes this message.
  const bool is_bodiless = head.status == 204 || head.status == 304;
  const auto length =
      is_bodiless ? std::nullopt : std::optional<std::uint64_t>(std::uint64_t{body.size()});
  exchange.respond(std::move(head), Kind::finite, length);
  if (is_head || is_bodiless) body.clear();
  return std::make_unique<TextAnswer>(exchange, std::move(body));
}

std::unique_ptr<Answer> problem(Exchange& exchange, int status, std::string text, Headers extra,
                                bool is_head) {
  if (text.empty()) text = reason_phrase(status);
  text += '\n';
  extra.add("content-type", "text/plain; charset=utf-8");
  extra.add("cache-control", "no-store");
  return reply(exchange, {.status = status, .headers = std::move(extra)}, std::move(text), is_head);
}

}  // namespace sluice::http
