/// `sluice top`: a gateway's streams in a terminal, the slowest first.
///
/// It asks the admin listener once a second, and prints one page if stdout is no terminal. In a
/// terminal a page has no more columns than that, and one that repeats no more lines.
/// Thread  main; it blocks. Errors  told on stderr in one line; the exit status is 1.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::server {

struct TopCommand {
  std::string url = "http://localhost:9090";  ///< Of the admin listener.
  std::string sort = "lag";
  std::size_t limit = 20;  ///< Rows; in a terminal no more than there is room for.
  bool once = false;
};

/// What the totals are compared with, for rates.
struct TopMoment {
  double seconds = 0;
  double deliveries = 0;
  double relayed_bytes = 0;
};

/// So many a page has room for all it can show in.
inline constexpr std::size_t kAllColumns = 100;

/// The page that is made of /status and /streams. With fewer than kAllColumns it is 80 wide, and
/// what a stream has had is left out. Whatever stands in names, no line does anything to the
/// terminal. `before`: of the page before this one, which it is set to.
Result<std::string> top_page(std::string_view status, std::string_view streams, double seconds,
                             std::optional<TopMoment>& before, std::size_t columns = kAllColumns);

struct TerminalSize {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

/// What of a page fits: the beginning of each line, by characters of UTF-8, and so many lines that
/// one is left for the cursor. A line that wrapped would scroll the first ones away.
std::string fit(std::string_view page, TerminalSize size);

int run(const TopCommand& command);

}  // namespace sluice::server
