#include "bench/floor/poster.h"

#include <array>
#include <charconv>
#include <sys/epoll.h>
#include <utility>

namespace sluice::bench {
namespace {

constexpr std::string_view kBlankLine = "\r\n\r\n";
constexpr std::string_view kLength =
    "\r\ncontent-length: ";                // as bench/load and curl can be told to
constexpr std::size_t kMostBody = 16'000;  // one DATA frame holds the event
constexpr std::string_view kAccepted = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
constexpr std::string_view kRefused =
    "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

}  // namespace

Poster::Poster(const Poller& poller, Wire wire, OnEvent on_event)
    : wire_(std::move(wire)), on_event_(std::move(on_event)) {
  poller.add(wire_.fd(), this, EPOLLIN);
}

void Poster::on_ready(std::uint32_t) {
  std::array<char, 16'384> buffer;  // filled by read()
  const auto got = wire_.read(buffer);
  if (got.progress == Progress::closed) closed_ = true;
  if (got.progress != Progress::done) return;
  request_.append(buffer.data(), got.bytes);
  while (!closed_ && handle_request()) {
  }
}

bool Poster::handle_request() {
  const auto blank = request_.find(kBlankLine);
  if (blank == std::string::npos) return false;
  const auto body_at = blank + kBlankLine.size();
  const auto field = request_.find(kLength);
  std::size_t size = 0;
  if (field < blank) {
    const auto* begin = request_.data() + field + kLength.size();
    std::from_chars(begin, request_.data() + blank, size);
  }
  if (!request_.starts_with("POST ") || size == 0 || size > kMostBody) {
    answer(kRefused);
    closed_ = true;
    return false;
  }
  if (request_.size() < body_at + size) return false;
  answer(kAccepted);
  on_event_(std::string_view(request_).substr(body_at, size));
  request_.erase(0, body_at + size);
  return true;
}

/// An answer is far smaller than a socket's buffer, so a part of it means a dead connection.
void Poster::answer(std::string_view text) {
  const auto sent = wire_.write(text);
  if (sent.bytes != text.size()) closed_ = true;
}

}  // namespace sluice::bench
