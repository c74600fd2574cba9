/// Upload: the body of a request between its client, who sends it, and its upstream, who pulls it.
///
/// Bounded by what the client's session lets a client send that was not consumed.
/// Thread  its owner's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "gateway/http/exchange.h"
#include "gateway/relay/byte_queue.h"

namespace sluice::relay {

class Upload {
 public:
  void add(std::string_view bytes) { bytes_.add(bytes); }
  void complete() { is_complete_ = true; }
  /// All of it has been pulled.
  [[nodiscard]] bool is_sent() const { return is_complete_ && bytes_.empty(); }
  /// As http::Caller's.
  [[nodiscard]] http::Answer::Ready ready(std::size_t max) const {
    return {.bytes = std::min(bytes_.size(), max), .last = is_complete_ && bytes_.size() <= max};
  }
  void take(std::span<std::byte> out) { bytes_.take(out); }
  /// Counts what came; true: it is more than `most`, which is 0 for no bound.
  bool exceeds(std::size_t more, std::size_t most) {
    seen_ += more;
    return most > 0 && seen_ > most;
  }

 private:
  ByteQueue bytes_;
  std::size_t seen_ = 0;
  bool is_complete_ = false;
};

}  // namespace sluice::relay
