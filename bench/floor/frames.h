/// HTTP/2 frames by hand, as few as an SSE server can do with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::bench {

/// What every client sends first (RFC 9113 §3.4).
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr std::size_t kFrameHead = 9;
inline constexpr std::size_t kMostPayload = 16'384;

enum class FrameType : std::uint8_t {
  data = 0,
  headers = 1,
  rst_stream = 3,
  settings = 4,
  ping = 6,
};

inline constexpr std::uint8_t kAck = 1;
inline constexpr std::uint8_t kEndStream = 1;
inline constexpr std::uint8_t kEndHeaders = 4;
inline constexpr std::uint8_t kPriority = 32;

struct Frame {
  FrameType type;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string_view payload;
};

std::string encode_frame(const Frame& frame);
/// Writes another stream into an encoded frame.
void set_stream(char* frame, std::uint32_t stream);
/// The frame that `bytes` begins with, a view into them; nothing while it is not complete.
std::optional<Frame> first_frame(std::string_view bytes);
/// Writes another length of the payload into it.
void set_size(char* frame, std::size_t size);
/// The HEADERS frame of an event stream.
std::string event_stream_head(std::uint32_t stream);
/// The same, and a first DATA frame.
std::string event_stream_answer(std::uint32_t stream);

}  // namespace sluice::bench
