#include "gateway/server/wish.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/base/units.h"

namespace sluice::server {
namespace {

using hub::SelectorType;

constexpr std::size_t kMaxCursor = 1_KiB;
constexpr std::string_view kMatch = "match";

std::optional<SelectorType> type_of(std::string_view name) {
  if (name == "match" || name == "match_exact") return SelectorType::exact;
  if (name == "match_urlpattern") return SelectorType::urlpattern;
  return std::nullopt;
}

/// The header wins; then the names that clients of the protocol's versions use.
Result<void> read_cursor(const http::Request& request, const http::Form& fields, Wish& wish) {
  if (const std::string* header = request.headers.find("last-event-id")) {
    wish.cursor = *header;
    wish.is_reconnect = true;
  }
  for (const char* name : {"last_event_id", "lastEventID", "Last-Event-ID"}) {
    const std::string* value = http::first(fields, name);
    if (value != nullptr && !wish.cursor) wish.cursor = *value;
  }
  if (wish.cursor && wish.cursor->size() > kMaxCursor) {
    return fail(Errc::invalid, "last-event-id is longer than 1024 bytes");
  }
  return {};
}

Result<void> read_rate(const http::Form& fields, Wish& wish) {
  const std::string* text = http::first(fields, "max_rate");
  if (text == nullptr) return {};
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, wish.max_rate);
  if (error != std::errc() || stop != end || wish.max_rate == 0) {
    return fail(Errc::invalid, "max_rate must be a whole number of events per second, 1 or more");
  }
  return {};
}

Result<void> read_v1(const http::Form& fields, Wish& wish) {
  for (const auto& [name, value] : fields) {
    if (!starts_with_ignoring_case(name, kMatch)) continue;
    const auto type = type_of(name);
    if (!type) {
      return fail(Errc::invalid,
                  fmt::format("\"{:.64}\" is no matcher; there are match, match_exact and "
                              "match_urlpattern",
                              name));
    }
    wish.matches.push_back({*type, value});
  }
  if (http::first(fields, "topic") != nullptr) {
    return fail(Errc::invalid, "topic is of Mercure 0.x, match of 1.0: use either");
  }
  return {};
}

}  // namespace

Result<Wish> read_wish(const http::Request& request, const http::Form& fields, Mercure spoken) {
  Wish wish;
  const bool has_match = std::any_of(fields.begin(), fields.end(), [](const auto& field) {
    return starts_with_ignoring_case(field.first, kMatch);
  });
  wish.is_v1 = spoken == Mercure::v1 || (spoken == Mercure::any && has_match);
  if (wish.is_v1) {
    if (auto good = read_v1(fields, wish); !good) return tl::unexpected(good.error());
  } else {
    for (const std::string_view topic : http::all(fields, "topic")) {
      wish.matches.push_back({SelectorType::selector, std::string(topic)});
    }
  }
  if (wish.matches.empty()) {
    return fail(Errc::invalid,
                fmt::format("name what to subscribe to: ?{}=TOPIC, as often as you like",
                            wish.is_v1 ? "match" : "topic"));
  }
  return read_cursor(request, fields, wish)
      .and_then([&] { return read_rate(fields, wish); })
      .map([&] { return std::move(wish); });
}

Result<Wish> read_topic_wish(std::string topic, const http::Request& request,
                             const http::Form& fields, Mercure spoken) {
  Wish wish;
  wish.is_v1 = spoken == Mercure::v1;
  wish.matches.push_back(
      {wish.is_v1 ? SelectorType::exact : SelectorType::selector, std::move(topic)});
  return read_cursor(request, fields, wish)
      .and_then([&] { return read_rate(fields, wish); })
      .map([&] { return std::move(wish); });
}

}  // namespace sluice::server
