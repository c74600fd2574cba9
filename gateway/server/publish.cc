#include "gateway/server/publish.h"

#include <charconv>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "gateway/http/answers.h"
#include "gateway/server/publish_batch.h"
#include "gateway/server/publish_form.h"
#include "gateway/server/publish_stream.h"

namespace sluice::server {
namespace {

/// What `content-length` says; 0 without it. A broken one never comes here.
std::uint64_t announced_length(const http::Request& request) {
  std::uint64_t length = 0;
  if (const std::string* field = request.headers.find("content-length")) {
    std::from_chars(field->data(), field->data() + field->size(), length);
  }
  return length;
}

bool has_type(const http::Request& request, std::string_view type) {
  const std::string* field = request.headers.find("content-type");
  return field != nullptr && http::accepts(*field, type);
}

/// `prefer: return=minimal` (RFC 7240 §4.2): a publisher that does not read while it writes.
bool wants_little(const http::Request& request) {
  const auto preferences = request.headers.joined("prefer");
  return preferences && http::accepts(*preferences, "return=minimal");
}

Denial denial_for(const Error& error) {
  return {error.code == Errc::limit ? 413 : 400, error.what, {}};
}

/// The only event of a request.
Result<std::vector<sse::Draft>> alone(Result<sse::Draft> draft) {
  if (!draft) return tl::unexpected(draft.error());
  std::vector<sse::Draft> drafts;
  drafts.push_back(std::move(*draft));
  return drafts;
}

}  // namespace

Rules Publish::rules() const {
  const Config& config = setting_.shared.config;
  return {.epoch = setting_.shared.journal.epoch(),
          .max_topics = config.access.max_topics,
          .max_topic_bytes = config.hub.selector_length,
          .max_event_bytes = config.access.max_event_bytes};
}

std::unique_ptr<http::Answer> Publish::open_hub(const http::Request& request,
                                                http::Exchange& exchange) {
  if (has_type(request, "text/event-stream")) return open_stream({}, request, exchange);
  if (has_type(request, "application/json")) {
    const auto read = [rules = rules(), max = setting_.shared.config.publish.max_batch](
                          const std::string& body) { return read_batch(body, rules, max); };
    return open_answer(read, /*is_batch=*/true, request, exchange);
  }
  if (has_type(request, "application/x-www-form-urlencoded")) {
    const auto read = [rules = rules()](const std::string& body) {
      return alone(
          read_form(body).and_then([&](Fields fields) { return rules.apply(std::move(fields)); }));
    };
    return open_answer(read, /*is_batch=*/false, request, exchange);
  }
  return reject({415,
                 "publish here with content-type: application/x-www-form-urlencoded, "
                 "application/json or text/event-stream",
                 {}},
                request, exchange);
}

std::unique_ptr<http::Answer> Publish::open_topic(std::string topic, const http::Request& request,
                                                  http::Exchange& exchange) {
  auto fields = read_query(request.query);
  if (!fields) return reject(denial_for(fields.error()), request, exchange);
  fields->topics.push_back(std::move(topic));
  // What is wrong with the head is told before the body is read.
  if (const auto good = rules().apply(*fields); !good) {
    return reject(denial_for(good.error()), request, exchange);
  }
  if (has_type(request, "text/event-stream")) {
    if (!fields->id.empty()) {
      return reject({400, "id: each event of a stream names its own", {}}, request, exchange);
    }
    return open_stream(std::move(*fields), request, exchange);
  }
  const auto read = [rules = rules(), fields = std::move(*fields)](std::string body) {
    Fields whole = fields;
    whole.data = std::move(body);
    return alone(rules.apply(std::move(whole)));
  };
  return open_answer(read, /*is_batch=*/false, request, exchange);
}

std::unique_ptr<http::Answer> Publish::open_answer(Read read, bool is_batch,
                                                   const http::Request& request,
                                                   http::Exchange& exchange) {
  auto publisher = admit_publisher(setting_.shared, request, exchange.connection());
  if (!publisher) return reject(publisher.error(), request, exchange);
  if (http::Account* const account = exchange.account()) account->set_subject(publisher->subject);
  if (setting_.shared.is_behind()) {
    return send_away(request, exchange, "deliveries are behind; try again in a second");
  }
  const std::size_t max_body = setting_.shared.config.access.max_body_bytes;
  if (announced_length(request) > max_body) {
    return reject({413, fmt::format("the body is larger than {}", format_size(max_body)), {}},
                  request, exchange);
  }
  http::Headers extra;
  setting_.shared.cors.add_fields(request, extra);
  return std::make_unique<PublishAnswer>(
      setting_,
      PublishAnswer::Job{.read = std::move(read),
                         .is_batch = is_batch,
                         .publisher = std::move(*publisher),
                         .challenge = setting_.shared.access.challenge(request, {}),
                         .extra = std::move(extra)},
      exchange);
}

std::unique_ptr<http::Answer> Publish::open_stream(Fields common, const http::Request& request,
                                                   http::Exchange& exchange) {
  auto publisher = admit_publisher(setting_.shared, request, exchange.connection());
  if (!publisher) return reject(publisher.error(), request, exchange);
  if (http::Account* const account = exchange.account()) account->set_subject(publisher->subject);
  if (setting_.shared.is_parking.load(std::memory_order_relaxed)) {
    return send_away(request, exchange, "the gateway is about to stop; try again in a second");
  }
  http::Headers extra;
  setting_.shared.cors.add_fields(request, extra);
  // HTTP/1.1: an answer within open() would take the place of the "100 Continue" that the client
  // may wait for.
  return std::make_unique<PublishStream>(
      setting_,
      PublishStream::Job{.common = std::move(common),
                         .rules = rules(),
                         .publisher = std::move(*publisher),
                         .extra = std::move(extra),
                         .wants_acks = !wants_little(request),
                         .begins_late = exchange.connection().protocol != "h2"},
      exchange);
}

std::unique_ptr<http::Answer> Publish::reject(const Denial& denial, const http::Request& request,
                                              http::Exchange& exchange) {
  setting_.counters.publish_rejected.add();
  http::Headers extra;
  setting_.shared.access.add_challenge(request, denial, extra);
  setting_.shared.cors.add_fields(request, extra);
  return http::problem(exchange, denial.status, denial.text, std::move(extra));
}

std::unique_ptr<http::Answer> Publish::send_away(const http::Request& request,
                                                 http::Exchange& exchange, std::string text) {
  setting_.counters.publish_busy.add();
  http::Headers extra{{"retry-after", "1"}};
  setting_.shared.cors.add_fields(request, extra);
  return http::problem(exchange, 503, std::move(text), std::move(extra));
}

}  // namespace sluice::server
