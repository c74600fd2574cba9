#include "gateway/server/live_feed.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/http/answers.h"
#include "gateway/server/event_stream.h"
#include "gateway/sse/encoder.h"

namespace sluice::server {

/// One dashboard: a place in a snapshot; those that it has still to get of what was are pointers.
class LiveFeed::Viewer final : public http::Answer, public ListHook<ViewerTag> {
 public:
  Viewer(LiveFeed& feed, http::Exchange& exchange)
      : feed_(feed),
        exchange_(exchange),
        past_(feed.kept_.rbegin(), feed.kept_.rend()),
        text_(std::make_shared<const std::string>(std::string(sse::kHeartbeat) +
                                                  sse::retry_line(kRetry))) {
    if (!past_.empty() && past_.front() == feed.newest_) past_.erase(past_.begin());
    exchange.respond(event_stream_head(), http::Kind::event_stream);
    feed_.viewers_.push_back(*this);
    feed_.counters_.viewers.add();
  }
  ~Viewer() override { feed_.counters_.viewers.sub(); }

  void wake() { exchange_.wake(); }

  void on_body(std::string_view bytes) override { exchange_.consume(bytes.size()); }
  void on_body_end() override {}

  Ready ready(std::size_t max) override {
    if (taken_ == text_->size()) go_on();
    const std::size_t rest = text_->size() - taken_;
    const bool is_newest = number_ == feed_.number_;
    return {.bytes = std::min(rest, max),
            .last = feed_.has_ended_ && is_newest && rest <= max,
            .is_all = is_newest && rest <= max};
  }

  void take(std::span<std::byte> out) override {
    SLUICE_ASSERT(out.size() <= text_->size() - taken_, "more was taken of a snapshot than it has");
    std::memcpy(out.data(), text_->data() + taken_, out.size());
    taken_ += out.size();
  }

 private:
  void go_on() {
    if (!past_.empty()) {
      text_ = std::move(past_.back());
      past_.pop_back();
    } else if (number_ != feed_.number_) {
      text_ = feed_.newest_;
      number_ = feed_.number_;
    } else {
      return;
    }
    taken_ = 0;
  }

  LiveFeed& feed_;
  http::Exchange& exchange_;
  std::vector<Text> past_;    ///< The newest first.
  Text text_;                 ///< What it is in the middle of.
  std::size_t taken_ = 0;     ///< Of it.
  std::uint64_t number_ = 0;  ///< Of the snapshot in it; 0: of none, or of what was.
};

LiveFeed::LiveFeed(net::Loop& loop, const Options& options, std::function<std::string()> snapshot)
    : loop_(loop),
      options_(options),
      snapshot_(std::move(snapshot)),
      timer_(loop, [this] { tick(); }) {}

std::unique_ptr<http::Answer> LiveFeed::open(const http::Request& request,
                                             http::Exchange& exchange) {
  if (request.method == "HEAD") return http::reply(exchange, event_stream_head(), {}, true);
  const auto viewers = static_cast<std::size_t>(counters_.viewers.value());
  if (viewers >= options_.viewers) {
    counters_.refused.add();
    return http::reply(exchange, event_stream_head(),
                       sse::encode({.id = {},
                                    .type = "full",
                                    .data = fmt::format("{} dashboards are open, which is "
                                                        "admin.viewers; close one",
                                                        options_.viewers),
                                    .retry = kFullRetry}));
  }
  // Whoever comes and goes, or many at once, make no more of them than the timer would.
  if (!has_ended_ && (newest_ == nullptr || loop_.now() - made_at_ >= kInterval)) make();
  return std::make_unique<Viewer>(*this, exchange);
}

void LiveFeed::tick() {
  const bool is_kept = ticks_++ % kKeepEvery == 0;
  if (viewers_.empty() && !is_kept) return;
  make();
  if (is_kept) kept_.push_back(newest_);
  if (kept_.size() > kKept) kept_.pop_front();
  wake_all();
}

void LiveFeed::wake_all() {
  viewers_.for_each([](Viewer& viewer) { viewer.wake(); });
}

void LiveFeed::make() {
  publish(sse::encode({.id = {}, .type = {}, .data = snapshot_(), .retry = {}}));
  made_at_ = loop_.now();
}

void LiveFeed::publish(std::string event) {
  newest_ = std::make_shared<const std::string>(std::move(event));
  ++number_;
}

void LiveFeed::end() {
  if (std::exchange(has_ended_, true)) return;
  timer_.stop();
  publish(sse::encode({.id = {}, .type = "end", .data = "the gateway has ended", .retry = kRetry}));
  wake_all();
}

}  // namespace sluice::server
