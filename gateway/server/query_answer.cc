/// QUERY (RFC 10008): a subscription whose fields are in the request's body.

#include <algorithm>
#include <utility>

#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/server/subscribe.h"

namespace sluice::server {

namespace {
constexpr std::size_t kMaxQueryBody = 1_MiB;
}  // namespace

/// Collects the body, then hands over to the answer that it leads to.
class QueryAnswer final : public http::Answer {
 public:
  QueryAnswer(Subscribe& owner, http::Request request, http::Exchange& exchange)
      : owner_(owner),
        request_(std::move(request)),
        exchange_(exchange),
        room_(owner.shared_.bodies, BodyRoom::Lease::Others::publishers) {}

  /// Its head is held until its body is complete.
  [[nodiscard]] bool has_room() {
    std::size_t bytes = request_.path.size() + request_.query.size();
    for (const http::Field& field : request_.headers)
      bytes += field.name.size() + field.value.size();
    return room_.add(bytes);
  }

  void on_body(std::string_view bytes) override {
    if (answer_ != nullptr) {
      answer_->on_body(bytes);
      return;
    }
    exchange_.consume(bytes.size());
    if (body_.size() + bytes.size() > kMaxQueryBody) {
      refuse(413, "the body of a QUERY may have 1 MiB");
    } else if (owner_.shared_.is_short_of_memory(MemoryLevel::park)) {
      owner_.setting_.counters.refused_memory.add();
      refuse(503, "this gateway is short of memory; try again in 5 s", {{"retry-after", "5"}});
    } else if (room_.add(bytes.size())) {
      body_ += bytes;
    } else {
      refuse_for_others();
    }
  }

  /// Others have taken all the room for bodies.
  void refuse_for_others() {
    owner_.setting_.counters.refused_bodies.add();
    refuse(503, "too many requests are under way; try again in 5 s", {{"retry-after", "5"}});
  }

  void on_body_end() override {
    if (answer_ == nullptr) answer_ = open();
    // The stream may live for days; what it was asked for by is not needed any more.
    let_go();
    answer_->on_body_end();
    exchange_.wake();
  }

  Ready ready(std::size_t max) override {
    return answer_ == nullptr ? Ready{} : answer_->ready(max);
  }
  void take(std::span<std::byte> out) override { answer_->take(out); }
  void end_in_order() override {
    if (answer_ != nullptr) answer_->end_in_order();
  }
  [[nodiscard]] http::Progress progress() const override {
    return answer_ == nullptr ? http::Progress{} : answer_->progress();
  }

 private:
  void refuse(int status, std::string text, http::Headers extra = {}) {
    owner_.shared_.cors.add_fields(request_, extra);
    let_go();
    answer_ = http::problem(exchange_, status, std::move(text), std::move(extra));
  }

  void let_go() {
    body_ = {};
    request_ = {};
    room_.clear();
  }

  /// What is in both the query and the body counts as the query says: it stands first.
  std::unique_ptr<http::Answer> open() {
    auto fields = http::parse_form(request_.query, kMaxQueryFields);
    if (!fields) return owner_.reject("the query: " + fields.error().what, request_, exchange_);
    const auto body = http::parse_form(body_, kMaxQueryFields);
    if (!body) return owner_.reject("the body: " + body.error().what, request_, exchange_);
    fields->insert(fields->end(), body->begin(), body->end());
    return owner_.open_fields(*fields, request_, exchange_);
  }

  Subscribe& owner_;
  http::Request request_;
  http::Exchange& exchange_;
  std::string body_;
  BodyRoom::Lease room_;
  std::unique_ptr<http::Answer> answer_;
};

std::unique_ptr<http::Answer> Subscribe::open_query(const http::Request& request,
                                                    http::Exchange& exchange) {
  const std::string* type = request.headers.find("content-type");
  if (type == nullptr || !http::accepts(*type, "application/x-www-form-urlencoded")) {
    return deny({.status = 415,
                 .text = "QUERY takes content-type: application/x-www-form-urlencoded",
                 .error = "invalid_request"},
                request, exchange);
  }
  auto answer = std::make_unique<QueryAnswer>(*this, request, exchange);
  if (!answer->has_room()) answer->refuse_for_others();
  return answer;
}

}  // namespace sluice::server
