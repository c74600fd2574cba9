#include "gateway/relay/response_head.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/ascii.h"
#include "gateway/base/units.h"
#include "gateway/relay/field_names.h"

namespace sluice::relay {
namespace {

constexpr std::string_view kCors = "access-control-";
/// A body up to this goes before event streams; a longer one shares the connection with them.
constexpr std::uint64_t kShortBody = 64_KiB;

bool begins(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

/// Of a body that gets heartbeats: digests and parts of it are no longer true.
bool is_of_fixed_body(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames{"accept-ranges", "content-digest", "content-md5",
                                                   "content-range", "digest",         "repr-digest",
                                                   "want-digest"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool passes(std::string_view name, bool is_event_stream) {
  // alt-svc would lead the client past the gateway.
  return !is_ours_alone(name) && name != "alt-svc" && name != "x-request-id" &&
         !(is_event_stream && is_of_fixed_body(name));
}

/// Takes the first member off a list; empty at its end.
std::string_view take_member(std::string_view& list) {
  while (!list.empty()) {
    std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    const std::size_t first = item.find_first_not_of(" \t");
    if (first == item.npos) continue;
    return item.substr(first, item.find_last_not_of(" \t") - first + 1);
  }
  return {};
}

bool has_member(std::string_view list, std::string_view wanted) {
  for (auto member = take_member(list); !member.empty(); member = take_member(list)) {
    if (equals_ignoring_case(member, wanted)) return true;
  }
  return false;
}

bool has_member(const http::Headers& fields, std::string_view name, std::string_view wanted) {
  return std::any_of(fields.begin(), fields.end(), [&](const http::Field& field) {
    return field.name == name && has_member(field.value, wanted);
  });
}

void join_vary(const http::Headers& more, http::Headers& fields) {
  if (!more.has("vary")) return;
  std::string vary = fields.joined("vary").value_or("");
  for (const http::Field& field : more) {
    if (field.name != "vary") continue;
    std::string_view list = field.value;
    for (auto name = take_member(list); !name.empty(); name = take_member(list)) {
      if (has_member(vary, name) || has_member(vary, "*")) continue;
      if (!vary.empty()) vary += ", ";
      vary += name;
    }
  }
  fields.set("vary", std::move(vary));
}

void put_terms(const Terms& terms, http::Headers& fields) {
  const http::Headers& ours = terms.answer_headers;
  if (has_member(ours, "vary", "origin")) {
    fields.remove_if([](const http::Field& field) { return begins(field.name, kCors); });
  }
  fields.remove_if(
      [&](const http::Field& field) { return field.name != "vary" && ours.has(field.name); });
  for (const http::Field& field : ours) {
    if (field.name != "vary" && !is_ours_alone(field.name)) fields.add(field.name, field.value);
  }
  join_vary(ours, fields);
  if (!terms.request_id.empty()) fields.set("x-request-id", terms.request_id);
}

void put_route(const RouteOptions& route, http::Headers& fields) {
  for (const std::string& name : route.remove_response_headers) fields.remove(name);
  for (const http::Field& field : route.set_response_headers) fields.remove(field.name);
  for (const http::Field& field : route.set_response_headers) {
    if (!is_ours_alone(field.name)) fields.add(field.name, field.value);
  }
}

/// What keeps an event stream flowing: nobody stores, recompresses, buffers or guesses.
void put_stream_fields(http::Headers& fields) {
  const bool is_secret = has_member(fields, "cache-control", "no-store");
  fields.set("cache-control", is_secret ? "no-store, no-transform" : "no-cache, no-transform");
  fields.set("x-accel-buffering", "no");
  fields.set("x-content-type-options", "nosniff");
}

}  // namespace

bool is_event_stream(const http::Response& response) {
  if (response.status != 200) return false;
  const std::string* type = response.headers.find("content-type");
  if (type == nullptr) return false;
  const std::string_view media = std::string_view(*type).substr(0, type->find_first_of("; \t"));
  if (!equals_ignoring_case(media, "text/event-stream")) return false;
  const auto coding = response.headers.joined("content-encoding");
  return !coding || coding->empty() || equals_ignoring_case(*coding, "identity");
}

http::Response make_answer(const RouteOptions& route, http::Response upstream, const Terms& terms,
                           bool is_event_stream) {
  http::Response answer = std::move(upstream);
  answer.headers.remove_if(
      [&](const http::Field& field) { return !passes(field.name, is_event_stream); });
  if (is_event_stream) put_stream_fields(answer.headers);
  put_terms(terms, answer.headers);
  put_route(route, answer.headers);
  return answer;
}

http::Response without_cookies(const http::Response& upstream) {
  http::Response bare{.status = upstream.status, .headers = {}};
  for (const http::Field& field : upstream.headers) {
    if (field.name != "set-cookie") bare.headers.add(field.name, field.value);
  }
  return bare;
}

http::Kind kind_of_body(int status, std::optional<std::uint64_t> length) {
  const bool is_bodiless = status == 204 || status == 304;
  return is_bodiless || (length && *length <= kShortBody) ? http::Kind::finite : http::Kind::bulk;
}

http::Response early_head(const RouteOptions& route, const Terms& terms) {
  http::Response answer{.status = 200, .headers = {{"content-type", "text/event-stream"}}};
  put_stream_fields(answer.headers);
  put_terms(terms, answer.headers);
  put_route(route, answer.headers);
  return answer;
}

}  // namespace sluice::relay
