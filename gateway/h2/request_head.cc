#include "gateway/h2/request_head.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/ascii.h"

namespace sluice::h2 {
namespace {

/// What a field costs beside its octets (RFC 9113 §6.5.2).
constexpr std::size_t kFieldOverhead = 32;
constexpr std::size_t kMaxMethod = 32;

/// A host and perhaps a port: no userinfo, no list, nothing that ends a host elsewhere.
bool is_host(std::string_view text) {
  constexpr std::string_view kMarks = "-._~%:[]";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alnum(c) || kMarks.find(c) != std::string_view::npos;
  });
}

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alnum(c) || kMarks.find(c) != std::string_view::npos;
  });
}

/// Visible ASCII without '#' and '\'.
bool is_target(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != '#' && c != '\\'; });
}

/// Speaks of the connection, not of the request; nghttp2 refuses the others of RFC 9113 §8.2.2.
bool is_connection_field(std::string_view name) {
  constexpr std::array<std::string_view, 3> kNames{"te", "http2-settings", "proxy-connection"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

void RequestHead::add(std::string_view name, std::string_view value) {
  // Browsers split one cookie field into many: they count as bytes, not as fields.
  const bool is_crumb = name == "cookie";
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (!is_crumb) ++fields_;
  if (bytes_ > max_bytes_ || fields_ > max_fields_) is_too_large_ = true;
  if (is_too_large_) return;

  if (!name.empty() && name.front() == ':') {
    add_pseudo(name, value);
  } else if (is_crumb) {
    if (!cookie_.empty()) cookie_ += "; ";
    cookie_ += value;
  } else if (name == "host") {
    has_host_ = true;
    host_ = value;
  } else if (!is_connection_field(name)) {
    request_.headers.add(std::string(name), std::string(value));
  }
}

void RequestHead::add_pseudo(std::string_view name, std::string_view value) {
  if (name == ":method") {
    request_.method = value;
  } else if (name == ":scheme") {
    request_.scheme = to_lower(value);
  } else if (name == ":authority") {
    request_.authority = value;
    if (value.empty()) is_malformed_ = true;
  } else if (name == ":path") {
    request_.path = value;
  }
}

std::optional<http::Refusal> RequestHead::finish(http::Request& request) && {
  const auto refusal = settle();
  request = std::move(request_);
  return refusal;
}

std::optional<http::Refusal> RequestHead::settle() {
  using http::Refusal;
  if (is_too_large_) return Refusal{431, "the header fields are too large, or too many"};
  if (is_malformed_) return Refusal{400, "malformed header field"};
  if (!settle_authority()) return Refusal{400, "malformed :authority, or host is another one"};
  if (request_.method.size() > kMaxMethod || !is_token(request_.method)) {
    return Refusal{400, "malformed method"};
  }
  if (request_.method == "CONNECT") return Refusal{501, "CONNECT is not supported"};
  // Methods are case-sensitive (RFC 9110 §9.1), but not to every application: what is "post" to a
  // route must not be POST to who is behind it.
  if (std::any_of(request_.method.begin(), request_.method.end(), is_lower)) {
    return Refusal{501, "unknown method"};
  }
  if (request_.scheme != "https" && request_.scheme != "http") {
    return Refusal{400, "the scheme is neither https nor http"};
  }
  if (!settle_path()) return Refusal{400, "malformed path"};
  if (!cookie_.empty()) request_.headers.add("cookie", std::move(cookie_));
  return std::nullopt;
}

bool RequestHead::settle_authority() {
  if (has_host_) {
    if (request_.authority.empty()) request_.authority = host_;
    if (!equals_ignoring_case(request_.authority, host_)) return false;
  }
  return is_host(request_.authority);
}

bool RequestHead::settle_path() {
  std::string& path = request_.path;
  if (path == "*") return request_.method == "OPTIONS";
  if (path.empty() || path.front() != '/' || !is_target(path)) return false;
  if (const std::size_t mark = path.find('?'); mark != std::string::npos) {
    request_.query = path.substr(mark + 1);
    path.resize(mark);
  }
  return true;
}

}  // namespace sluice::h2
