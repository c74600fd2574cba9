#include "gateway/h1/head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#if __has_include(<llhttp/llhttp.h>)
#include <llhttp/llhttp.h>
#else
#include <llhttp.h>
#endif

#include "gateway/base/ascii.h"
#include "gateway/h1/target.h"

namespace sluice::h1 {
namespace {

using MaybeRefusal = std::optional<Refusal>;

bool is_token_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7F);
}

/// The next line of `text`, without its CR LF, which is there.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find("\r\n"));
  text.remove_prefix(line.size() + 2);
  return line;
}

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

MaybeRefusal check_field_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return Refusal{400, "folded header field"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Refusal{400, "header field without a colon"};
  if (!is_token(line.substr(0, colon))) return Refusal{400, "malformed header field name"};
  if (!std::all_of(line.begin() + static_cast<std::ptrdiff_t>(colon), line.end(), is_value_char)) {
    return Refusal{400, "control character in a header field"};
  }
  return std::nullopt;
}

/// `text` is lines that end in CR LF, the last of them empty.
MaybeRefusal check_lines(std::string_view text, std::size_t max_fields) {
  if (auto refusal = check_request_line(take_line(text))) return refusal;
  std::size_t fields = 0;
  for (auto line = take_line(text); !line.empty(); line = take_line(text)) {
    if (++fields > max_fields) return Refusal{431, "too many header fields"};
    if (auto refusal = check_field_line(line)) return refusal;
  }
  return std::nullopt;
}

/// What llhttp reports of one head.
struct RawHead {
  std::string method;
  std::string target;
  std::vector<http::Field> fields;
  int minor_version = 1;
  bool in_value = true;  ///< The last piece was of a value: a piece of a name begins a new field.
  bool is_complete = false;
};

/// The only code that llhttp calls back into.
struct HeadCallbacks {
  static RawHead& raw(llhttp_t* parser) { return *static_cast<RawHead*>(parser->data); }

  static int on_url(llhttp_t* parser, const char* at, std::size_t n) noexcept {
    raw(parser).target.append(at, n);
    return 0;
  }
  static int on_name(llhttp_t* parser, const char* at, std::size_t n) noexcept {
    RawHead& head = raw(parser);
    if (std::exchange(head.in_value, false)) head.fields.emplace_back();
    head.fields.back().name.append(at, n);
    return 0;
  }
  static int on_value(llhttp_t* parser, const char* at, std::size_t n) noexcept {
    RawHead& head = raw(parser);
    head.in_value = true;
    head.fields.back().value.append(at, n);
    return 0;
  }
  static int on_value_end(llhttp_t* parser) noexcept {
    raw(parser).in_value = true;  // Of an empty value there may have been no piece.
    return 0;
  }
  static int on_end(llhttp_t* parser) noexcept {
    RawHead& head = raw(parser);
    head.method = llhttp_method_name(static_cast<llhttp_method_t>(parser->method));
    head.minor_version = parser->http_minor;
    head.is_complete = true;
    return HPE_PAUSED;  // The body is not its business.
  }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t table = [] {
      llhttp_settings_t made;
      llhttp_settings_init(&made);
      made.on_url = on_url;
      made.on_header_field = on_name;
      made.on_header_value = on_value;
      made.on_header_value_complete = on_value_end;
      made.on_headers_complete = on_end;
      return made;
    }();
    return table;
  }
};

MaybeRefusal run_llhttp(std::string_view text, RawHead& raw) {
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &HeadCallbacks::settings());
  parser.data = &raw;
  const llhttp_errno_t result = llhttp_execute(&parser, text.data(), text.size());
  if (result == HPE_PAUSED && raw.is_complete) return std::nullopt;
  if (result == HPE_INVALID_METHOD) return Refusal{501, "unknown method"};
  return Refusal{400, "malformed request"};
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Everything about the fields that decides how the message is framed and whom it is for.
struct Framing {
  std::vector<std::string_view> hosts;
  std::vector<std::string_view> lengths;
  std::vector<std::string_view> codings;
  std::vector<std::string_view> expectations;
  std::vector<std::string_view> connection;  ///< Its members.

  explicit Framing(const std::vector<http::Field>& fields) {
    for (const http::Field& field : fields) {
      if (field.name == "host") hosts.emplace_back(field.value);
      if (field.name == "content-length") lengths.emplace_back(field.value);
      if (field.name == "transfer-encoding") codings.emplace_back(field.value);
      if (field.name == "expect") expectations.emplace_back(field.value);
      if (field.name == "connection") add_members(field.value);
    }
  }
  void add_members(std::string_view list) {
    while (!list.empty()) {
      const std::string_view item = list.substr(0, list.find(','));
      list.remove_prefix(std::min(item.size() + 1, list.size()));
      if (!trimmed(item).empty()) connection.push_back(trimmed(item));
    }
  }
  [[nodiscard]] bool names(std::string_view member) const {
    return std::any_of(connection.begin(), connection.end(),
                       [&](std::string_view item) { return equals_ignoring_case(item, member); });
  }
};

/// RFC 9112 §6; both fields at once are the classic of request smuggling.
MaybeRefusal read_length(const Framing& framing, Head& head) {
  if (!framing.codings.empty()) {
    if (!framing.lengths.empty()) return Refusal{400, "both content-length and transfer-encoding"};
    if (framing.codings.size() != 1 || !equals_ignoring_case(framing.codings.front(), "chunked")) {
      return Refusal{400, "the only transfer-encoding is chunked"};
    }
    if (head.minor_version == 0) return Refusal{400, "transfer-encoding in HTTP/1.0"};
    head.is_chunked = true;
  } else if (!framing.lengths.empty()) {
    const std::string_view text = framing.lengths.front();
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), head.content_length);
    if (framing.lengths.size() != 1 || error != std::errc() || end != text.data() + text.size()) {
      return Refusal{400, "malformed content-length"};
    }
  }
  head.request.has_body = head.is_chunked || head.content_length > 0;
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
  for (http::Field& field : raw.fields) {
    for (char& c : field.name) c = to_lower(c);
    field.value = std::string(trimmed(field.value));
  }
  const Framing framing(raw.fields);
  head = {};
  head.minor_version = raw.minor_version;
  if (auto refusal = read_length(framing, head)) return refusal;
  if (auto refusal = read_authority(framing, *target, head)) return refusal;
  if (head.minor_version == 1 && !framing.expectations.empty()) {
    if (framing.expectations.size() != 1 ||
        !equals_ignoring_case(framing.expectations.front(), "100-continue")) {
      return Refusal{417, "the only expectation is 100-continue"};
    }
    head.expects_continue = head.request.has_body;
  }
  head.keep_alive =
      !framing.names("close") && (head.minor_version == 1 || framing.names("keep-alive"));
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
  if (auto refusal = run_llhttp(text, raw)) return refusal;
  return interpret(std::move(raw), head);
}

std::string llhttp_version() {
  return fmt::format("{}.{}.{}", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
}

}  // namespace sluice::h1
