/// OutBuffer: the bytes of one write, gathered before they are sealed and sent.
///
/// One per worker, lent to one connection at a time. It aims at one full TLS record (RFC 8446
/// §5.1: 16384 bytes of plaintext); what cannot be cut (a header block) may go past that.
/// Owner   net::Connections. Thread  its worker only.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include "gateway/base/assert.h"
#include "gateway/base/units.h"

namespace sluice {

class OutBuffer {
 public:
  static constexpr std::size_t kTarget = 16_KiB;  ///< One TLS record.
  static constexpr std::size_t kCapacity = 64_KiB;

  /// What still fits in the record; 0 when it is full.
  [[nodiscard]] std::size_t room() const { return size_ < kTarget ? kTarget - size_ : 0; }
  /// What append() still takes.
  [[nodiscard]] std::size_t hard_room() const { return kCapacity - size_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_.get(), size_}; }

  void append(std::span<const std::byte> bytes) {
    std::span<std::byte> out = extend(bytes.size());
    if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  }
  /// `n` more bytes, for the caller to fill before anything else is appended.
  [[nodiscard]] std::span<std::byte> extend(std::size_t n) {
    SLUICE_ASSERT(n <= hard_room(), "more was appended to the output than one turn may hold");
    std::byte* begin = data_.get() + size_;
    size_ += n;
    return {begin, n};
  }
  void clear() { size_ = 0; }

 private:
  std::unique_ptr<std::byte[]> data_ = std::make_unique_for_overwrite<std::byte[]>(kCapacity);
  std::size_t size_ = 0;
};

}  // namespace sluice
