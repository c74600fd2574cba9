#include "bench/crowd/feed.h"

#include <algorithm>

#include "bench/load/event_scanner.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kPiece = 65'536;  ///< Of the stream's body.

}  // namespace

Feed::Feed(const Poller& poller, ssl_ctx_st* tls, const H2Poster::Target& target, const Plan& plan)
    : plan_(plan),
      sequences_(plan.topics),
      publisher_(poller, tls, target, [this](std::string& body) { return fill(body); }) {}

void Feed::set_rate(double events_per_second) {
  interval_ns_ = events_per_second > 0 ? 1e9 / events_per_second : 0;
  next_ns_ = static_cast<double>(now_ns());
}

void Feed::publish(std::uint64_t events) {
  asked_ += events;
}

void Feed::finish() {
  set_rate(0);
  is_finishing_ = true;
}

std::uint64_t Feed::due_ns() const {
  if (asked_ > 0) return 0;
  if (interval_ns_ == 0 || !has_room()) return UINT64_MAX;
  return std::max(static_cast<std::uint64_t>(next_ns_), sent_ns_ + plan_.pause_ns);
}

bool Feed::has_room() const {
  return plan_.in_flight == 0 || published_ < delivered_ + plan_.in_flight;
}

void Feed::proceed(std::uint64_t delivered) {
  delivered_ = delivered;
  publisher_.proceed();
}

void Feed::append(std::string& body, std::uint64_t now) {
  const auto topic = published_ % plan_.topics;
  append_event(body, "bench/" + std::to_string(plan_.first_topic + topic),
               {++sequences_[topic], now, 0}, plan_.size);
  published_ += 1;
}

H2Poster::Fill Feed::fill(std::string& body) {
  if (is_finishing_) return H2Poster::Fill::end;
  const auto now = now_ns();
  if (now < due_ns()) return H2Poster::Fill::later;
  for (; asked_ > 0 && body.size() < kPiece; --asked_) append(body, now);
  while (interval_ns_ > 0 && next_ns_ <= static_cast<double>(now) && has_room() &&
         body.size() < kPiece) {
    append(body, static_cast<std::uint64_t>(next_ns_));  // When it was due, if late.
    next_ns_ += interval_ns_;
  }
  // What is due and did not fit into this piece goes with the next.
  if (next_ns_ > static_cast<double>(now) || !has_room()) sent_ns_ = now;
  return body.empty() ? H2Poster::Fill::later : H2Poster::Fill::more;
}

}  // namespace sluice::bench
