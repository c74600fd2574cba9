/// What puts a body into chunks (RFC 9112 §7.1), straight into the record that it leaves in.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <string_view>

#include "gateway/base/out_buffer.h"

namespace sluice::h1 {

inline void append_text(OutBuffer& out, std::string_view text) {
  out.append(std::as_bytes(std::span(text.data(), text.size())));
}

inline constexpr std::string_view kLineEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::size_t kSizeDigits = 4;  // A chunk is at most one record long: 0x4000.
static_assert(OutBuffer::kTarget < 0x10000);
/// What a chunk costs beside its bytes, and the end of the body with it.
inline constexpr std::size_t kChunkOverhead = kSizeDigits + 2 * kLineEnd.size() + kLastChunk.size();

/// Room for a chunk of `size` bytes, at least one, to be filled before anything else is appended
/// but the kLineEnd that is due behind it.
[[nodiscard]] inline std::span<std::byte> begin_chunk(OutBuffer& out, std::size_t size) {
  std::array<char, kSizeDigits> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  append_text(out, {digits.data(), static_cast<std::size_t>(end - digits.data())});
  append_text(out, kLineEnd);
  return out.extend(size);
}

}  // namespace sluice::h1
