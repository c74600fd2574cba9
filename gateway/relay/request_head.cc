#include "gateway/relay/request_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/relay/client_cert.h"
#include "gateway/relay/field_names.h"
#include "gateway/relay/path.h"

namespace sluice::relay {
namespace {

/// That are added to most requests.
constexpr std::size_t kFieldsOfOurs = 7;

/// Says who asks: anybody can write it, so only ours is sent.
bool tells_who_asks(std::string_view name) {
  // RFC 9440 §2.4 wants its fields stripped by every proxy that ends TLS.
  constexpr std::array<std::string_view, 5> kNames{"client-cert", "client-cert-chain", "forwarded",
                                                   "x-real-ip", "x-request-id"};
  constexpr std::string_view kFamily = "x-forwarded-";
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         name.substr(0, kFamily.size()) == kFamily;
}

bool passes(std::string_view name) {
  // CGI and WSGI make '_' of '-': "x_forwarded_for" would be taken for our own.
  return !is_ours_alone(name) && !tells_who_asks(name) && name.find('_') == name.npos;
}

constexpr std::string_view kAmbiguous =
    "the path has a dot segment, or an escaped slash beside a slash, behind a ; or before dots";

std::optional<Parting> check_path(const RouteOptions& route, std::string_view path) {
  if (path.empty() || path.front() != '/') return bad_request("the path must begin with /");
  if (path.find('%') == path.npos && path.find("/.") == path.npos) return std::nullopt;
  if (has_control_escape(path)) return bad_request("the path has an escaped control character");
  if (needs_plain_path(route) && is_ambiguous(canonical_path(path))) {
    return bad_request(kAmbiguous);
  }
  return std::nullopt;
}

/// The fields that pass, crumbs of a cookie in one (RFC 9113 §8.2.3).
http::Headers passing_fields(const http::Headers& fields) {
  http::Headers result;
  result.reserve(fields.size() + kFieldsOfOurs);
  std::string cookie;
  for (const http::Field& field : fields) {
    if (field.name == "cookie") {
      if (!cookie.empty()) cookie += "; ";
      cookie += field.value;
    } else if (passes(field.name)) {
      result.add(field.name, field.value);
    }
  }
  if (!cookie.empty()) result.add("cookie", std::move(cookie));
  return result;
}

/// RFC 7239 §6.
std::string forwarded_node(std::string_view address) {
  if (address.find(':') != address.npos) return fmt::format("\"[{}]\"", address);
  const bool is_address = !address.empty() && is_digit(address.front());
  return std::string(is_address ? address : "unknown");
}

void add_who_asks(const RouteOptions& route, const Terms& terms, http::Headers& fields) {
  const http::Forwarded& from = terms.forwarded;
  std::string chain = from.client;
  std::string elements = fmt::format("for={};proto={};host=\"{}\"", forwarded_node(from.client),
                                     from.scheme, from.host);
  const auto add_hop = [&](const std::string& hop) {
    chain += ", " + hop;
    elements += ", for=" + forwarded_node(hop);
  };
  for (const std::string& hop : from.hops) add_hop(hop);
  if (from.peer != from.client) add_hop(from.peer);
  fields.add("x-forwarded-for", std::move(chain));
  fields.add("x-forwarded-proto", from.scheme);
  fields.add("x-forwarded-host", from.host);
  if (!route.strip_prefix.empty()) fields.add("x-forwarded-prefix", route.strip_prefix);
  fields.add("forwarded", std::move(elements));
  fields.add("x-real-ip", from.client);
  if (!terms.request_id.empty()) fields.add("x-request-id", terms.request_id);
  if (terms.certificate) fields.add(kClientCert, client_cert_field(*terms.certificate));
}

/// The answer may be an event stream, which the relay reads.
bool may_be_stream(const RouteOptions& route, const http::Request& request) {
  if (route.share.enabled || route.replay.enabled) return true;
  const auto accept = request.headers.joined("accept");
  return accept && http::accepts(*accept, "text/event-stream");
}

void put_fields(const http::Headers& wanted, http::Headers& fields) {
  for (const http::Field& field : wanted) {
    if (!is_ours_alone(field.name)) fields.remove(field.name);
  }
  for (const http::Field& field : wanted) {
    if (!is_ours_alone(field.name) && !field.value.empty()) fields.add(field.name, field.value);
  }
}

tl::expected<std::optional<std::uint64_t>, Parting> read_length(const RouteOptions& route,
                                                                const http::Request& request) {
  const std::string* text = request.headers.find("content-length");
  if (!request.has_body || text == nullptr) return std::nullopt;
  std::uint64_t length = 0;
  const char* end = text->data() + text->size();
  const auto [last, error] = std::from_chars(text->data(), end, length);
  if (error != std::errc() || last != end) {
    return tl::unexpected(bad_request("malformed content-length"));
  }
  if (route.max_request_bytes > 0 && length > route.max_request_bytes) {
    return tl::unexpected(body_too_large(route.max_request_bytes));
  }
  return length;
}

}  // namespace

tl::expected<http::Outgoing, Parting> make_request(const RouteOptions& route,
                                                   const http::Request& request,
                                                   const Terms& terms) {
  if (request.method == "TRACE") return tl::unexpected(bad_request("TRACE is not relayed", 501));
  if (auto refusal = check_path(route, request.path)) return tl::unexpected(*refusal);
  const std::string& authority = route.host.empty() ? request.authority : route.host;
  if (authority.empty()) return tl::unexpected(bad_request("a host is needed"));
  std::string path = upstream_path(route, request.path);
  if (path != request.path && leads_astray(path)) return tl::unexpected(bad_request(kAmbiguous));
  const auto length = read_length(route, request);
  if (!length) return tl::unexpected(length.error());

  http::Outgoing outgoing{.head = {.method = request.method,
                                   .scheme = request.scheme,
                                   .authority = authority,
                                   .path = std::move(path),
                                   .query = request.query,
                                   .headers = passing_fields(request.headers),
                                   .has_body = request.has_body},
                          .body_length = *length};
  http::Headers& fields = outgoing.head.headers;
  if (may_be_stream(route, request)) fields.set("accept-encoding", "identity");
  add_who_asks(route, terms, fields);
  for (const std::string& name : route.remove_request_headers) fields.remove(name);
  put_fields(terms.upstream_headers, fields);
  put_fields(route.set_request_headers, fields);
  return outgoing;
}

}  // namespace sluice::relay
