/// The session's part that time demands: limits, signs of life, age.

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "gateway/h2/handles.h"
#include "gateway/h2/session.h"

namespace sluice::h2 {
namespace {

/// What a client may still have had on its way when an idle connection is given up.
constexpr Duration kGoawayGrace = std::chrono::seconds(1);

}  // namespace

TimePoint Session::check(TimePoint now) {
  if (is_dead_) return TimePoint::max();
  const Options& o = shared_.options;
  // What a peer may begin at any moment must be found within its own limit.
  TimePoint next =
      now + std::min({o.headers_timeout, o.body_timeout, o.stalled_stream, o.ping_after});
  if (!is_ending_) {
    next = std::min(next, check_handshake(now));
    next = std::min(next, check_liveness(now));
    next = std::min(next, check_idle(now));
    next = std::min(next, check_age(now));
    next = std::min(next, check_streams(now));
  }
  sweep();
  return std::max(next, now);
}

TimePoint Session::check_handshake(TimePoint now) {
  const Options& o = shared_.options;
  TimePoint next = TimePoint::max();
  const auto expect = [&](bool is_done, Duration limit) {
    if (is_done) return true;
    next = std::min(next, created_ + limit);
    return now < created_ + limit;
  };
  if (!expect(progress_.settings_seen, o.settings_timeout) ||
      !expect(progress_.settings_acked, o.settings_ack_timeout)) {
    shared_.counters.settings_timeouts.add();
    terminate(NGHTTP2_SETTINGS_TIMEOUT);
    return now;
  }
  if (progress_.header_block != std::exchange(header_block_seen_, progress_.header_block)) {
    header_block_since_ = now;
  }
  if (progress_.header_block != 0) {
    if (now - header_block_since_ >= o.headers_timeout) {
      shared_.counters.headers_timeouts.add();
      terminate(NGHTTP2_ENHANCE_YOUR_CALM);
      return now;
    }
    next = std::min(next, header_block_since_ + o.headers_timeout);
  }
  return next;
}

TimePoint Session::check_liveness(TimePoint now) {
  const Options& o = shared_.options;
  if (std::exchange(progress_.fed, false)) {
    silent_since_ = now;
    progress_.ping_waits = false;
  }
  if (!progress_.ping_waits) {
    if (now - silent_since_ < o.ping_after) return silent_since_ + o.ping_after;
    progress_.ping_waits = true;
    progress_.ping_left = false;
    ping_since_ = now;
    nghttp2_submit_ping(native_.get(), NGHTTP2_FLAG_NONE, nullptr);
    shared_.counters.pings.add();
    shared_.transport.flush_later();
  }
  // A socket that takes nothing is the transport's business, and has its own limit.
  if (!progress_.ping_left) ping_since_ = now;
  if (now - ping_since_ >= o.ping_timeout) {
    shared_.counters.ping_timeouts.add();
    shared_.ending = http::Ending::unresponsive;
    is_dead_ = true;
  }
  return ping_since_ + o.ping_timeout;
}

TimePoint Session::check_idle(TimePoint now) {
  const Options& o = shared_.options;
  if (final_goaway_at_ != TimePoint::max()) {
    if (now >= final_goaway_at_) {
      drain_finish();
      return TimePoint::max();
    }
    return final_goaway_at_;
  }
  if (std::exchange(progress_.fell_idle, false) || !streams_.empty()) idle_since_ = now;
  const Duration limit = progress_.any_request ? o.idle_timeout : o.first_request_timeout;
  if (now - idle_since_ < limit) return idle_since_ + limit;
  shared_.counters.idle_timeouts.add();
  drain_notice();
  final_goaway_at_ = now + kGoawayGrace;
  return final_goaway_at_;
}

TimePoint Session::check_age(TimePoint now) {
  const RetirementOptions& options = shared_.options.retirement;
  if (is_draining_) return TimePoint::max();
  if (retirement_ == nullptr) {
    const TimePoint due = retires_at(options, created_, shared_.info.id);
    if (now < due) return due;
    shared_.counters.retired.add();
    drain_notice();
    retirement_ = std::make_unique<Spread>(now, options.window, shared_.info.event_streams);
  }
  std::size_t more = retirement_->take_due(now);
  if (retirement_->is_over(now)) more = streams_.size();  // Who came in the meantime, too.
  for (std::size_t i = 0; i < streams_.size() && more > 0; ++i) {
    if (streams_[i]->end_in_order()) --more;
  }
  if (!retirement_->is_over(now)) return retirement_->next(now);
  drain_finish();
  return TimePoint::max();
}

TimePoint Session::check_streams(TimePoint now) {
  TimePoint next = TimePoint::max();
  for (std::size_t i = 0; i < streams_.size(); ++i) {  // Nothing here adds or removes a stream.
    const Stream::Health health = streams_[i]->check(now, next);
    if (health != Stream::Health::good) streams_[i]->fail(health);
  }
  return next;
}

}  // namespace sluice::h2
