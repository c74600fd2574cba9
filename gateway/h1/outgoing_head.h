/// write_outgoing_head(): the head of an HTTP/1.1 request of ours as text (RFC 9112 §3).
#pragma once

#include <string>

#include "gateway/http/client.h"

namespace sluice::h1 {

/// Appends request line and fields to `out`. Fields that would contradict the framing, or that
/// would break out of their line, are left out. False, and nothing is appended: the request line or
/// the host would not be read as what they are.
[[nodiscard]] bool write_outgoing_head(const http::Outgoing& request, std::string& out);

}  // namespace sluice::h1
