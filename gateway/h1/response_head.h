/// write_head(): the head of an HTTP/1.1 response as text (RFC 9112 §4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/http/message.h"

namespace sluice::h1 {

struct ResponseFraming {
  std::optional<std::uint64_t> content_length{};
  bool is_chunked = false;
  bool keep_alive = false;
};

/// Appends status line and fields to `out`. Fields that would contradict the framing, or that would
/// break out of their line, are left out. Adds `date`.
void write_head(const http::Response& response, const ResponseFraming& framing, WallTime now,
                std::string& out);

}  // namespace sluice::h1
