/// Digest: SHA-256 over several texts, such that no two lists of texts give the same.
///
/// Thread  its user's. A plain tool: nothing secret is kept but in the digest itself.
#pragma once

#include <string>
#include <string_view>

namespace sluice::auth {

class Digest {
 public:
  /// Each text is taken with its length: {"ab", "c"} is not {"a", "bc"}.
  void add(std::string_view text);
  /// Nothing was added.
  [[nodiscard]] bool empty() const { return text_.empty(); }
  /// 32 raw bytes.
  [[nodiscard]] std::string finish() const;

 private:
  std::string text_;
};

}  // namespace sluice::auth
