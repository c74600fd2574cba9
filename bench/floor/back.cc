#include "bench/floor/back.h"

#include <algorithm>
#include <sys/epoll.h>

#include <fmt/core.h>

#include "bench/floor/frames.h"
#include "bench/floor/front.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kBlankLine = "\r\n\r\n";
constexpr std::string_view kGood = "HTTP/1.1 200 ";
constexpr std::size_t kLineEnd = 2;

std::size_t digit(char c) {
  return static_cast<std::size_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

}  // namespace

Back::Back(Front& front, std::uint32_t stream, std::string_view path)
    : front_(front),
      stream_(stream),
      wire_(connect_to(front.proxy().upstream())),
      text_(fmt::format("GET {} HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n\r\n", path,
                        front.proxy().upstream().authority())) {
  if (wire_.fd()) {
    front_.proxy().poller().add(wire_.fd(), this, EPOLLOUT);
  } else {
    end();
  }
}

void Back::on_ready(std::uint32_t) {
  if (is_closed_) return;
  if (state_ == State::connecting) return send_request();
  read();
}

/// A request is far smaller than a socket's buffer, so a part of it means a dead connection.
void Back::send_request() {
  if (wire_.open() != Progress::done || wire_.write(text_).bytes != text_.size()) return end();
  text_.clear();
  state_ = State::head;
  front_.proxy().poller().change(wire_.fd(), this, EPOLLIN);
}

void Back::read() {
  const auto buffer = front_.proxy().buffer();
  const auto got = wire_.read(buffer);
  if (got.progress == Progress::closed) return end();
  if (got.progress != Progress::done) return;
  std::string_view bytes(buffer.data(), got.bytes);
  if (state_ == State::head) bytes = take_head(bytes);
  if (!is_closed_ && !bytes.empty()) take_chunks(bytes);
}

std::string_view Back::take_head(std::string_view bytes) {
  const auto before = text_.size();
  text_.append(bytes);
  const auto blank = text_.find(kBlankLine);
  if (blank == std::string::npos) return {};
  if (!text_.starts_with(kGood)) {
    end();
    return {};
  }
  front_.out() += event_stream_head(stream_);
  state_ = State::size;
  std::string().swap(text_);  // and its memory
  return bytes.substr(blank + kBlankLine.size() - before);
}

void Back::take_chunks(std::string_view bytes) {
  auto& out = front_.out();
  const auto frame_at = out.size();
  out += encode_frame({FrameType::data, 0, stream_, {}});
  bool is_last = false;
  while (!bytes.empty()) {
    if (state_ == State::size) {
      const char c = bytes.front();
      bytes.remove_prefix(1);
      if (c == '\n' && left_ == 0) {
        is_last = true;
        break;
      }
      if (c == '\n') {
        state_ = State::data;
        left_ += kLineEnd;
      } else if (c != '\r') {
        left_ = left_ * 16 + digit(c);
      }
      continue;
    }
    const auto some = std::min(left_, bytes.size());
    if (left_ > kLineEnd) out.append(bytes.substr(0, std::min(some, left_ - kLineEnd)));
    bytes.remove_prefix(some);
    left_ -= some;
    if (left_ == 0) state_ = State::size;
  }
  const auto size = out.size() - frame_at - kFrameHead;
  set_size(out.data() + frame_at, size);
  if (size == 0) out.resize(frame_at);
  if (is_last) end();
}

void Back::end() {
  front_.out() += encode_frame({FrameType::data, kEndStream, stream_, {}});
  close();
}

void Back::close() {
  is_closed_ = true;
  wire_ = Wire(Fd{});
  front_.proxy().mark_closed();
}

}  // namespace sluice::bench
