#include "tests/crash/reader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace sluice::crash {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kPause = 20 * kMillisecond;  // Of a slow reader.
constexpr std::size_t kSip = 2048;                   // What it reads then.
constexpr int kSlowBuffer = 2048;                    // The kernel keeps no more for it.
constexpr std::size_t kGulp = 64UL * 1024;           // What others read at once.
constexpr std::size_t kFirstEvents = 100;            // After which an absent reader leaves.
constexpr std::uint64_t kShortest = kMillisecond;    // Before it comes back.
constexpr std::uint64_t kLongest = 50 * kMillisecond;

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view value_of(std::string_view line) {
  line.remove_prefix(std::min(line.find(':'), line.size() - 1) + 1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

}  // namespace

Reader::Reader(Place place, std::size_t number, Manner manner)
    : place_(place), number_(number), manner_(manner), due_(1) {}

void Reader::on_ready(std::uint32_t) {
  if (stage_ == Stage::connecting) ask();
  if (stage_ == Stage::head || stage_ == Stage::body) read_some();
}

void Reader::tick(std::uint64_t now) {
  if (due_ == 0 || now < due_) return;
  due_ = 0;
  if (stage_ == Stage::apart) {
    connect(now);
  } else if (stage_ == Stage::body) {
    watch(EPOLLIN);
  }
}

void Reader::hurry() {
  // Over a small window TCP is slow for as long as the connection lasts.
  if (manner_ == Manner::slow && fd_) leave(true);
  manner_ = Manner::eager;
  if (stage_ == Stage::gone) {
    stage_ = Stage::apart;
    due_ = 1;
  }
}

void Reader::connect(std::uint64_t now) {
  fd_ = bench::connect_to(place_.url);
  if (!fd_) {
    due_ = now + std::uniform_int_distribution(kShortest, kLongest)(place_.random);
    return;
  }
  ++connections_;
  if (manner_ == Manner::slow) {
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &kSlowBuffer, sizeof kSlowBuffer);
  }
  stage_ = Stage::connecting;
  place_.poller.add(fd_, this, EPOLLOUT);
}

void Reader::ask() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    leave(false);
    return;
  }
  // The header wins over the query.
  const std::string request = fmt::format(
      "GET {}?lastEventID=earliest HTTP/1.0\r\nhost: {}\r\naccept: text/event-stream\r\n{}\r\n",
      place_.url.path, place_.url.authority(),
      last_id_.empty() ? "" : fmt::format("last-event-id: {}\r\n", last_id_));
  const auto sent = send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) {
    leave(false);
    return;
  }
  stage_ = Stage::head;
  watch(EPOLLIN);
}

void Reader::read_some() {
  const std::size_t most = manner_ == Manner::slow ? kSip : kGulp;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + most);
  const auto got = recv(fd_.get(), buffer_.data() + before, most, 0);
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0 && stage_ == Stage::head) read_head();
  if (got > 0 && stage_ == Stage::body) read_blocks();
  if (got <= 0) leave(has_brought_);
  if (stage_ != Stage::body) return;
  if (manner_ == Manner::slow) {
    watch(0);
    due_ = bench::now_ns() + kPause;
  }
  if (manner_ == Manner::absent && place_.tally.received_by(number_) >= kFirstEvents) {
    leave(true);
    due_ = 0;
    stage_ = Stage::gone;
  }
}

void Reader::read_head() {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string_view head = std::string_view(buffer_).substr(0, end);
  const bool is_stream = head.substr(std::min<std::size_t>(8, head.size())).starts_with(" 200 ") &&
                         head.find("text/event-stream") != std::string_view::npos &&
                         head.find("transfer-encoding") == std::string_view::npos;
  if (!is_stream) {
    ++bad_answers_;
    leave(false);
    return;
  }
  buffer_.erase(0, end + 4);
  stage_ = Stage::body;
  has_subscribed_ = true;
}

void Reader::read_blocks() {
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = buffer_.find("\n\n", std::max(begin, seen_));
    if (end == std::string::npos) break;
    read_block(std::string_view(buffer_).substr(begin, end - begin));
    begin = end + 2;
  }
  buffer_.erase(0, begin);
  seen_ = buffer_.empty() ? 0 : buffer_.size() - 1;
}

void Reader::read_block(std::string_view block) {
  std::string_view id;
  std::string_view data;
  bool has_data = false;
  bool is_gap = false;
  while (!block.empty()) {
    const std::string_view line = block.substr(0, block.find('\n'));
    block.remove_prefix(std::min(line.size() + 1, block.size()));
    if (line.starts_with("id:")) id = value_of(line);
    if (line.starts_with("data:")) {
      data = value_of(line);
      has_data = true;
    }
    if (line.starts_with("event:")) is_gap = value_of(line) == "gap";
  }
  if (!id.empty()) last_id_ = id;
  if (!has_data) return;
  has_brought_ = true;
  if (is_gap) {
    place_.tally.receive_gap(number_);
  } else if (const auto event = number_in(data)) {
    place_.tally.receive(number_, *event, id);
  } else {
    place_.tally.receive_strange(number_);
  }
}

/// The connection is over. `is_soon`: it had been good, so the next one is tried at once.
void Reader::leave(bool is_soon) {
  fd_ = {};
  buffer_.clear();
  seen_ = 0;
  has_brought_ = false;
  stage_ = Stage::apart;
  const std::uint64_t longest = is_soon ? 2 * kShortest : kLongest;
  due_ = bench::now_ns() + std::uniform_int_distribution(kShortest, longest)(place_.random);
}

void Reader::watch(std::uint32_t epoll_events) {
  place_.poller.change(fd_, this, epoll_events);
}

}  // namespace sluice::crash
