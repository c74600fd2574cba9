#include "gateway/h1/head.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/ascii.h"
#include "gateway/h1/fields.h"
#include "gateway/h1/raw_head.h"
#include "gateway/h1/target.h"

namespace sluice::h1 {
namespace {

using MaybeRefusal = std::optional<Refusal>;

MaybeRefusal check_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return Refusal{400, "malformed request line"};
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(second + 1);
  if (!is_token(method)) return Refusal{400, "malformed method"};
  if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return Refusal{400, "malformed request line"};
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Refusal{505, "only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here"};
  }
  if (!parse_target(line.substr(first + 1, second - first - 1))) {
    return Refusal{400, "malformed request target"};
  }
  return std::nullopt;
}

/// `text` is lines that end in CR LF, the last of them empty.
MaybeRefusal check_lines(std::string_view text, std::size_t max_fields) {
  if (auto refusal = check_request_line(take_line(text))) return refusal;
  if (const auto fault = check_field_lines(text, max_fields)) {
    return Refusal{fault->is_too_many ? 431 : 400, fault->reason};
  }
  return std::nullopt;
}

/// RFC 9112 §3.2.
MaybeRefusal read_authority(const Framing& framing, const Target& target, Head& head) {
  const bool is_required = head.minor_version == 1;
  if (framing.hosts.size() > 1 || (is_required && framing.hosts.empty())) {
    return Refusal{400, "exactly one host field is needed"};
  }
  if (!framing.hosts.empty() && !is_authority(framing.hosts.front())) {
    return Refusal{400, "malformed host"};
  }
  if (!target.authority.empty() && !framing.hosts.empty() &&
      !equals_ignoring_case(target.authority, framing.hosts.front())) {
    return Refusal{400, "host is not that of the request target"};
  }
  if (!framing.hosts.empty()) {
    head.request.authority = framing.hosts.front();
  } else {
    head.request.authority = target.authority;
  }
  return std::nullopt;
}

bool concerns_connection(std::string_view name) {
  constexpr std::array<std::string_view, 11> kNames{
      "connection",          "expect",           "host",
      "http2-settings",      "keep-alive",       "proxy-authenticate",
      "proxy-authorization", "proxy-connection", "te",
      "transfer-encoding",   "upgrade"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

MaybeRefusal interpret(RawHead raw, Head& head) {
  const auto target = parse_target(raw.target);
  if (!target) return Refusal{400, "malformed request target"};
  if (raw.method == "CONNECT") return Refusal{501, "no tunnels here"};
  const Framing framing(raw.fields);
  BodyLength length;
  if (const auto reason = read_length(framing, raw.minor_version, length)) {
    return Refusal{400, *reason};
  }
  head = {};
  head.minor_version = raw.minor_version;
  head.is_chunked = length.is_chunked;
  head.content_length = length.content_length.value_or(0);
  head.request.has_body = head.is_chunked || head.content_length > 0;
  if (auto refusal = read_authority(framing, *target, head)) return refusal;
  if (head.minor_version == 1 && !framing.expectations.empty()) {
    if (framing.expectations.size() != 1 ||
        !equals_ignoring_case(framing.expectations.front(), "100-continue")) {
      return Refusal{417, "the only expectation is 100-continue"};
    }
    head.expects_continue = head.request.has_body;
  }
  head.keep_alive = keeps_alive(framing, head.minor_version);
  head.request.method = std::move(raw.method);
  head.request.path = target->path;
  head.request.query = target->query;
  for (const http::Field& field : raw.fields) {
    if (concerns_connection(field.name)) continue;
    if (field.name != "content-length" && framing.names(field.name)) continue;
    head.request.headers.add(field.name, field.value);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> read_head(std::string_view text, std::size_t max_fields, Head& head) {
  if (auto refusal = check_lines(text, max_fields)) return refusal;
  RawHead raw;
  switch (read_raw_head(HeadKind::request, text, raw)) {
    case RawResult::ok:
      return interpret(std::move(raw), head);
    case RawResult::unknown_method:
      return Refusal{501, "unknown method"};
    case RawResult::bad_length:
    case RawResult::malformed:
      break;
  }
  return Refusal{400, "malformed request"};
}

}  // namespace sluice::h1
