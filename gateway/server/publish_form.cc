#include "gateway/server/publish_form.h"

#include <utility>

#include "gateway/http/uri.h"

namespace sluice::server {
namespace {

constexpr std::size_t kMaxFields = 12'000;  // hub.max_topics goes up to 10 000.

Fields common_fields(const http::Form& form) {
  Fields fields;
  if (const std::string* id = http::first(form, "id")) fields.id = *id;
  if (const std::string* type = http::first(form, "type")) fields.type = *type;
  if (const std::string* key = http::first(form, "key")) fields.key = *key;
  if (const std::string* retry = http::first(form, "retry")) fields.retry = *retry;
  if (const std::string* ttl = http::first(form, "ttl")) fields.ttl = *ttl;
  fields.is_private = http::first(form, "private") != nullptr;
  return fields;
}

}  // namespace

Result<Fields> read_form(std::string_view text) {
  auto form = http::parse_form(text, kMaxFields);
  if (!form) return tl::unexpected(form.error());
  Fields fields = common_fields(*form);
  for (const std::string_view topic : http::all(*form, "topic")) fields.topics.emplace_back(topic);
  if (const std::string* data = http::first(*form, "data")) fields.data = *data;
  return fields;
}

Result<Fields> read_query(std::string_view query) {
  auto form = http::parse_form(query, kMaxFields);
  if (!form) return fail(form.error().code, "the query: " + form.error().what);
  return common_fields(*form);
}

}  // namespace sluice::server
