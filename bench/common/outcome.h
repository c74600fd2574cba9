/// Outcome: how a bench program ends: what it prints, what it writes, its exit status.
#pragma once

#include <string>
#include <string_view>

namespace sluice::bench {

struct Outcome {
  bool is_whole = false;  ///< All phases came to their end.
  bool is_clean = false;  ///< And nothing that must be 0 was not.
  std::string text;
  std::string json;
};

/// Prints the text, writes the JSON if `json_file` is named, and says `complaint` when phases are
/// missing. The exit status: 0 clean, 1 not, 2 the file cannot be written.
int tell(const Outcome& outcome, const std::string& json_file, std::string_view complaint);

}  // namespace sluice::bench
