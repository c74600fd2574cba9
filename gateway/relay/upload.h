/// Upload: the body of a request between its client, who sends it, and its upstream, who pulls it.
///
/// Bounded by what the client's session lets a client send that was not consumed, and in all by the
/// route's `max_request_bytes`. That of a request without a body is one pointer.
///
///   open ─► { receive() ─► ready() ─► take() }… ─► complete() ─► is_sent()
///     └─ at any moment: close(); there is nothing more to be had
///
/// Owner   who made the request. Thread  its worker's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "gateway/http/exchange.h"
#include "gateway/relay/byte_queue.h"
#include "gateway/relay/route_context.h"

namespace sluice::relay {

class Upload {
 public:
  explicit Upload(bool has_body) : body_(has_body ? std::make_unique<Body>() : nullptr) {}

  [[nodiscard]] bool is_open() const { return body_ != nullptr; }
  void close() { body_.reset(); }

  // Only while it is open.
  /// More of it has come. False: that makes it larger than the route allows, and is not kept.
  [[nodiscard]] bool receive(std::string_view bytes, RouteContext& route) {
    route.counters.body_bytes.add(bytes.size());
    body_->seen += bytes.size();
    const std::size_t most = route.options.max_request_bytes;
    if (most > 0 && body_->seen > most) return false;
    body_->bytes.add(bytes, route.memory.pieces);
    return true;
  }
  void complete() { body_->is_complete = true; }
  void take(std::span<std::byte> out) { body_->bytes.take(out); }

  /// Nothing of it is left to be pulled.
  [[nodiscard]] bool is_sent() const {
    return body_ == nullptr || (body_->is_complete && body_->bytes.empty());
  }
  /// As http::Caller's.
  [[nodiscard]] http::Answer::Ready ready(std::size_t max) const {
    if (body_ == nullptr) return {.bytes = 0, .last = true};
    const std::size_t bytes = body_->bytes.size();
    return {.bytes = std::min(bytes, max), .last = body_->is_complete && bytes <= max};
  }

 private:
  struct Body {
    ByteQueue bytes;
    std::size_t seen = 0;
    bool is_complete = false;
  };

  std::unique_ptr<Body> body_;
};

}  // namespace sluice::relay
