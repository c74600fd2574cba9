#include "gateway/server/publish_fields.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/base/units.h"
#include "gateway/base/utf8.h"
#include "gateway/server/paths.h"
#include "gateway/server/publish_names.h"
#include "gateway/sse/event_id.h"

namespace sluice::server {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestRetry = std::chrono::hours(1);
constexpr milliseconds kLongestTtl = std::chrono::hours(24 * 365);

/// Digits only, nothing else. A number too large for the type is the largest there is.
std::optional<std::uint32_t> digits(std::string_view text) {
  const bool is_number = !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
  if (!is_number) return std::nullopt;
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc{} ? number : UINT32_MAX;
}

Result<void> check_type(std::string_view type) {
  if (type == "mercure" || type == "gap") {
    return fail(Errc::invalid,
                fmt::format("type must not be \"{}\": it has a meaning of its own", type));
  }
  return check_name("type", type, kMaxName);
}

}  // namespace

Result<milliseconds> parse_retry(std::string_view text) {
  const auto ms = digits(text);
  if (!ms) return fail(Errc::invalid, "retry must be a number of milliseconds, in digits only");
  return std::min(milliseconds(*ms), kLongestRetry);
}

Result<milliseconds> parse_ttl(std::string_view text) {
  if (const auto seconds = digits(text)) {
    return std::min<milliseconds>(std::chrono::seconds(*seconds), kLongestTtl);
  }
  const auto time = parse_duration(text);
  if (!time || *time % std::chrono::seconds(1) != Millis(0)) {
    return fail(Errc::invalid, "ttl must be whole seconds: digits, or as in \"15s\", \"5m\"");
  }
  return std::min(*time, kLongestTtl);
}

Result<void> Rules::check_id(std::string_view id) const {
  const auto ours = sse::parse_id(id);
  if (ours && ours->epoch == epoch) {
    return fail(Errc::invalid,
                "id must not be one of the gateway's own: it would be taken for that");
  }
  if (id == "earliest") return fail(Errc::invalid, "id must not be \"earliest\": that is a cursor");
  if (id.starts_with('#')) return fail(Errc::invalid, "id must not begin with '#'");
  return check_name("id", id, kMaxName);
}

Result<void> Rules::check_topics(const std::vector<std::string>& topics) const {
  if (topics.empty()) return fail(Errc::invalid, "topic is missing: name at least one");
  if (topics.size() > max_topics) {
    return fail(Errc::limit, fmt::format("{} topics for one event; at most {} are allowed",
                                         topics.size(), max_topics));
  }
  for (const std::string& topic : topics) {
    if (topic.empty()) return fail(Errc::invalid, "topic is empty");
    if (topic == "*") return fail(Errc::invalid, "topic \"*\" cannot be published to");
    if (auto good = check_name("topic", topic, max_topic_bytes); !good) return good;
    if (is_reserved_topic(topic)) {
      return fail(Errc::invalid,
                  fmt::format("topic \"{}\" is reserved: {} is the hub's own", topic, kHubPath));
    }
  }
  return {};
}

Result<void> Rules::check_common(const Fields& fields) const {
  return check_id(fields.id)
      .and_then([&] { return check_type(fields.type); })
      .and_then([&] { return check_name("key", fields.key, kMaxName); })
      .and_then([&]() -> Result<void> {
        if (!fields.retry) return {};
        return parse_retry(*fields.retry).map([](milliseconds) {});
      })
      .and_then([&]() -> Result<void> {
        if (!fields.ttl) return {};
        return parse_ttl(*fields.ttl).map([](milliseconds) {});
      });
}

Result<sse::Draft> Rules::apply(Fields fields) const {
  auto good = check_topics(fields.topics).and_then([&] { return check_common(fields); });
  if (!good) return tl::unexpected(good.error());
  if (fields.data.size() > max_event_bytes) {
    return fail(Errc::limit, fmt::format("the data is {} bytes long; at most {} are allowed",
                                         fields.data.size(), max_event_bytes));
  }
  if (!is_utf8(fields.data)) return fail(Errc::invalid, "the data is not UTF-8");
  sse::Draft draft{.topics = std::move(fields.topics),
                   .data = std::move(fields.data),
                   .id = std::move(fields.id),
                   .type = std::move(fields.type),
                   .is_private = fields.is_private,
                   .key = std::move(fields.key)};
  if (fields.retry) draft.retry = *parse_retry(*fields.retry);
  if (fields.ttl) draft.ttl = *parse_ttl(*fields.ttl);
  return draft;
}

}  // namespace sluice::server
