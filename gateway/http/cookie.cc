#include "gateway/http/cookie.h"

namespace sluice::http {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::string_view> find_in(std::string_view field, std::string_view name) {
  while (!field.empty()) {
    const std::size_t end = field.find(';');
    const std::string_view pair = trimmed(field.substr(0, end));
    field.remove_prefix(end == field.npos ? field.size() : end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || trimmed(pair.substr(0, equals)) != name) continue;
    std::string_view value = trimmed(pair.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> cookie(const Headers& headers, std::string_view name) {
  for (const Field& field : headers) {
    if (field.name != "cookie") continue;
    if (const auto value = find_in(field.value, name)) return value;
  }
  return std::nullopt;
}

}  // namespace sluice::http
