#include "tests/crash/sender.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace sluice::crash {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::string_view kLength = "content-length:";

std::size_t length_in(std::string_view head) {
  const std::size_t at = head.find(kLength);
  if (at == std::string_view::npos) return 0;
  std::string_view text = head.substr(at + kLength.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::size_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

}  // namespace

void Sender::on_ready(std::uint32_t epoll_events) {
  if (stage_ == Stage::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0 || (epoll_events & EPOLLOUT) == 0) {
      leave();
      return;
    }
    stage_ = Stage::free;
    place_.poller.change(fd_, this, EPOLLIN);
  } else if (stage_ != Stage::apart) {
    read_some();
  }
}

void Sender::tick(std::uint64_t now) {
  if (stage_ != Stage::apart || now < due_) return;
  fd_ = bench::connect_to(place_.url);
  if (!fd_) {
    leave();
    return;
  }
  stage_ = Stage::connecting;
  place_.poller.add(fd_, this, EPOLLOUT);
}

void Sender::send() {
  event_ = place_.tally.send();
  stage_ = Stage::busy;
  const std::string data = fmt::format("{}", *event_);
  const std::string request = fmt::format(
      "POST {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{}",
      place_.url.path, place_.url.authority(), place_.token, data.size(), data);
  const auto sent = ::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) leave();
}

void Sender::read_some() {
  std::array<char, 2048> bytes;  // filled by the kernel
  const auto got = recv(fd_.get(), bytes.data(), bytes.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || stage_ == Stage::free) {
    leave();
    return;
  }
  buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  read_answer();
}

void Sender::read_answer() {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string_view head = std::string_view(buffer_).substr(0, end);
  const std::size_t length = length_in(head);
  if (buffer_.size() < end + 4 + length) return;
  const bool is_kept = head.starts_with("HTTP/1.1 200 ");
  const bool is_last = head.find("connection: close") != std::string_view::npos;
  if (is_kept) {
    place_.tally.acknowledge(*event_, std::string_view(buffer_).substr(end + 4, length));
  } else {
    place_.tally.refuse(*event_);
  }
  event_.reset();
  buffer_.clear();
  stage_ = Stage::free;
  if (is_last) leave();
}

void Sender::leave() {
  fd_ = {};
  buffer_.clear();
  event_.reset();
  stage_ = Stage::apart;
  due_ = bench::now_ns() +
         std::uniform_int_distribution(kMillisecond, 50 * kMillisecond)(place_.random);
}

}  // namespace sluice::crash
