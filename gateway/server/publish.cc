#include "gateway/server/publish.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/utf8.h"
#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/hub/selector.h"
#include "gateway/server/subscribe.h"
#include "gateway/sse/encoder.h"
#include "gateway/sse/event_id.h"

namespace sluice::server {
namespace {

constexpr std::size_t kMaxFields = 2000;
constexpr std::size_t kMaxId = 256;
constexpr std::size_t kMaxType = 256;
constexpr std::chrono::milliseconds kLongestRetry{3'600'000};

Result<std::chrono::milliseconds> parse_retry(std::string_view text) {
  std::chrono::milliseconds::rep ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || ms < 0) {
    return fail(Errc::invalid, "retry must be a number of milliseconds, in digits only");
  }
  return std::min(std::chrono::milliseconds(ms), kLongestRetry);
}

Result<void> check_id(std::string_view id, std::string_view epoch) {
  const auto ours = sse::parse_id(id);
  if (ours && ours->epoch == epoch) {
    return fail(Errc::invalid,
                "id must not be one of the gateway's own: it would be taken for that");
  }
  if (id == "earliest") return fail(Errc::invalid, "id must not be \"earliest\": that is a cursor");
  if (!id.empty() && id.front() == '#') return fail(Errc::invalid, "id must not begin with '#'");
  return sse::check_text("id", id, kMaxId);
}

/// The fields that the form has, and the query of the path form.
Result<void> read_fields(const http::Form& form, std::string_view epoch, sse::Draft& draft) {
  if (const std::string* id = http::first(form, "id")) draft.id = *id;
  if (const std::string* type = http::first(form, "type")) draft.type = *type;
  draft.is_private = http::first(form, "private") != nullptr;
  if (auto good = check_id(draft.id, epoch); !good) return good;
  if (auto good = sse::check_text("type", draft.type, kMaxType); !good) return good;
  if (draft.type == "mercure" || draft.type == "gap") {
    return fail(Errc::invalid,
                fmt::format("type must not be \"{}\": it has a meaning of its own", draft.type));
  }
  if (const std::string* retry = http::first(form, "retry")) {
    auto parsed = parse_retry(*retry);
    if (!parsed) return tl::unexpected(parsed.error());
    draft.retry = *parsed;
  }
  return {};
}

Result<void> check_topics(const std::vector<std::string>& topics, std::size_t max,
                          std::size_t length) {
  if (topics.empty()) return fail(Errc::invalid, "topic is missing: name at least one");
  if (topics.size() > max) {
    return fail(Errc::invalid,
                fmt::format("{} topics for one event; at most {} are allowed", topics.size(), max));
  }
  for (const std::string& topic : topics) {
    if (topic.empty()) return fail(Errc::invalid, "topic is empty");
    if (topic == "*") return fail(Errc::invalid, "topic \"*\" cannot be published to");
    if (auto good = sse::check_text("topic", topic, length); !good) return good;
  }
  return {};
}

/// What `content-length` says; 0 without it. A broken one never comes here.
std::uint64_t announced_length(const http::Request& request) {
  std::uint64_t length = 0;
  if (const std::string* field = request.headers.find("content-length")) {
    std::from_chars(field->data(), field->data() + field->size(), length);
  }
  return length;
}

std::vector<hub::Selector> compile(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

/// Collects one request's body, hands the event to the journal and answers with its id.
class PublishAnswer final : public http::Answer {
 public:
  PublishAnswer(Publish& owner, Publish::Read read, std::vector<std::string> grants,
                http::Headers extra, http::Exchange& exchange)
      : owner_(owner),
        read_(std::move(read)),
        grants_(std::move(grants)),
        extra_(std::move(extra)),
        exchange_(exchange) {}

  void on_body(std::string_view bytes) override {
    exchange_.consume(bytes.size());
    if (has_responded_) return;
    if (body_.size() + bytes.size() > owner_.shared_.config.access.max_body_bytes) {
      reject(413, fmt::format("the body is larger than {}",
                              format_size(owner_.shared_.config.access.max_body_bytes)));
      return;
    }
    body_ += bytes;
  }

  void on_body_end() override {
    if (has_responded_) return;
    auto draft = read_(std::move(body_));
    if (!draft) {
      reject(draft.error().code == Errc::limit ? 413 : 400, draft.error().what);
      return;
    }
    if (!hub::matches_all(compile(grants_), draft->topics)) {
      reject(403, "the token does not allow publishing to every one of these topics");
      return;
    }
    data_bytes_ = draft->data.size();
    std::vector<sse::Draft> drafts;
    drafts.push_back(std::move(*draft));
    owner_.shared_.journal.append(std::move(drafts),
                                  [post = owner_.post_, alive = std::weak_ptr(alive_)](auto made) {
                                    post([alive, made = std::move(made)] {
                                      if (const auto answer = alive.lock())
                                        (*answer)->on_appended(made);
                                    });
                                  });
  }

  Ready ready(std::size_t max) override {
    const std::size_t left = reply_.size() - taken_;
    return {std::min(left, max), has_responded_ && left <= max};
  }

  void take(std::span<std::byte> out) override {
    std::memcpy(out.data(), reply_.data() + taken_, out.size());
    taken_ += out.size();
  }

 private:
  void on_appended(const Result<std::vector<journal::Receipt>>& receipts) {
    if (!receipts) {
      respond(503, "the event could not be kept: " + receipts.error().what + "\n");
      return;
    }
    owner_.counters_.published.add();
    owner_.counters_.publish_bytes.add(data_bytes_);
    respond(200, receipts->front().id);
  }

  void reject(int status, std::string text) {
    owner_.counters_.publish_rejected.add();
    respond(status, std::move(text) + "\n");
  }

  void respond(int status, std::string text) {
    has_responded_ = true;
    body_ = {};
    reply_ = std::move(text);
    http::Response head{status, std::move(extra_)};
    head.headers.add("content-type", "text/plain; charset=utf-8");
    exchange_.respond(std::move(head), http::Kind::finite, reply_.size());
    exchange_.wake();
  }

  Publish& owner_;
  const Publish::Read read_;
  const std::vector<std::string> grants_;
  http::Headers extra_;
  http::Exchange& exchange_;
  const std::shared_ptr<PublishAnswer*> alive_ = std::make_shared<PublishAnswer*>(this);
  std::string body_;
  std::string reply_;
  std::size_t taken_ = 0;
  std::size_t data_bytes_ = 0;
  bool has_responded_ = false;
};

Publish::Publish(Shared& shared, Counters& counters, Post post)
    : shared_(shared), counters_(counters), post_(std::move(post)) {}

std::unique_ptr<http::Answer> Publish::open_mercure(const http::Request& request,
                                                    http::Exchange& exchange) {
  const std::string* type = request.headers.find("content-type");
  if (type == nullptr || !http::accepts(*type, "application/x-www-form-urlencoded")) {
    return reject(415, "publish here with content-type: application/x-www-form-urlencoded", request,
                  exchange);
  }
  const Config& config = shared_.config;
  const auto read =
      [&config, &epoch = shared_.journal.epoch()](const std::string& body) -> Result<sse::Draft> {
    auto form = http::parse_form(body, kMaxFields);
    if (!form) return tl::unexpected(form.error());
    sse::Draft draft;
    for (const std::string_view topic : http::all(*form, "topic")) draft.topics.emplace_back(topic);
    if (const std::string* data = http::first(*form, "data")) draft.data = *data;
    auto good = check_topics(draft.topics, config.access.max_topics, config.hub.selector_length)
                    .and_then([&] { return read_fields(*form, epoch, draft); });
    if (!good) return tl::unexpected(good.error());
    return draft;
  };
  return open(read, request, exchange);
}

std::unique_ptr<http::Answer> Publish::open_topic(std::string topic, const http::Request& request,
                                                  http::Exchange& exchange) {
  const std::string* type = request.headers.find("content-type");
  if (type != nullptr && http::accepts(*type, "text/event-stream")) {
    return reject(415, "one request publishes one event here: its data is the body", request,
                  exchange);
  }
  auto query = http::parse_form(request.query, kMaxFields);
  if (!query) return reject(400, "the query: " + query.error().what, request, exchange);
  sse::Draft draft;
  draft.topics.push_back(std::move(topic));
  const Config& config = shared_.config;
  auto good = check_topics(draft.topics, config.access.max_topics, config.hub.selector_length)
                  .and_then([&] { return read_fields(*query, shared_.journal.epoch(), draft); });
  if (!good) return reject(400, good.error().what, request, exchange);
  return open(
      [draft](std::string body) -> Result<sse::Draft> {
        sse::Draft whole = draft;
        whole.data = std::move(body);
        return whole;
      },
      request, exchange);
}

std::unique_ptr<http::Answer> Publish::open(Read read, const http::Request& request,
                                            http::Exchange& exchange) {
  const auto query = http::parse_form(request.query, kMaxFields);
  if (!query) return reject(400, "the query: " + query.error().what, request, exchange);
  const auto bearer = shared_.access.publisher(request, *query);
  if (!bearer) return reject(bearer.error().status, bearer.error().text, request, exchange);
  if (shared_.is_behind()) {
    counters_.publish_busy.add();
    http::Headers extra{{"retry-after", "1"}};
    shared_.cors.add_fields(request, extra);
    return http::problem(exchange, 503, "deliveries are behind; try again in a second",
                         std::move(extra));
  }
  const std::size_t max_body = shared_.config.access.max_body_bytes;
  if (announced_length(request) > max_body) {
    return reject(413, fmt::format("the body is larger than {}", format_size(max_body)), request,
                  exchange);
  }
  // The size of the data is checked here, for both forms of publishing alike.
  auto checked = [read = std::move(read), max = shared_.config.access.max_event_bytes](
                     std::string body) -> Result<sse::Draft> {
    auto draft = read(std::move(body));
    if (draft && draft->data.size() > max) {
      return fail(Errc::limit, fmt::format("the data is {} bytes long; at most {} are allowed",
                                           draft->data.size(), max));
    }
    if (draft && !is_utf8(draft->data)) return fail(Errc::invalid, "the data is not UTF-8");
    return draft;
  };
  http::Headers extra;
  shared_.cors.add_fields(request, extra);
  return std::make_unique<PublishAnswer>(*this, std::move(checked),
                                         auth::selector_texts(bearer->grants.publish),
                                         std::move(extra), exchange);
}

std::unique_ptr<http::Answer> Publish::reject(int status, std::string text,
                                              const http::Request& request,
                                              http::Exchange& exchange) {
  counters_.publish_rejected.add();
  http::Headers extra;
  if (status == 401) extra.add("www-authenticate", "Bearer");
  shared_.cors.add_fields(request, extra);
  return http::problem(exchange, status, std::move(text), std::move(extra));
}

}  // namespace sluice::server
