#include "bench/load/h2_connection.h"

#include <sys/epoll.h>

#include <fmt/core.h>
#include <nghttp2/nghttp2.h>

#include "bench/common/args.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kWrite = 65'536;

Wire connected(const Url& url, ssl_ctx_st* tls) {
  auto fd = connect_to(url);
  if (!fd) die(fmt::format("cannot connect to {}", url.authority()));
  return url.tls ? Wire::tls_client(std::move(fd), tls, url.host.c_str()) : Wire(std::move(fd));
}

}  // namespace

void SessionFree::operator()(nghttp2_session* session) const noexcept {
  nghttp2_session_del(session);
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  // nghttp2 takes pointers to mutable bytes and copies them.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

H2Connection::H2Connection(const Poller& poller, const Url& url, ssl_ctx_st* tls,
                           std::span<char> buffer)
    : poller_(poller), buffer_(buffer), wire_(connected(url, tls)), watched_(EPOLLIN | EPOLLOUT) {
  poller_.add(wire_.fd(), this, watched_);
}

void H2Connection::make_session(nghttp2_session_callbacks* callbacks, void* self,
                                const nghttp2_option* option) {
  nghttp2_session* session = nullptr;
  if (nghttp2_session_client_new2(&session, callbacks, self, option) != 0) die("out of memory");
  session_.reset(session);
}

void H2Connection::on_ready(std::uint32_t epoll_events) {
  if (state_ == State::closed) return;
  if (state_ == State::connecting) return shake_hands();
  if (is_deaf_) return fail();  // epoll tells of errors alone then
  if ((epoll_events & ~std::uint32_t{EPOLLOUT}) != 0) read();
  if (state_ == State::open) flush();
}

void H2Connection::shake_hands() {
  const auto progress = wire_.open();
  if (progress == Progress::closed) return fail();
  if (progress == Progress::wants_read) watch(EPOLLIN);
  if (progress != Progress::done) return;
  state_ = State::open;
  on_open();
  flush();
}

void H2Connection::turn_deaf() {
  if (state_ != State::open) return;
  is_deaf_ = true;
  watch(0);
}

bool H2Connection::take(std::string_view bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return nghttp2_session_mem_recv(session_.get(), data, bytes.size()) >= 0;
}

void H2Connection::read() {
  do {
    const auto got = wire_.read(buffer_);
    if (got.progress == Progress::closed) return fail();
    if (got.progress != Progress::done) return;
    if (!take({buffer_.data(), got.bytes})) return fail();
  } while (wire_.has_pending());  // at most one buffer of OpenSSL's: the others get their turn
}

/// Frames for one write. False: the session is broken.
bool H2Connection::collect() {
  while (unsent_.size() < kWrite) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0) return false;
    if (size == 0) break;
    unsent_.append(text_of(bytes, static_cast<std::size_t>(size)));
  }
  return true;
}

void H2Connection::flush() {
  if (state_ != State::open || is_deaf_) return;
  for (;;) {
    if (unsent_.empty() && !collect()) return fail();
    if (unsent_.empty()) break;
    const auto sent = wire_.write(unsent_);
    if (sent.progress == Progress::closed) return fail();
    if (sent.progress != Progress::done) break;
    unsent_.erase(0, sent.bytes);
  }
  watch(unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void H2Connection::watch(std::uint32_t epoll_events) {
  if (watched_ == epoll_events) return;
  watched_ = epoll_events;
  poller_.change(wire_.fd(), this, epoll_events);
}

void H2Connection::fail() {
  const bool was_open = state_ == State::open;
  state_ = State::closed;
  session_.reset();
  wire_ = Wire(Fd{});
  on_fail(was_open);
}

}  // namespace sluice::bench
