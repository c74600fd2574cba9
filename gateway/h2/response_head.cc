#include "gateway/h2/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace sluice::h2 {
namespace {

/// What a field costs beside its octets (RFC 9113 §6.5.2).
constexpr std::size_t kFieldOverhead = 32;

/// Speaks of the connection, not of the answer; nghttp2 refuses the others of RFC 9113 §8.2.2.
bool is_connection_field(std::string_view name) {
  constexpr std::array<std::string_view, 2> kNames{"te", "http2-settings"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Digits only, which nghttp2 has made sure of.
template <class Number>
Number to_number(std::string_view digits) {
  Number n = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), n);
  return n;
}

}  // namespace

bool ResponseHead::add(std::string_view name, std::string_view value, const ClientOptions& limits) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  ++fields_;
  if (bytes_ > limits.header_bytes || fields_ > limits.header_fields) return false;
  if (name == ":status") {
    response_.status = to_number<int>(value);
  } else if (name == "content-length") {
    content_length_ = to_number<std::uint64_t>(value);
  } else if (!is_connection_field(name)) {
    response_.headers.add(std::string(name), std::string(value));
  }
  return true;
}

ResponseHead::Kind ResponseHead::finish() {
  // nghttp2 lets any three digits through; RFC 9110 §15 has five classes.
  if (response_.status < 100 || response_.status > 599) return Kind::malformed;
  return response_.status < 200 ? Kind::informational : Kind::final;
}

}  // namespace sluice::h2
