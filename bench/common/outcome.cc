#include "bench/common/outcome.h"

#include <cstdio>
#include <fstream>

#include <fmt/core.h>

#include "bench/common/args.h"

namespace sluice::bench {

int tell(const Outcome& outcome, const std::string& json_file, std::string_view complaint) {
  fmt::print("{}", outcome.text);
  if (!json_file.empty()) {
    std::ofstream file(json_file);
    file << outcome.json;
    if (!file.flush()) die(fmt::format("cannot write {}", json_file));
  }
  if (!outcome.is_whole) fmt::print(stderr, "{}\n", complaint);
  return outcome.is_whole && outcome.is_clean ? 0 : 1;
}

}  // namespace sluice::bench
