/// Args: the command line of a bench program, `--name value` pairs and nothing else.
///
/// Errors  a fault in the command line ends the program with one line on stderr and exit status 2.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bench/common/net.h"

namespace sluice::bench {

/// One line on stderr, exit status 2: the environment or the command line cannot work.
[[noreturn]] void die(std::string_view message);

struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = UINT64_MAX;
};

class Args {
 public:
  /// `usage` is printed for `--help`; an argument that is not an option or lacks its value dies.
  Args(int argc, char** argv, std::string_view usage);

  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  std::string text(std::string_view name, std::string_view otherwise);
  std::string required_text(std::string_view name);
  std::uint64_t number(std::string_view name, std::uint64_t otherwise, Range range = {});
  /// A fraction of seconds, as in `--duration 2.5`, in nanoseconds.
  std::uint64_t seconds(std::string_view name, double otherwise);
  /// An http:// or https:// address; it is required.
  Url url(std::string_view name);
  /// One or several, with commas between.
  std::vector<Url> urls(std::string_view name);
  /// One, and it must be https: streams are measured over TLS.
  Url secure_url(std::string_view name);
  /// A window of HTTP/2's flow control.
  std::int32_t window(std::string_view name, std::int32_t otherwise, std::uint64_t least = 65'535);
  std::vector<int> numbers(std::string_view name);

  /// Dies when the command line holds an option that nobody asked for.
  void finish() const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace sluice::bench
