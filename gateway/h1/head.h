/// Head: a request line and its fields, checked and understood (RFC 9112 §3, §5, §6).
///
/// llhttp reads it, but only after its lines have passed our own rules, because it forgives what
/// request smuggling lives on: blanks before a colon, folded lines, missing or double Host, unknown
/// transfer codings.
/// Thread  plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/http/message.h"

namespace sluice::h1 {

struct Head {
  http::Request
      request;  ///< Its headers lack `host`, `expect` and all that concerns the connection.
  int minor_version = 1;  ///< 0 or 1.
  bool keep_alive = true;
  bool expects_continue = false;
  bool is_chunked = false;
  std::uint64_t content_length = 0;  ///< 0 when chunked.
};

using http::Refusal;

/// Reads `text`: lines that end in CR LF, the last of them empty and no other.
std::optional<Refusal> read_head(std::string_view text, std::size_t max_fields, Head& head);

}  // namespace sluice::h1
