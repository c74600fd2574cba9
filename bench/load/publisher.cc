#include "bench/load/publisher.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <sys/epoll.h>

#include <fmt/core.h>

#include "bench/load/event_scanner.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kBlankLine = "\r\n\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string request_head(const Options& options) {
  auto head = fmt::format("POST {} HTTP/1.1\r\nhost: {}\r\n", options.publish.path,
                          options.publish.authority());
  if (!options.token.empty()) head += fmt::format("authorization: Bearer {}\r\n", options.token);
  return head + fmt::format("content-type: text/plain\r\ncontent-length: {}\r\n\r\n", options.size);
}

/// The value of a field of `head`, whose name is given in lower case as `\nname:`.
std::optional<std::string> field_of(std::string_view head, std::string_view name) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  const auto* found = std::search(head.begin(), head.end(), name.begin(), name.end(), same);
  if (found == head.end()) return std::nullopt;
  auto value = head.substr(static_cast<std::size_t>(found - head.begin()) + name.size());
  value = value.substr(0, value.find('\r'));
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  std::string lower(value);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// The bytes of the whole answer that begins `text`; nothing while it is not complete.
std::optional<std::size_t> whole_answer(std::string_view text, std::size_t head_end) {
  const auto head = text.substr(0, head_end);
  if (field_of(head, "\ntransfer-encoding:") == "chunked") {
    const auto end = text.find(kLastChunk, head_end);
    if (end == std::string_view::npos) return std::nullopt;
    return end + kLastChunk.size();
  }
  std::size_t body = 0;
  if (const auto length = field_of(head, "\ncontent-length:")) {
    std::from_chars(length->data(), length->data() + length->size(), body);
  }
  if (text.size() < head_end + body) return std::nullopt;
  return head_end + body;
}

}  // namespace

Publisher::Publisher(Shared& shared, std::uint32_t number)
    : shared_(shared), number_(number), head_(request_head(shared.options)), wire_(Fd{}) {
  connect();
}

void Publisher::connect() {
  const auto& url = shared_.options.publish;
  auto fd = connect_to(url);
  if (!fd) return give_up();
  wire_ = url.tls ? Wire::tls_client(std::move(fd), shared_.tls.get(), url.host.c_str())
                  : Wire(std::move(fd));
  state_ = State::connecting;
  watched_ = EPOLLIN | EPOLLOUT;
  shared_.poller.add(wire_.fd(), this, watched_);
}

void Publisher::watch(std::uint32_t epoll_events) {
  if (watched_ == epoll_events) return;
  watched_ = epoll_events;
  shared_.poller.change(wire_.fd(), this, epoll_events);
}

void Publisher::on_ready(std::uint32_t epoll_events) {
  if (state_ == State::failed) return;
  if (state_ == State::connecting) return shake_hands();
  if ((epoll_events & EPOLLOUT) != 0) flush();
  if ((epoll_events & ~std::uint32_t{EPOLLOUT}) != 0) read();
}

void Publisher::shake_hands() {
  const auto progress = wire_.open();
  if (progress == Progress::closed) return give_up();
  if (progress == Progress::wants_write) return;
  watch(EPOLLIN);
  if (progress == Progress::done) state_ = State::idle;
}

void Publisher::publish(std::uint64_t sent_ns) {
  sequence_ += 1;
  state_ = State::waiting;
  shared_.counts.started += 1;
  unsent_ = head_ + encode_token({sequence_, sent_ns, number_}, shared_.options.size);
  flush();
}

void Publisher::flush() {
  while (!unsent_.empty()) {
    const auto sent = wire_.write(unsent_);
    if (sent.progress == Progress::closed) return lose();
    if (sent.progress != Progress::done) return watch(EPOLLIN | EPOLLOUT);
    unsent_.erase(0, sent.bytes);
  }
  watch(EPOLLIN);
}

void Publisher::read() {
  std::array<char, 4096> buffer;  // filled by read()
  do {
    const auto got = wire_.read(buffer);
    if (got.progress == Progress::closed) return lose();
    if (got.progress != Progress::done) return;
    answer_.append(buffer.data(), got.bytes);
  } while (wire_.has_pending());
  const auto blank = answer_.find(kBlankLine);
  if (blank != std::string::npos) take_answer(blank + kBlankLine.size());
}

void Publisher::take_answer(std::size_t head_end) {
  const auto size = whole_answer(answer_, head_end);
  if (!size || state_ != State::waiting) return;
  constexpr std::size_t kStatusAt = std::string_view("HTTP/1.1 ").size();
  if (answer_[kStatusAt] == '2') {
    shared_.counts.acknowledged += 1;
    acknowledged_ = sequence_;
  } else {
    shared_.counts.refused += 1;
    shared_.counts.last_failure = answer_.substr(0, *size);
  }
  const auto closes = field_of(std::string_view(answer_).substr(0, head_end), "\nconnection:");
  answer_.clear();
  state_ = State::idle;
  if (closes == "close") connect();
}

void Publisher::give_up() {
  state_ = State::failed;
  wire_ = Wire(Fd{});
  shared_.counts.unreachable += 1;
  shared_.counts.last_failure = "cannot connect to " + shared_.options.publish.authority();
}

void Publisher::lose() {
  if (state_ == State::waiting) {
    shared_.counts.lost += 1;
    shared_.counts.last_failure = "the connection was closed before the answer";
  }
  unsent_.clear();
  answer_.clear();
  connect();
}

}  // namespace sluice::bench
