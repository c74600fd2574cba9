#include "gateway/http/headers.h"

#include <algorithm>

#include "gateway/base/ascii.h"

namespace sluice::http {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

const std::string* Headers::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

std::optional<std::string> Headers::joined(std::string_view name) const {
  std::optional<std::string> all;
  for (const Field& field : fields_) {
    if (field.name != name) continue;
    if (all) {
      all->append(", ").append(field.value);
    } else {
      all = field.value;
    }
  }
  return all;
}

bool accepts(std::string_view header, std::string_view media_type) {
  while (!header.empty()) {
    const std::string_view item = header.substr(0, header.find(','));
    if (equals_ignoring_case(trimmed(item.substr(0, item.find(';'))), media_type)) return true;
    header.remove_prefix(std::min(item.size() + 1, header.size()));
  }
  return false;
}

}  // namespace sluice::http
