/// StreamFlag: looks for `"stream": true` in a JSON body that passes by.
///
/// The APIs of language models answer the same POST with JSON or with a stream of events, as its
/// body asks. Only a member's name can look like that: inside a string the quotes are escaped.
/// Thread  its owner's.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::relay {

class StreamFlag {
 public:
  /// True: they are what sets it.
  bool feed(std::string_view bytes);
  [[nodiscard]] bool is_set() const { return is_set_; }

 private:
  std::uint8_t at_ = 0;  ///< Characters of the pattern that were seen.
  bool is_set_ = false;
};

}  // namespace sluice::relay
