#include "gateway/server/publish_batch.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/ascii.h"

namespace sluice::server {
namespace {

using Json = nlohmann::json;

/// Walks over text that is known to be well-formed JSON, and cuts its values out as they stand.
///
/// The library says whether it is well-formed (Json::accept), but does not build it: a number would
/// lose digits that a double cannot hold, an object its order and its repeated members, and values
/// within values would cost a stack, or a tree of many times the body's size. Data is published as
/// it was written; here depth is a number that is counted.
class Walk {
 public:
  explicit Walk(std::string_view text) : rest_(text) {}

  /// The first character of what comes next.
  char peek() {
    rest_.remove_prefix(rest_.find_first_not_of(" \t\r\n"));
    return rest_.front();
  }
  void skip() {
    peek();
    rest_.remove_prefix(1);
  }
  std::string_view value() {
    const char first = peek();
    std::size_t end = 0;
    if (first == '"') {
      end = string_end(0);
    } else if (first == '{' || first == '[') {
      end = nest_end();
    } else {
      end = std::min(rest_.find_first_of(",]} \t\r\n"), rest_.size());
    }
    const std::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return value;
  }

 private:
  [[nodiscard]] std::size_t string_end(std::size_t at) const {
    for (++at; rest_[at] != '"'; ++at) {
      if (rest_[at] == '\\') ++at;
    }
    return at + 1;
  }
  [[nodiscard]] std::size_t nest_end() const {
    std::size_t depth = 0;
    for (std::size_t at = 0;;) {
      const char c = rest_[at];
      if (c == '"') {
        at = string_end(at);
        continue;
      }
      ++at;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return at;
    }
  }

  std::string_view rest_;
};

/// Calls `each` with every element of an array, as text, until that says no.
void for_each_element(std::string_view array, const std::function<bool(std::string_view)>& each) {
  Walk walk(array);
  walk.skip();
  while (walk.peek() != ']') {
    if (!each(walk.value())) return;
    if (walk.peek() == ',') walk.skip();
  }
}

std::string text_of(std::string_view string) {
  return Json::parse(string).get<std::string>();
}

std::string without_blanks(std::string_view json) {
  std::string compact;
  compact.reserve(json.size());
  bool is_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!is_text && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) continue;
    compact += c;
    if (c == '"') is_text = !is_text;
    if (c == '\\') compact += json[++i];
  }
  return compact;
}

bool is_string(std::string_view value) {
  return value.front() == '"';
}
bool is_number(std::string_view value) {
  return value.front() == '-' || is_digit(value.front());
}

/// The members of an event; the order is that of `Members`.
enum Member { topic, data, id, type, retry, is_private, key, ttl };
constexpr std::array<std::string_view, 8> kMembers{"topic", "data",    "id",  "type",
                                                   "retry", "private", "key", "ttl"};
using Members = std::array<std::optional<std::string_view>, kMembers.size()>;

Result<Members> members_of(std::string_view object) {
  Members members;
  Walk walk(object);
  walk.skip();
  while (walk.peek() != '}') {
    const std::string name = text_of(walk.value());
    walk.skip();
    const std::string_view value = walk.value();
    for (std::size_t i = 0; i < kMembers.size(); ++i) {
      if (name != kMembers[i]) continue;
      if (members[i]) return fail(Errc::invalid, fmt::format("{} stands there twice", name));
      members[i] = value;
    }
    if (walk.peek() == ',') walk.skip();
  }
  // For every member but the data, null is as good as nothing.
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i != data && members[i] == "null") members[i].reset();
  }
  return members;
}

Result<std::vector<std::string>> topics_of(std::string_view value, const Rules& rules) {
  if (is_string(value)) return std::vector<std::string>{text_of(value)};
  bool is_good = value.front() == '[';
  std::vector<std::string> topics;
  if (is_good) {
    for_each_element(value, [&](std::string_view element) {
      is_good = is_string(element);
      if (is_good) topics.push_back(text_of(element));
      return is_good && topics.size() <= rules.max_topics;
    });
  }
  if (!is_good) return fail(Errc::invalid, "topic must be a string, or an array of strings");
  return topics;
}

Result<Fields> fields_of(std::string_view object, const Rules& rules) {
  if (object.front() != '{') return fail(Errc::invalid, "it is not an object");
  const auto members = members_of(object);
  if (!members) return tl::unexpected(members.error());
  Fields fields;
  const auto at = [&](Member member) { return (*members)[member]; };
  if (at(topic)) {
    auto topics = topics_of(*at(topic), rules);
    if (!topics) return tl::unexpected(topics.error());
    fields.topics = std::move(*topics);
  }
  if (at(data)) fields.data = is_string(*at(data)) ? text_of(*at(data)) : without_blanks(*at(data));
  for (const auto& [member, text] :
       {std::pair{id, &fields.id}, std::pair{type, &fields.type}, std::pair{key, &fields.key}}) {
    if (!at(member)) continue;
    if (!is_string(*at(member))) {
      return fail(Errc::invalid, fmt::format("{} must be a string", kMembers[member]));
    }
    *text = text_of(*at(member));
  }
  for (const auto& [member, text] :
       {std::pair{retry, &fields.retry}, std::pair{ttl, &fields.ttl}}) {
    if (!at(member)) continue;
    if (!is_string(*at(member)) && !is_number(*at(member))) {
      return fail(Errc::invalid, fmt::format("{} must be a number", kMembers[member]));
    }
    *text = is_string(*at(member)) ? text_of(*at(member)) : std::string(*at(member));
  }
  if (at(is_private)) {
    fields.is_private = *at(is_private) == "true";
    if (!fields.is_private && *at(is_private) != "false") {
      return fail(Errc::invalid, "private must be true or false");
    }
  }
  return fields;
}

}  // namespace

Result<std::vector<sse::Draft>> read_batch(std::string_view body, const Rules& rules,
                                           std::size_t max) {
  // The library takes a NUL for the end.
  if (body.find('\0') != body.npos || !Json::accept(body))
    return fail(Errc::invalid, "the body is not JSON");
  Walk walk(body);
  const bool is_batch = walk.peek() == '[';
  if (!is_batch && walk.peek() != '{') {
    return fail(Errc::invalid, "the body is neither an array of events nor an event");
  }
  std::vector<sse::Draft> drafts;
  std::optional<Error> fault;
  const auto take = [&](std::string_view event) {
    if (drafts.size() == max) {
      fault = Error{Errc::limit, fmt::format("more than {} events in one request", max)};
      return false;
    }
    auto draft = fields_of(event, rules).and_then([&](Fields fields) {
      return rules.apply(std::move(fields));
    });
    if (!draft) {
      fault = Error{draft.error().code,
                    is_batch ? fmt::format("event {}: {}", drafts.size() + 1, draft.error().what)
                             : draft.error().what};
      return false;
    }
    drafts.push_back(std::move(*draft));
    return true;
  };
  if (is_batch) {
    for_each_element(walk.value(), take);
  } else {
    take(walk.value());
  }
  if (fault) return tl::unexpected(*fault);
  if (drafts.empty()) return fail(Errc::invalid, "there are no events in the array");
  return drafts;
}

}  // namespace sluice::server
