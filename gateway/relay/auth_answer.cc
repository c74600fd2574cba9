#include "gateway/relay/auth_answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"

namespace sluice::relay {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Of the largest number that fits, if it is larger: RFC 9111 §1.2.2.
std::optional<std::int64_t> seconds_of(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  constexpr std::int64_t kMost = 1 << 30;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range) return kMost;
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::min(seconds, kMost);
}

/// `max-age` of a cache-control; 0 where anything in it forbids.
std::int64_t max_age_of(std::string_view control) {
  std::int64_t age = 0;
  while (!control.empty()) {
    const std::string_view item = control.substr(0, control.find(','));
    control.remove_prefix(std::min(item.size() + 1, control.size()));
    const std::size_t equals = item.find('=');
    const std::string name = to_lower(trimmed(item.substr(0, equals)));
    if (name == "no-store" || name == "no-cache") return 0;
    if (name != "max-age") continue;
    const std::string_view value =
        equals == item.npos ? std::string_view() : trimmed(item.substr(equals + 1));
    const auto seconds = seconds_of(value);
    if (!seconds) return 0;
    age = *seconds;
  }
  return age;
}

bool is_denial(int status) {
  constexpr std::array kRedirects{301, 302, 303, 307, 308};
  return status == 401 || status == 403 ||
         std::find(kRedirects.begin(), kRedirects.end(), status) != kRedirects.end();
}

http::Headers fields_of_denial(const http::Headers& all) {
  constexpr std::array<std::string_view, 4> kPassed{"content-type", "location", "set-cookie",
                                                    "www-authenticate"};
  http::Headers fields;
  for (const http::Field& field : all) {
    if (std::find(kPassed.begin(), kPassed.end(), field.name) != kPassed.end()) {
      fields.add(field.name, field.value);
    }
  }
  fields.add("cache-control", "no-store");
  return fields;
}

}  // namespace

Millis freshness(const http::Response& head) {
  constexpr std::int64_t kDay = 86'400;
  const auto control = head.headers.joined("cache-control");
  if (!control || head.headers.has("set-cookie") || head.headers.joined("vary") == "*") {
    return Millis(0);
  }
  std::int64_t age = 0;
  if (const std::string* text = head.headers.find("age")) age = seconds_of(*text).value_or(kDay);
  const std::int64_t seconds = std::min(max_age_of(*control) - age, kDay);
  return std::chrono::seconds(std::max<std::int64_t>(seconds, 0));
}

AuthAnswer judge(const http::Response& head, std::string body,
                 std::span<const std::string> copied) {
  if (head.status >= 200 && head.status < 300) {
    AuthAnswer allowed{.kind = AuthAnswer::Kind::allowed,
                       .status = head.status,
                       .fields = {},
                       .body = {},
                       .max_age = freshness(head)};
    for (const std::string& name : copied) {
      allowed.fields.add(name, head.headers.joined(name).value_or(""));
    }
    return allowed;
  }
  const bool is_redirect = head.status < 400;
  if (!is_denial(head.status) || (is_redirect && !head.headers.has("location"))) {
    return auth_failure(502, "the authorisation of this request could not be found out",
                        fmt::format("it answered {}", head.status));
  }
  return {.kind = AuthAnswer::Kind::denied,
          .status = head.status,
          .fields = fields_of_denial(head.headers),
          .body = std::move(body),
          .max_age = is_redirect ? Millis(0) : freshness(head)};
}

AuthAnswer auth_failure(int status, std::string_view what, std::string why) {
  return {.kind = AuthAnswer::Kind::failed,
          .status = status,
          .fields = {},
          .body = std::string(what),
          .max_age = Millis(0),
          .why = std::move(why)};
}

}  // namespace sluice::relay
