#include "gateway/server/credentials.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "gateway/base/ascii.h"
#include "gateway/http/cookie.h"
#include "gateway/http/uri.h"

namespace sluice::server {
namespace {

constexpr std::string_view kParameter = "authorization";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Calls `each` with every piece of `text` between `separator`s.
template <class Each>
void split(std::string_view text, char separator, Each each) {
  while (true) {
    const std::size_t end = text.find(separator);
    each(text.substr(0, end));
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

bool is_one_of(std::string_view crumb, std::span<const std::string_view> names) {
  const std::string_view name = trimmed(crumb.substr(0, crumb.find('=')));
  return crumb.find('=') != crumb.npos &&
         std::find(names.begin(), names.end(), name) != names.end();
}

bool is_token_parameter(std::string_view piece) {
  const auto name = http::percent_decode(piece.substr(0, piece.find('=')));
  return name && *name == kParameter;
}

std::size_t count_of_parameter(std::string_view query) {
  std::size_t count = 0;
  split(query, '&', [&](std::string_view piece) { count += is_token_parameter(piece) ? 1U : 0U; });
  return count;
}

void remove_parameter(std::string& query) {
  std::string rest;
  bool is_first = true;
  split(query, '&', [&](std::string_view piece) {
    if (is_token_parameter(piece)) return;
    if (!is_first) rest += '&';
    rest += piece;
    is_first = false;
  });
  query = std::move(rest);
}

void remove_cookies(http::Headers& headers, std::span<const std::string_view> names) {
  std::string rest;
  for (const http::Field& field : headers) {
    if (field.name != "cookie") continue;
    split(field.value, ';', [&](std::string_view crumb) {
      crumb = trimmed(crumb);
      if (crumb.empty() || is_one_of(crumb, names)) return;
      if (!rest.empty()) rest += "; ";
      rest += crumb;
    });
  }
  headers.remove("cookie");
  if (!rest.empty()) headers.add("cookie", std::move(rest));
}

}  // namespace

void add_credentials(const http::Request& request, std::span<const std::string> more,
                     auth::Digest& digest) {
  constexpr std::array<std::string_view, 7> kCommon{
      "authorization", "cookie",         "x-api-key",     "api-key",
      "x-auth-token",  "x-access-token", "x-goog-api-key"};
  for (const http::Field& field : request.headers) {
    const bool counts = std::find(kCommon.begin(), kCommon.end(), field.name) != kCommon.end() ||
                        std::find(more.begin(), more.end(), field.name) != more.end();
    if (!counts) continue;
    digest.add(field.name);
    digest.add(field.value);
  }
}

bool has_token_twice(const http::Request& request, std::span<const std::string_view> cookies) {
  std::size_t headers = 0;
  std::vector<std::size_t> crumbs(cookies.size());
  for (const http::Field& field : request.headers) {
    if (field.name == "authorization") ++headers;
    if (field.name != "cookie") continue;
    split(field.value, ';', [&](std::string_view crumb) {
      for (std::size_t i = 0; i < cookies.size(); ++i) {
        if (is_one_of(crumb, cookies.subspan(i, 1))) ++crumbs[i];
      }
    });
  }
  return headers > 1 || std::any_of(crumbs.begin(), crumbs.end(), [](auto n) { return n > 1; }) ||
         count_of_parameter(request.query) > 1;
}

void remove_tokens(http::Request& request, Carrier kept,
                   std::span<const std::string_view> cookies) {
  const std::string* field = request.headers.find("authorization");
  if (kept != Carrier::header && field != nullptr && starts_with_ignoring_case(*field, "bearer")) {
    request.headers.remove("authorization");
  }
  if (request.headers.has("cookie")) {
    std::vector<std::string_view> others(cookies.begin(), cookies.end());
    const auto is_used = [&](std::string_view name) {
      const auto value = http::cookie(request.headers, name);
      return value && !value->empty();
    };
    const auto used = std::find_if(others.begin(), others.end(), is_used);
    if (kept == Carrier::cookie && used != others.end()) others.erase(used);
    remove_cookies(request.headers, others);
  }
  if (kept != Carrier::query && count_of_parameter(request.query) > 0) {
    remove_parameter(request.query);
  }
}

}  // namespace sluice::server
