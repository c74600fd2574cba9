#include "gateway/server/spelling.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace sluice::server {
namespace {

/// A letter or two stand in many names.
constexpr std::size_t kLeastPart = 3;
constexpr std::size_t kFew = 10;

/// Letters to add, drop or change (Levenshtein).
std::size_t edits(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t changed = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edits(word, candidate);
    // A word that shares nothing with the candidate is not a misspelling of it.
    if (distance >= least || distance >= std::max(word.size(), candidate.size())) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::string_view open, std::string_view close) {
  return name.empty() ? "" : fmt::format("; did you mean {}{}{}?", open, name, close);
}

std::string hint_for(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view meant = nearest(word, known);
  if (!meant.empty()) return did_you_mean(meant);
  std::vector<std::string_view> with;
  std::copy_if(known.begin(), known.end(), std::back_inserter(with), [&](std::string_view name) {
    return word.size() >= kLeastPart && name.find(word) != name.npos;
  });
  if (with.empty() && known.size() <= kFew) with = known;
  return with.empty() ? "" : fmt::format("; there is {}", fmt::join(with, ", "));
}

}  // namespace sluice::server
