#include "gateway/server/client_wire.h"

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/http/uri.h"

namespace sluice::server {
namespace {

constexpr std::string_view kMercure = "/.well-known/mercure";
constexpr std::string_view kEvents = "/events/";

/// Fields of a query or a form, growing.
class Fields {
 public:
  explicit Fields(std::string text = "") : text_(std::move(text)) {}
  void add(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += '&';
    text_ += fmt::format("{}={}", name, http::percent_encode(value));
  }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string target_of(std::string_view path, std::string_view query) {
  return query.empty() ? std::string(path) : fmt::format("{}?{}", path, query);
}

bool is_base(const Url& url) {
  return url.path == "/";
}
bool is_mercure(const Url& url) {
  return is_base(url) || url.path.ends_with(kMercure);
}
bool is_topic(const Url& url) {
  return url.path.starts_with(kEvents) && url.path.size() > kEvents.size();
}

tl::unexpected<Error> topic_twice() {
  return fail(Errc::invalid, "the URL names the topic already; leave --topic out");
}
tl::unexpected<Error> no_hub() {
  return fail(Errc::invalid,
              "the URL to publish to is a hub's, as https://localhost:8443, or "
              "ends in /.well-known/mercure or /events/TOPIC");
}
tl::unexpected<Error> no_topic() {
  return fail(Errc::invalid, "give a --topic, or a URL that ends in /events/TOPIC");
}

void add_fields(const PublishCommand& command, Fields& fields) {
  if (!command.id.empty()) fields.add("id", command.id);
  if (!command.type.empty()) fields.add("type", command.type);
  if (command.retry) fields.add("retry", std::to_string(*command.retry));
  if (command.is_private) fields.add("private", "on");
  if (!command.key.empty()) fields.add("key", command.key);
  if (!command.ttl.empty()) fields.add("ttl", command.ttl);
}

Result<std::uint16_t> parse_port(std::string_view text, std::string_view url) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
    return fail(Errc::invalid, fmt::format("{}: \"{}\" is not a port", url, text));
  }
  return port;
}

/// "host", "host:port", "[::1]", "[::1]:port".
Result<void> read_authority(std::string_view text, std::string_view whole, Url& url) {
  const bool is_bracketed = text.starts_with('[');
  const std::size_t end = is_bracketed ? text.find(']') : text.find(':');
  url.host = text.substr(is_bracketed ? 1 : 0, is_bracketed ? end - 1 : end);
  const std::string_view rest =
      end == text.npos ? std::string_view() : text.substr(end + (is_bracketed ? 1 : 0));
  const bool is_broken = (is_bracketed && end == text.npos) || text.find('@') != text.npos ||
                         (!rest.empty() && rest.front() != ':');
  if (url.host.empty() || is_broken) {
    return fail(Errc::invalid, fmt::format("{}: \"{}\" is not a host", whole, text));
  }
  if (rest.empty()) {
    url.port = url.is_tls ? 443 : 80;
    return {};
  }
  return parse_port(rest.substr(1), whole).map([&](std::uint16_t port) { url.port = port; });
}

/// A line of a block; no blank after the colon that the reader would have to drop.
void append_lines(std::string& block, std::string_view data) {
  for (;;) {
    const std::size_t end = data.find('\n');
    block += fmt::format("data: {}\n", data.substr(0, end));
    if (end == data.npos) return;
    data.remove_prefix(end + 1);
  }
}

}  // namespace

bool Url::is_local() const {
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         host.starts_with("127.");
}

std::string Url::authority() const {
  const bool is_v6 = host.find(':') != host.npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  url.is_tls = text.starts_with("https://");
  if (!url.is_tls && !text.starts_with("http://")) {
    return fail(Errc::invalid,
                fmt::format("\"{}\" is not a URL, as in https://localhost:8443", text));
  }
  std::string_view rest = text.substr(text.find("//") + 2);
  for (const char c : rest) {
    const bool is_plain = c > ' ' && c < 0x7f && c != '\\';
    if (!is_plain) return fail(Errc::invalid, fmt::format("\"{}\": escape it with %", text));
  }
  rest = rest.substr(0, rest.find('#'));
  const std::size_t path = rest.find_first_of("/?");
  if (auto read = read_authority(rest.substr(0, path), text, url); !read) {
    return tl::unexpected(read.error());
  }
  rest = path == rest.npos ? std::string_view() : rest.substr(path);
  const std::size_t query = rest.find('?');
  url.path = rest.substr(0, query);
  if (url.path.empty()) url.path = "/";
  if (query != rest.npos) url.query = rest.substr(query + 1);
  return url;
}

Result<Post> make_post(const Url& url, const PublishCommand& command, std::string data) {
  if (is_topic(url)) {
    if (!command.topics.empty()) return topic_twice();
    Fields query(url.query);
    add_fields(command, query);
    return Post{.target = target_of(url.path, std::move(query).text()),
                .content_type = "text/plain; charset=utf-8",
                .body = std::move(data)};
  }
  if (!is_mercure(url)) return no_hub();
  if (command.topics.empty()) return no_topic();
  Fields form;
  for (const std::string& topic : command.topics) form.add("topic", topic);
  form.add("data", data);
  add_fields(command, form);
  return Post{.target = target_of(is_base(url) ? kMercure : url.path, url.query),
              .content_type = "application/x-www-form-urlencoded",
              .body = std::move(form).text()};
}

Result<std::string> make_stream(const Url& url, const PublishCommand& command) {
  if (is_topic(url) && !command.topics.empty()) return topic_twice();
  if (!is_topic(url) && !is_mercure(url)) return no_hub();
  if (command.topics.size() > 1) {
    return fail(Errc::invalid, "one --topic for a stream; its events may name others themselves");
  }
  Fields query(url.query);
  add_fields(command, query);
  std::string fields = std::move(query).text();
  if (is_topic(url)) return target_of(url.path, fields);
  if (!command.topics.empty()) {
    const std::string_view hub = url.path;
    const std::string_view prefix = is_base(url) ? "" : hub.substr(0, hub.size() - kMercure.size());
    return target_of(
        fmt::format("{}{}{}", prefix, kEvents, http::percent_encode(command.topics.front())),
        fields);
  }
  if (fields != url.query) {
    return fail(Errc::invalid, "give the stream a --topic, or each event its fields in the stream");
  }
  return target_of(is_base(url) ? kMercure : url.path, fields);
}

Result<Post> make_batch(const Url& url, const PublishCommand& command, std::string json) {
  if (is_topic(url) || !is_mercure(url)) return no_hub();
  Fields fields;
  add_fields(command, fields);
  if (!command.topics.empty() || !std::move(fields).text().empty()) {
    return fail(Errc::invalid, "the events of a batch have their fields in the file");
  }
  return Post{.target = target_of(is_base(url) ? kMercure : url.path, url.query),
              .content_type = "application/json",
              .body = std::move(json)};
}

Result<std::string> make_subscription(const Url& url, const SubscribeCommand& command) {
  if (is_topic(url) && !command.topics.empty()) return topic_twice();
  // A hub's own URL may bring its topics along in the query.
  if (is_mercure(url) && command.topics.empty() && url.query.empty()) return no_topic();
  Fields query(url.query);
  for (const std::string& topic : command.topics) query.add("topic", topic);
  return target_of(is_base(url) ? kMercure : url.path, std::move(query).text());
}

std::string printed_ids(const std::string& answer, bool is_batch) {
  if (!is_batch) return answer + "\n";
  const auto json = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("ids") || !json["ids"].is_array()) return answer;
  std::string lines;
  for (const auto& id : json["ids"]) lines += id.is_string() ? id.get<std::string>() + "\n" : "";
  return lines;
}

std::string printed(const sse::Message& message, bool json) {
  if (json) {
    const nlohmann::ordered_json line{{"id", message.id},
                                      {"type", message.type.empty() ? "message" : message.type},
                                      {"data", message.data}};
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  std::string block;
  if (!message.id.empty()) block += fmt::format("id: {}\n", message.id);
  if (!message.type.empty()) block += fmt::format("event: {}\n", message.type);
  append_lines(block, message.data);
  return block + "\n";
}

}  // namespace sluice::server
