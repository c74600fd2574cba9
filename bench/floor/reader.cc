#include "bench/floor/reader.h"

#include <algorithm>
#include <sys/epoll.h>
#include <utility>

namespace sluice::bench {

Reader::Reader(const Poller& poller, Wire wire, std::span<char> buffer)
    : poller_(poller), wire_(std::move(wire)), buffer_(buffer), watched_(EPOLLIN) {
  poller_.add(wire_.fd(), this, watched_);
}

void Reader::on_ready(std::uint32_t epoll_events) {
  proceed(epoll_events);
  if (is_closed()) on_closed();
}

void Reader::proceed(std::uint32_t epoll_events) {
  if (state_ == State::shaking_hands) shake_hands();
  if (state_ == State::shaking_hands || state_ == State::closed) return;
  if ((epoll_events & EPOLLOUT) != 0) send_unsent();
  if ((epoll_events & ~std::uint32_t{EPOLLOUT}) != 0) read();
}

void Reader::shake_hands() {
  switch (wire_.open()) {
    case Progress::done:
      watch(EPOLLIN);
      state_ = State::preface;
      return send(encode_frame({FrameType::settings, 0, 0, {}}));
    case Progress::wants_write:
      return watch(EPOLLIN | EPOLLOUT);
    case Progress::wants_read:
      return;
    case Progress::closed:
      state_ = State::closed;
  }
}

void Reader::read() {
  while (state_ != State::closed) {
    const auto got = wire_.read(buffer_);
    if (got.progress == Progress::closed) state_ = State::closed;
    if (got.progress != Progress::done) return;
    const std::string_view bytes(buffer_.data(), got.bytes);
    if (partial_.empty()) {
      partial_ = bytes.substr(handle(bytes));
    } else {
      const auto whole = std::exchange(partial_, {}).append(bytes);
      partial_ = whole.substr(handle(whole));
    }
  }
}

std::size_t Reader::handle(std::string_view bytes) {
  const auto all = bytes.size();
  if (state_ == State::preface) {
    if (bytes.size() < kPreface.size()) return 0;
    state_ = bytes.starts_with(kPreface) ? State::open : State::closed;
    bytes.remove_prefix(kPreface.size());
  }
  std::string answers;
  while (const auto frame = first_frame(bytes)) {
    bytes.remove_prefix(kFrameHead + frame->payload.size());
    const bool is_ack = (frame->flags & kAck) != 0;
    if (frame->type == FrameType::headers) {
      answers += on_request(*frame);
    } else if (frame->type == FrameType::rst_stream) {
      on_reset(frame->stream);
    } else if (frame->type == FrameType::settings && !is_ack) {
      answers += encode_frame({FrameType::settings, kAck, 0, {}});
    } else if (frame->type == FrameType::ping && !is_ack) {
      answers += encode_frame({FrameType::ping, kAck, 0, frame->payload});
    }
  }
  if (!answers.empty()) send(answers);
  return all - bytes.size();
}

std::string Reader::on_request(const Frame& headers) {
  streams_.push_back(headers.stream);
  return event_stream_answer(headers.stream);
}

void Reader::on_reset(std::uint32_t stream) {
  std::erase(streams_, stream);
}

void Reader::send(std::string_view bytes) {
  if (state_ == State::closed) return;
  while (unsent_.empty() && !bytes.empty()) {
    const auto sent = wire_.write(bytes);
    if (sent.progress == Progress::closed) state_ = State::closed;
    if (sent.progress != Progress::done) break;
    bytes.remove_prefix(sent.bytes);
  }
  if (bytes.empty() || state_ == State::closed) return;
  unsent_.append(bytes);
  watch(EPOLLIN | EPOLLOUT);
}

void Reader::send_unsent() {
  const auto waiting = std::exchange(unsent_, {});
  watch(EPOLLIN);
  send(waiting);
}

void Reader::watch(std::uint32_t epoll_events) {
  if (watched_ == epoll_events) return;
  watched_ = epoll_events;
  poller_.change(wire_.fd(), this, epoll_events);
}

}  // namespace sluice::bench
