/// The worker's part that ends streams: in a drain, one by one, and those of a subject.

#include <cstdint>

#include "gateway/base/random.h"
#include "gateway/base/units.h"
#include "gateway/server/publish_stream.h"
#include "gateway/server/worker.h"

namespace sluice::server {
namespace {

constexpr Millis kDrainStep{50};

}  // namespace

void Worker::begin_drain(Millis window) {
  connections_.for_each([](Protocol& protocol) { protocol.drain_notice(); });
  auto streams = static_cast<std::size_t>(counters_.site.event_streams.value());
  if (relay_ != nullptr) streams += relay_->event_streams();
  drain_ends_.emplace(loop_.now(), window, streams);
  drain_.start_periodic(kDrainStep);
  end_publish_streams();
  end_due_streams();
}

/// At the end of the window, all that are left.
void Worker::end_due_streams() {
  const TimePoint now = loop_.now();
  if (drain_ends_->is_over(now)) {
    drain_.stop();
    return end_streams(SIZE_MAX);
  }
  end_streams(drain_ends_->take_due(now));
}

void Worker::end_streams(std::size_t most) {
  for (; most > 0 && has_streams(); --most) {
    end_a_stream(jitter(retry_.min, retry_.max));
    counters_.site.drained.add();
  }
}

bool Worker::has_streams() {
  return !streams_.empty() || (relay_ != nullptr && !relay_->streams().empty());
}

void Worker::end_a_stream(Millis retry) {
  if (!streams_.empty()) return streams_.pop_front().end(retry, http::Ending::drained);
  relay_->streams().pop_front().end(retry, http::Ending::drained);
}

/// All at once: publishers find another gateway, or wait.
void Worker::end_publish_streams() {
  const RetryOptions& retry = retry_;
  publish_streams_.for_each(
      [&](PublishStream& stream) { stream.end(jitter(retry.min, retry.max)); });
}

void Worker::leave_to_others(Millis window) {
  const auto streams = static_cast<std::size_t>(counters_.site.event_streams.value());
  cut_off_ends_.emplace(loop_.now(), window, streams);
  leave_.start_periodic(kDrainStep);
}

/// The first are those that were there then.
void Worker::end_cut_off() {
  const TimePoint now = loop_.now();
  if (cut_off_ends_->is_over(now)) leave_.stop();
  for (std::size_t due = cut_off_ends_->take_due(now); due > 0 && !streams_.empty(); --due) {
    streams_.pop_front().end(jitter(retry_.min, retry_.max), http::Ending::cut_off);
    counters_.site.cut_off.add();
  }
}

void Worker::end_streams_of(const std::string& subject) {
  const RetryOptions& retry = retry_;
  streams_.for_each([&](EventStream& stream) {
    if (stream.subject() != subject) return;
    stream.end(jitter(retry.min, retry.max), http::Ending::revoked);
    counters_.site.revoked.add();
  });
  publish_streams_.for_each([&](PublishStream& stream) {
    if (stream.subject() != subject) return;
    stream.revoke();
    counters_.site.revoked.add();
  });
  if (relay_ == nullptr) return;
  relay_->streams().for_each([&](relay::Stream& stream) {
    if (stream.subject() != subject) return;
    stream.cut(jitter(retry.min, retry.max), http::Ending::revoked);
    counters_.site.revoked.add();
  });
}

void Worker::finish_drain() {
  has_finished_drain_ = true;
  ports_.clear();
  connections_.empty_waiting_room();
  read_newcomers();
  end_publish_streams();
  drain_.stop();
  end_streams(SIZE_MAX);
  connections_.for_each([](Protocol& protocol) { protocol.drain_finish(); });
}

}  // namespace sluice::server
