#include "gateway/server/publish_answer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::server {
namespace {

std::string ids_json(const std::vector<journal::Receipt>& receipts) {
  nlohmann::json answer{{"ids", nlohmann::json::array()}};
  for (const journal::Receipt& receipt : receipts) answer["ids"].push_back(receipt.id);
  return answer.dump() + "\n";
}

}  // namespace

void PublishAnswer::on_body(std::string_view bytes) {
  exchange_.consume(bytes.size());
  if (has_responded_) return;
  const std::size_t max = setting_.shared.config.access.max_body_bytes;
  if (body_.size() + bytes.size() > max) {
    reject(413, fmt::format("the body is larger than {}", format_size(max)));
    return;
  }
  if (!room_.add(bytes.size())) {
    setting_.counters.refused_bodies.add();
    try_later(503, std::chrono::seconds(5), "too many requests are under way");
    return;
  }
  body_ += bytes;
}

void PublishAnswer::on_body_end() {
  if (has_responded_) return;
  // A body may take its time: the token was good when the head came.
  if (const auto why = job_.publisher.objection(setting_.shared, setting_.loop.now());
      !why.empty()) {
    reject(401, std::string(why));
    return;
  }
  auto drafts = job_.read(std::move(body_));
  if (!drafts) {
    reject(drafts.error().code == Errc::limit ? 413 : 400, drafts.error().what);
    return;
  }
  for (std::size_t i = 0; i < drafts->size(); ++i) {
    sse::Draft& draft = (*drafts)[i];
    if (!job_.publisher.may_publish_to(draft.topics)) {
      const std::string which = drafts->size() > 1 ? fmt::format("event {}: ", i + 1) : "";
      reject(403, which + "the token does not allow publishing to every one of these topics");
      return;
    }
    if (http::Account* const account = exchange_.account()) {
      for (const std::string& topic : draft.topics) account->add_topic(topic);
    }
    job_.publisher.make_unique(draft, i);
    data_bytes_ += draft.data.size();
  }
  const Duration wait =
      setting_.shared.rates.take(job_.publisher.name, drafts->size(), setting_.loop.now());
  if (wait > Duration(0)) {
    setting_.counters.publish_limited.add();
    try_later(429, wait, "this token publishes too fast");
    return;
  }
  publish(std::move(*drafts));
}

void PublishAnswer::publish(std::vector<sse::Draft> drafts) {
  setting_.shared.journal.append(std::move(drafts),
                                 [post = setting_.post, alive = std::weak_ptr(alive_)](auto made) {
                                   post([alive, made = std::move(made)] {
                                     if (const auto answer = alive.lock())
                                       (*answer)->on_appended(made);
                                   });
                                 });
}

void PublishAnswer::on_appended(const Result<std::vector<journal::Receipt>>& receipts) {
  if (!receipts) {
    setting_.counters.publish_busy.add();
    const bool is_known = receipts.error().code != Errc::expired;
    try_later(503, std::chrono::seconds(1),
              (is_known ? "nothing was kept: " : "") + receipts.error().what);
    return;
  }
  count(*receipts);
  const auto is_repeat = [](const journal::Receipt& receipt) { return receipt.is_repeat; };
  if (std::all_of(receipts->begin(), receipts->end(), is_repeat)) {
    job_.extra.add("idempotent-replayed", "true");
  }
  if (job_.is_batch) {
    respond(200, ids_json(*receipts), "application/json");
  } else {
    respond(200, receipts->front().id);
  }
}

void PublishAnswer::count(const std::vector<journal::Receipt>& receipts) {
  Counters& counters = setting_.counters;
  counters.published.add();
  counters.publish_bytes.add(data_bytes_);
  for (const journal::Receipt& receipt : receipts) {
    if (receipt.is_repeat) {
      counters.publish_repeats.add();
    } else {
      (job_.is_batch ? counters.batch_events : counters.single_events).add();
    }
  }
}

void PublishAnswer::reject(int status, std::string text) {
  setting_.counters.publish_rejected.add();
  if (status == 401 || status == 403) {
    const std::string_view error = status == 401 ? "invalid_token" : "insufficient_scope";
    job_.extra.add("www-authenticate", with_error(std::move(job_.challenge), error));
  }
  respond(status, std::move(text) + "\n");
}

void PublishAnswer::try_later(int status, Duration after, std::string text) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(after).count();
  job_.extra.add("retry-after", std::to_string(seconds));
  respond(status, fmt::format("{}; try again in {} s\n", text, seconds));
}

void PublishAnswer::respond(int status, std::string text, std::string type) {
  has_responded_ = true;
  body_ = {};
  room_.clear();
  reply_ = std::move(text);
  http::Response head{status, std::move(job_.extra)};
  head.headers.add("content-type", std::move(type));
  exchange_.respond(std::move(head), http::Kind::finite, reply_.size());
  exchange_.wake();
}

http::Answer::Ready PublishAnswer::ready(std::size_t max) {
  const std::size_t left = reply_.size() - taken_;
  return {std::min(left, max), has_responded_ && left <= max};
}

void PublishAnswer::take(std::span<std::byte> out) {
  std::memcpy(out.data(), reply_.data() + taken_, out.size());
  taken_ += out.size();
}

}  // namespace sluice::server
