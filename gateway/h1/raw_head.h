/// RawHead: what llhttp makes of a head, of a request or of an answer.
///
/// Nothing is judged here but by llhttp itself, which forgives too much: who reads a head holds its
/// lines against rules of our own before (fields.h), and the fields' meaning after.
/// Thread  plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/headers.h"

namespace sluice::h1 {

enum class HeadKind : std::uint8_t { request, answer };

struct RawHead {
  std::string method;  ///< Of a request; empty in an answer. The same for the target.
  std::string target;
  int status = 0;                   ///< Of an answer.
  std::vector<http::Field> fields;  ///< Names in lower case, values without blanks at their ends.
  int minor_version = 1;
};

enum class RawResult : std::uint8_t {
  ok,
  unknown_method,
  bad_length,  ///< Malformed, told twice, or beside a transfer-encoding.
  malformed,
};

/// Reads `text`: lines that end in CR LF, the last of them empty and no other.
RawResult read_raw_head(HeadKind kind, std::string_view text, RawHead& head);

/// The version of the library, as in "8.1.0".
std::string llhttp_version();

}  // namespace sluice::h1
