/// ByteQueue: bytes on their way through, in at the back and out at the front.
///
/// What was taken is dropped now and then, and all memory when nothing is left: what is held never
/// grows with what passes, however long the queue is never quite empty.
/// Thread  its owner's.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/units.h"

namespace sluice::relay {

class ByteQueue {
 public:
  /// For who appends; nothing else may be done to it.
  [[nodiscard]] std::string& back() { return bytes_; }
  void add(std::string_view bytes) { bytes_ += bytes; }
  [[nodiscard]] std::size_t size() const { return bytes_.size() - taken_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// out.size() ≤ size().
  void take(std::span<std::byte> out) {
    if (out.empty()) return;
    std::memcpy(out.data(), bytes_.data() + taken_, out.size());
    taken_ += out.size();
    if (empty()) {
      clear();
    } else if (taken_ >= kDropTaken) {
      bytes_.erase(0, taken_);
      taken_ = 0;
    }
  }
  void clear() {
    bytes_ = std::string();
    taken_ = 0;
  }

 private:
  static constexpr std::size_t kDropTaken = 16_KiB;  ///< So that little is moved for it.

  std::string bytes_;
  std::size_t taken_ = 0;
};

}  // namespace sluice::relay
