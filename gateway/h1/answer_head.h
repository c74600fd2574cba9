/// AnswerHead: a status line and its fields, checked and understood (RFC 9112 §4, §6).
///
/// As strict as head.h is with requests, and for the same reason: what a lenient client and a
/// lenient server read differently becomes the answer to somebody else's request.
/// Thread  plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/http/client.h"
#include "gateway/http/message.h"

namespace sluice::h1 {

struct AnswerHead {
  /// Its headers lack all that concerns the connection, and content-length.
  http::Response response;
  bool keep_alive = true;
  bool is_chunked = false;
  std::optional<std::uint64_t> content_length{};
};

struct AnswerFault {
  http::CallError error = http::CallError::malformed;
  std::string_view what;  ///< Static.
};

/// Reads `text`: lines that end in CR LF, the last of them empty and no other. 101 is an error: no
/// request of ours asks for another protocol.
std::optional<AnswerFault> read_answer_head(std::string_view text, std::size_t max_fields,
                                            AnswerHead& head);

}  // namespace sluice::h1
