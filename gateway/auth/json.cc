#include "gateway/auth/json.h"

#include <set>
#include <utility>

#include <fmt/format.h>

namespace sluice::auth {
namespace {

constexpr int kMaxDepth = 64;

}  // namespace

Result<Json> parse_object(std::string_view text, std::string_view what, Errc code) {
  std::vector<std::set<std::string>> names;
  bool is_repeated = false;
  bool is_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    is_deep |= depth > kMaxDepth;
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key) {
      is_repeated |= !names.back().insert(value.get<std::string>()).second;
    }
    return true;
  };
  Json json = Json::parse(text, watch, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) {
    return fail(code, fmt::format("{} is not a JSON object", what));
  }
  if (is_repeated) return fail(code, fmt::format("{} has a name twice", what));
  if (is_deep) return fail(code, fmt::format("{} is nested too deeply", what));
  return json;
}

const Json* find(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? nullptr : &*at;
}

Result<std::optional<std::string>> string_of(const Json& object, const char* name,
                                             std::string_view what, Errc code) {
  const Json* value = find(object, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string())
    return fail(code, fmt::format("\"{}\" of {} is not a string", name, what));
  return value->get<std::string>();
}

std::optional<std::vector<std::string>> strings_of(const Json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const Json& element : value) {
    if (!element.is_string()) return std::nullopt;
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sluice::auth
