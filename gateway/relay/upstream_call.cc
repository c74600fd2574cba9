#include "gateway/relay/upstream_call.h"

#include <utility>

#include "gateway/base/assert.h"
#include "gateway/relay/endpoint.h"
#include "gateway/relay/upstream.h"

namespace sluice::relay {
namespace {

constexpr std::uint32_t kMaxRepeats = 2;

/// RFC 9110 §9.2.1: asking twice changes nothing more than asking once.
bool is_safe(const http::Request& request) {
  return !request.has_body && (request.method == "GET" || request.method == "HEAD" ||
                               request.method == "OPTIONS" || request.method == "QUERY");
}

Failure failure_of(http::CallError error) {
  switch (error) {
    case http::CallError::malformed:
    case http::CallError::too_large:
      return Failure::malformed;
    case http::CallError::refused:
      return Failure::busy;
    case http::CallError::closed:
    case http::CallError::reset:
      break;
  }
  return Failure::closed;
}

}  // namespace

std::size_t UpstreamCall::pending_size() {
  return sizeof(Pending);
}

UpstreamCall::~UpstreamCall() {
  stop();
}

void UpstreamCall::start(Upstream& upstream, http::Outgoing request) {
  SLUICE_ASSERT(!is_open(), "a call was started twice");
  pending_ = make_in<Pending>(upstream.setting_.memory.pending_calls, *this, upstream);
  pending_->request = std::move(request);
  pending_->since = upstream.setting_.loop.now();
  upstream.place(*this);
}

std::string_view UpstreamCall::address() const {
  return endpoint_ == nullptr ? std::string_view() : endpoint_->name();
}

void UpstreamCall::stop() {
  if (pending_ != nullptr && pending_->is_linked()) pending_->upstream.unwait(*this);
  pending_.reset();
  if (call_ == nullptr) return;
  call_->cancel();
  tell_end(leave());
}

bool UpstreamCall::has_room() const {
  return endpoint_ != nullptr && !endpoint_->is_shut() && !endpoint_->is_retired;
}

Endpoint& UpstreamCall::leave() {
  call_ = nullptr;
  return *std::exchange(endpoint_, nullptr);
}

void UpstreamCall::tell_end(Endpoint& endpoint) {
  endpoint.upstream().call_ended(endpoint);
}

void UpstreamCall::body_take(std::span<std::byte> out) {
  if (pending_ != nullptr && !out.empty()) pending_->has_given = true;
  give_body(out);
}

void UpstreamCall::on_head(http::Response head, std::optional<std::uint64_t> content_length) {
  pending_.reset();
  endpoint_->succeeded(endpoint_->upstream().setting_.loop.now());
  on_answer(std::move(head), content_length);
}

void UpstreamCall::on_end(bool until_close) {
  pending_.reset();
  tell_end(leave());
  on_complete(until_close);
}

void UpstreamCall::on_failure(const http::CallFailure& failure) {
  Endpoint& endpoint = leave();
  if (pending_ != nullptr && may_repeat(failure)) {
    Upstream& upstream = pending_->upstream;
    ++pending_->repeats;
    upstream.counters_.repeats.add();
    // It was the one used last: what is idle has been so for longer, and is no better.
    if (!failure.is_untouched) endpoint.let_idle_go(0);
    tell_end(endpoint);
    upstream.place(*this);
    return;
  }
  // A kept connection that was just closing says nothing of the application behind it.
  if (pending_ != nullptr && !pending_->is_reused && failure.error == http::CallError::closed) {
    pending_->upstream.failed_early(endpoint, failure.what);
  }
  pending_.reset();
  tell_end(endpoint);
  on_broken({.failure = failure_of(failure.error), .what = failure.what});
}

bool UpstreamCall::may_repeat(const http::CallFailure& failure) const {
  if (pending_->repeats >= kMaxRepeats) return false;
  if (failure.is_untouched) return !pending_->has_given;
  return failure.error == http::CallError::closed && pending_->is_reused &&
         is_safe(pending_->request.head);
}

}  // namespace sluice::relay
