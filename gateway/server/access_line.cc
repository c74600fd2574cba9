#include "gateway/server/access_line.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "gateway/base/utf8.h"
#include "gateway/http/trace.h"
#include "gateway/server/secrets.h"

namespace sluice::server {
namespace {

std::string field_of(const http::Request& request, std::string_view name) {
  const std::string* value = request.headers.find(name);
  return value == nullptr ? std::string()
                          : cut_text(without_tokens(*value), AccessRequest::kMostText);
}

// --- How it is written --------------------------------------------------------------------------

bool is_plain(char c) {
  return c >= ' ' && c < '\x7f' && c != '"' && c != '\\';
}

struct Character {
  std::size_t length;    ///< 0: it is no UTF-8.
  std::uint32_t number;  ///< U+….
};

/// The first of a text, if it is none of ASCII.
Character character(std::string_view text) {
  for (std::size_t length = 2; length <= std::min<std::size_t>(4, text.size()); ++length) {
    if (static_cast<unsigned char>(text[0]) < 0x80 || !is_utf8(text.substr(0, length))) continue;
    std::uint32_t number = static_cast<unsigned char>(text[0]) & (0x7fU >> length);
    for (const char c : text.substr(1, length - 1)) {
      number = number << 6U | (static_cast<unsigned char>(c) & 0x3fU);
    }
    return {length, number};
  }
  return {0, 0};
}

/// It ends a line for some readers (U+0085, a control character like all below U+00A0; U+2028 and
/// U+2029), or turns round how those behind it are shown.
bool misleads(std::uint32_t number) {
  return number < 0xa0 || (number >= 0x2028 && number <= 0x202e) ||
         (number >= 0x2066 && number <= 0x2069);
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto plain = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    Character next = character(text);
    // A byte that is no UTF-8 is shown as the character of its number.
    if (next.length == 0) next = {1, static_cast<unsigned char>(text.front())};
    if (misleads(next.number) || next.length == 1) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", next.number);
    } else {
      out += text.substr(0, next.length);
    }
    text.remove_prefix(next.length);
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
  /// Names that a peer chose.
  void texts(std::string_view name, const std::vector<std::string>& values) {
    key(name);
    line_ += '[';
    for (const std::string& value : values) {
      if (line_.back() != '[') line_ += ',';
      append_json_text(line_, without_tokens(value));
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

void add_end(JsonLine& line, const http::Account& account, const AccessOutcome& outcome) {
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
  line.text("failure", account.failure);
  line.text("cause", account.cause);
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
  if (outcome.stage != AccessOutcome::Stage::stream_start) add_end(line, account, outcome);
  if (outcome.first_byte) line.time("first_byte", *outcome.first_byte);
  line.text("route", account.route);
  line.text("upstream", account.upstream);
  if (account.topic_count > 0) {
    line.texts("topics", account.topics);
    line.number("topic_count", account.topic_count);
  }
  line.text("subject", without_tokens(account.subject));
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
      request.client.empty() ? "-" : word(request.client), word(without_tokens(account.subject)),
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
      method(cut_text(request.method, kMostText)),
      target(without_tokens(request.path)),
      protocol(exchange.connection().protocol),
      is_tls(exchange.connection().is_tls),
      user_agent(field_of(request, "user-agent")),
      trace(http::trace_id(request).value_or(std::string_view())) {
  const http::Connection& from = exchange.connection();
  http::Forwarded forwarded = http::read_forwarded(request, from.peer, trusted);
  client = std::move(forwarded.client);
  scheme = std::move(forwarded.scheme);
  authority = cut_text(forwarded.host, kMostText);
  peer = from.via.empty() ? from.peer : from.via;
  if (!request.query.empty()) target += '?' + without_secrets(request.query);
  target = cut_text(target, kMostPath);
  if (const std::string* page = request.headers.find("referer")) {
    referer = cut_text(url_without_secrets(*page), kMostText);
  }
  if (trusted.contains(from.peer)) request_id = field_of(request, "x-request-id");
}

std::string access_line(AccessFormat format, WallTime at, const AccessRequest& request,
                        const http::Account& account, const AccessOutcome& outcome) {
  return format == AccessFormat::json ? json_line(at, request, account, outcome)
                                      : combined_line(at, request, account, outcome);
}

}  // namespace sluice::server
