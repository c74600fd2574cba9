#include "bench/floor/frames.h"

namespace sluice::bench {
namespace {

/// HPACK: `:status 200`, then `content-type` and `cache-control` as literals without indexing.
constexpr std::string_view kAnswerFields =
    "\x88"
    "\x0f\x10\x11text/event-stream"
    "\x0f\x09\x08no-cache";
constexpr std::string_view kFirstLines = ":\nretry: 3000\n";
constexpr std::size_t kStreamAt = 5;

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

char low_byte(std::size_t value) {
  return static_cast<char>(value & 0xff);
}

}  // namespace

std::string encode_frame(const Frame& frame) {
  const auto size = frame.payload.size();
  std::string bytes{low_byte(size >> 16),
                    low_byte(size >> 8),
                    low_byte(size),
                    static_cast<char>(frame.type),
                    static_cast<char>(frame.flags),
                    0,
                    0,
                    0,
                    0};
  set_stream(bytes.data(), frame.stream);
  return bytes.append(frame.payload);
}

void set_stream(char* frame, std::uint32_t stream) {
  for (std::size_t i = 0; i < 4; ++i) frame[kStreamAt + i] = low_byte(stream >> (24 - 8 * i));
}

void set_size(char* frame, std::size_t size) {
  for (std::size_t i = 0; i < 3; ++i) frame[i] = low_byte(size >> (16 - 8 * i));
}

std::optional<Frame> first_frame(std::string_view bytes) {
  if (bytes.size() < kFrameHead) return std::nullopt;
  const std::size_t size = byte_at(bytes, 0) << 16 | byte_at(bytes, 1) << 8 | byte_at(bytes, 2);
  if (bytes.size() < kFrameHead + size) return std::nullopt;
  const auto stream = (byte_at(bytes, kStreamAt) & 0x7f) << 24 |
                      byte_at(bytes, kStreamAt + 1) << 16 | byte_at(bytes, kStreamAt + 2) << 8 |
                      byte_at(bytes, kStreamAt + 3);
  return Frame{static_cast<FrameType>(byte_at(bytes, 3)),
               static_cast<std::uint8_t>(byte_at(bytes, 4)), stream,
               bytes.substr(kFrameHead, size)};
}

std::string event_stream_head(std::uint32_t stream) {
  return encode_frame({FrameType::headers, kEndHeaders, stream, kAnswerFields});
}

std::string event_stream_answer(std::uint32_t stream) {
  return event_stream_head(stream) + encode_frame({FrameType::data, 0, stream, kFirstLines});
}

}  // namespace sluice::bench
