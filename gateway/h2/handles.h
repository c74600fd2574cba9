/// Owners and casts for libnghttp2. For the .cc files of this layer only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "gateway/base/c_handle.h"

namespace sluice::h2 {

class SessionMemory;

/// It refers to `memory`.
nghttp2_mem allocator_of(SessionMemory& memory);

using CallbacksPtr = CHandle<nghttp2_session_callbacks, nghttp2_session_callbacks_del>;
using NativePtr = CHandle<nghttp2_session, nghttp2_session_del>;
using OptionPtr = CHandle<nghttp2_option, nghttp2_option_del>;

inline std::span<const std::byte> as_bytes(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}
inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
inline const std::uint8_t* as_octets(const void* data) {
  return static_cast<const std::uint8_t*>(data);
}

}  // namespace sluice::h2
