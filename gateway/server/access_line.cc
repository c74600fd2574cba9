#include "gateway/server/access_line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/base/utf8.h"
#include "gateway/http/trace.h"
#include "gateway/http/uri.h"

namespace sluice::server {
namespace {

constexpr std::string_view kRedacted = "REDACTED";

// --- What is left out ---------------------------------------------------------------------------

bool is_secret_name(std::string_view raw) {
  const auto decoded = http::percent_decode(raw);
  if (!decoded) return true;
  const std::string name = to_lower(*decoded);
  constexpr std::array<std::string_view, 12> kParts{
      "authorization", "token",   "secret",  "passw",      "signature", "api_key",
      "apikey",        "api-key", "session", "credential", "jwt",       "assertion"};
  constexpr std::array<std::string_view, 6> kWhole{"key", "sig", "code", "pwd", "auth", "sid"};
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](auto part) { return name.find(part) != name.npos; }) ||
         std::find(kWhole.begin(), kWhole.end(), name) != kWhole.end();
}

/// A JSON web token, wherever it stands.
bool is_token_value(std::string_view value) {
  return value.starts_with("eyJ") && value.find('.') != value.npos;
}

/// Of an absolute or a relative URL, without who logs in there.
std::string url_without_secrets(std::string_view url) {
  url = url.substr(0, url.find('#'));
  std::string result;
  const std::size_t scheme = url.find("//");
  if (scheme != url.npos) {
    const std::size_t host = scheme + 2;
    const std::size_t end = std::min(url.find_first_of("/?", host), url.size());
    const std::size_t user = url.substr(0, end).rfind('@');
    result = url.substr(0, host);
    url.remove_prefix(user == url.npos || user < host ? host : user + 1);
  }
  const std::size_t query = url.find('?');
  result += url.substr(0, query);
  if (query != url.npos) result += '?' + without_secrets(url.substr(query + 1));
  return result;
}

/// Its beginning; never the half of a character.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  text.resize(most);
  text += "...";
  return text;
}

std::string field_of(const http::Request& request, std::string_view name) {
  const std::string* value = request.headers.find(name);
  return value == nullptr ? std::string() : cut(*value, AccessRequest::kMostText);
}

// --- How it is written --------------------------------------------------------------------------

bool is_plain(char c) {
  return c >= ' ' && c < '\x7f' && c != '"' && c != '\\';
}

/// The bytes of the character at the front, if it may stand in a log as it is: no control character
/// (U+0080 to U+009F are some, too), and well-formed. 0: it may not.
std::size_t character(std::string_view text) {
  for (std::size_t length = 2; length <= std::min<std::size_t>(4, text.size()); ++length) {
    if (!is_utf8(text.substr(0, length))) continue;
    const bool is_control = text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0;
    return is_control ? 0 : length;
  }
  return 0;
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto plain = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    std::size_t length = byte < 0x80 ? 0 : character(text);
    if (length > 0) {
      out += text.substr(0, length);
    } else {
      // A byte that is no UTF-8 is shown as the character of its number.
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
      length = 1;
    }
    text.remove_prefix(length);
  }
  out += '"';
}

/// As Apache and nginx write it: what is not plain is \xHH.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  if (text.empty()) out += '-';
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out + '"';
}

/// One word.
std::string word(std::string_view text) {
  std::string out = quoted(text);
  out = out.substr(1, out.size() - 2);
  std::replace(out.begin(), out.end(), ' ', '_');
  return out;
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// An object, a member at a time; empty texts are left out.
class JsonLine {
 public:
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    key(name);
    append_json_text(line_, value);
  }
  template <class T>
  void number(std::string_view name, T value) {
    key(name);
    fmt::format_to(std::back_inserter(line_), "{}", value);
  }
  void time(std::string_view name, Duration value) {
    key(name);
    fmt::format_to(std::back_inserter(line_), "{:.6f}", seconds(value));
  }
  void texts(std::string_view name, const std::vector<std::string>& values) {
    key(name);
    line_ += '[';
    for (const std::string& value : values) {
      if (line_.back() != '[') line_ += ',';
      append_json_text(line_, value);
    }
    line_ += ']';
  }
  std::string finish() && {
    line_ += "}\n";
    return std::move(line_);
  }

 private:
  void key(std::string_view name) {
    line_ += line_.empty() ? '{' : ',';
    append_json_text(line_, name);
    line_ += ':';
  }
  std::string line_;
};

std::string_view name_of(AccessOutcome::Stage stage) {
  switch (stage) {
    case AccessOutcome::Stage::request:
      return "request";
    case AccessOutcome::Stage::stream_start:
      return "stream_start";
    case AccessOutcome::Stage::stream_end:
      return "stream_end";
  }
  return {};
}

std::string_view id_of(const AccessRequest& request, const http::Account& account) {
  return account.request_id.empty() ? request.request_id : account.request_id;
}

void add_end(JsonLine& line, const AccessOutcome& outcome) {
  line.time("duration", outcome.duration);
  line.number("bytes", outcome.bytes);
  if (outcome.stage == AccessOutcome::Stage::stream_end) {
    line.number("events", outcome.progress.events);
    line.number("gaps", outcome.progress.gaps);
    line.number("worst_lag_events", outcome.worst_behind);
    line.time("worst_lag_seconds", outcome.worst_wait);
    line.number("unsent_bytes", outcome.progress.queued);
  }
  const http::EndingText end = text_of(outcome.ending);
  line.text("end", end.name);
  line.text("by", end.by);
}

std::string json_line(WallTime at, const AccessRequest& request, const http::Account& account,
                      const AccessOutcome& outcome) {
  JsonLine line;
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(at);
  line.text("time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                                std::chrono::floor<std::chrono::seconds>(millis),
                                millis.time_since_epoch().count() % 1'000));
  line.text("type", name_of(outcome.stage));
  line.text("id", fmt::format("{}-{}", request.connection, request.stream));
  line.text("client", request.client);
  line.text("peer", request.peer);
  line.text("method", request.method);
  line.text("scheme", request.scheme);
  line.text("authority", request.authority);
  line.text("path", request.target);
  line.text("protocol", request.protocol);
  line.number("tls", request.is_tls);
  line.number("status", outcome.status);
  if (outcome.stage != AccessOutcome::Stage::stream_start) add_end(line, outcome);
  if (outcome.first_byte) line.time("first_byte", *outcome.first_byte);
  line.text("route", account.route);
  line.text("upstream", account.upstream);
  if (account.topic_count > 0) {
    line.texts("topics", account.topics);
    line.number("topic_count", account.topic_count);
  }
  line.text("subject", account.subject);
  line.text("user_agent", request.user_agent);
  line.text("referer", request.referer);
  line.text("request_id", id_of(request, account));
  line.text("trace_id", request.trace);
  line.number("connection", request.connection);
  line.number("stream", request.stream);
  return std::move(line).finish();
}

std::string combined_line(WallTime at, const AccessRequest& request, const http::Account& account,
                          const AccessOutcome& outcome) {
  const bool is_h2 = request.protocol == "h2";
  std::string line = fmt::format(
      "{} - {} [{:%d/%b/%Y:%H:%M:%S} +0000] {} {} {} {} {}",
      request.client.empty() ? "-" : word(request.client), word(account.subject),
      std::chrono::floor<std::chrono::seconds>(at),
      quoted(
          fmt::format("{} {} {}", request.method, request.target, is_h2 ? "HTTP/2.0" : "HTTP/1.1")),
      outcome.status, outcome.bytes, quoted(request.referer), quoted(request.user_agent));
  if (outcome.stage != AccessOutcome::Stage::request) {
    fmt::format_to(std::back_inserter(line), " {} id={}-{}", name_of(outcome.stage),
                   request.connection, request.stream);
  }
  if (outcome.stage == AccessOutcome::Stage::stream_end) {
    const http::EndingText end = text_of(outcome.ending);
    fmt::format_to(std::back_inserter(line),
                   " duration={:.3f} events={} gaps={} worst_lag={} end={} by={}",
                   seconds(outcome.duration), outcome.progress.events, outcome.progress.gaps,
                   outcome.worst_behind, end.name, end.by);
  }
  return line + '\n';
}

}  // namespace

AccessRequest::AccessRequest(const http::Request& request, const http::Exchange& exchange,
                             const http::Networks& trusted)
    : connection(exchange.connection().id),
      stream(exchange.id()),
      method(cut(request.method, kMostText)),
      target(request.path),
      protocol(exchange.connection().protocol),
      is_tls(exchange.connection().is_tls),
      user_agent(field_of(request, "user-agent")),
      trace(http::trace_id(request).value_or(std::string_view())) {
  const http::Connection& from = exchange.connection();
  http::Forwarded forwarded = http::read_forwarded(request, from.peer, trusted);
  client = std::move(forwarded.client);
  scheme = std::move(forwarded.scheme);
  authority = cut(std::move(forwarded.host), kMostText);
  peer = from.via.empty() ? from.peer : from.via;
  if (!request.query.empty()) target += '?' + without_secrets(request.query);
  target = cut(std::move(target), kMostPath);
  if (const std::string* page = request.headers.find("referer")) {
    referer = cut(url_without_secrets(*page), kMostText);
  }
  if (trusted.contains(from.peer)) request_id = field_of(request, "x-request-id");
}

std::string without_secrets(std::string_view query) {
  std::string result;
  while (true) {
    const std::size_t end = query.find_first_of("&;");
    const std::string_view piece = query.substr(0, end);
    const std::size_t equals = piece.find('=');
    const std::size_t value = equals == piece.npos ? 0 : equals + 1;
    const bool is_secret = (equals != piece.npos && is_secret_name(piece.substr(0, equals))) ||
                           is_token_value(piece.substr(value));
    result += is_secret ? piece.substr(0, value) : piece;
    if (is_secret) result += kRedacted;
    if (end == query.npos) return result;
    result += query[end];
    query.remove_prefix(end + 1);
  }
}

std::string access_line(AccessFormat format, WallTime at, const AccessRequest& request,
                        const http::Account& account, const AccessOutcome& outcome) {
  return format == AccessFormat::json ? json_line(at, request, account, outcome)
                                      : combined_line(at, request, account, outcome);
}

}  // namespace sluice::server
