#include "gateway/http/cors.h"

#include <algorithm>
#include <utility>

namespace sluice::http {
namespace {

constexpr std::string_view kAny = "*";

}  // namespace

Cors::Cors(CorsOptions options) : options_(std::move(options)), any_(is_listed(kAny)) {}

bool Cors::is_listed(std::string_view origin) const {
  return std::find(options_.origins.begin(), options_.origins.end(), origin) !=
         options_.origins.end();
}

bool Cors::add_origin(const Request& request, Headers& answer) const {
  answer.add("vary", "origin");
  const std::string* origin = request.headers.find("origin");
  if (origin == nullptr) return false;
  if (*origin != kAny && is_listed(*origin)) {
    answer.add("access-control-allow-origin", *origin);
    answer.add("access-control-allow-credentials", "true");
    return true;
  }
  if (any_) answer.add("access-control-allow-origin", "*");
  return any_;
}

void Cors::add_fields(const Request& request, Headers& answer) const {
  if (!add_origin(request, answer)) return;
  if (!options_.exposed.empty()) answer.add("access-control-expose-headers", options_.exposed);
}

bool Cors::is_preflight(const Request& request) {
  return request.method == "OPTIONS" && request.headers.has("access-control-request-method");
}

Response Cors::preflight(const Request& request) const {
  Response response{.status = 204};
  if (!add_origin(request, response.headers)) return response;
  const auto add = [&](const char* name, const std::string& allowed, std::string_view asked) {
    const auto value = allowed.empty() ? request.headers.joined(asked) : allowed;
    if (value && !value->empty()) response.headers.add(name, *value);
  };
  add("access-control-allow-methods", options_.methods, "access-control-request-method");
  add("access-control-allow-headers", options_.request_headers, "access-control-request-headers");
  response.headers.add("access-control-max-age", std::to_string(options_.max_age.count()));
  return response;
}

}  // namespace sluice::http
