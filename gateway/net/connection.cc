#include "gateway/net/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/base/log.h"

namespace sluice::net {
namespace {

using tls::Io;
using tls::IoResult;

constexpr std::size_t kReadBuffer = 32_KiB;

IoResult verdict(ssize_t n) {
  if (n > 0) return {Io::ok, static_cast<std::size_t>(n)};
  if (n == 0) return {Io::closed, 0};
  if (errno == EAGAIN || errno == EINTR) return {Io::want_read, 0};
  return {Io::failed, 0};
}

}  // namespace

/// The protocol asks for state() when it goes.
Connection::~Connection() {
  protocol_.reset();
  if (guest_ != nullptr) owner_.doorkeeper_->leave(*guest_, is_in_);
}

void Connection::flush_later() {
  if (state_ != State::open) return;
  if (ListHook<DirtyTag>::is_linked()) {
    if (!is_paced_) return;
    ListHook<DirtyTag>::unlink();
  }
  is_paced_ = false;
  owner_.dirty_.push_back(*this);
}

void Connection::flush_soon() {
  if (state_ != State::open || ListHook<DirtyTag>::is_linked()) return;
  const TimePoint due = written_at_ + owner_.pace_;
  if (owner_.loop_.now() >= due) return flush_later();
  is_paced_ = true;
  owner_.let_wait(*this, due);
}

Transport::State Connection::state() const {
  Transport::State state{.written_at = written_at_, .sent = sent_, .hangup = hangup_};
  if (blocked_) {
    state.blocked_since = blocked_->since;
    state.unsent = blocked_->rest.size() - blocked_->taken;
  }
  if (state_ == State::dead && hangup_ == Hangup::none) state.hangup = Hangup::peer;
  return state;
}

Protocol* Connection::speaking() const {
  return state_ == State::open ? protocol_.get() : nullptr;
}

void Connection::on_deadline(TimePoint now) {
  if (state_ == State::dead) return;
  if (state_ == State::lingering) return die();
  if (state_ != State::open) return on_open_timeout();
  if (blocked_ && now >= blocked_->since + owner_.options_.write_timeout) {
    owner_.counters_.write_timeouts.add();
    return reset(Hangup::write_timeout);
  }
  const TimePoint next = protocol_->check(now);
  if (protocol_->is_finished()) flush_later();
  arm_open(next);
}

void Connection::arm_open(TimePoint due) {
  if (blocked_) due = std::min(due, blocked_->since + owner_.options_.write_timeout);
  owner_.loop_.wheel().arm(*this, due);
}

// --- Reading ------------------------------------------------------------------------------------

void Connection::on_readable() {
  (void)owner_.loop_.now();
  if (!is_ours_) owner_.loop_.hurry();
  switch (state_) {
    case State::connecting:
    case State::waiting:
      return;
    case State::proxied:
      return read_proxy_header();
    case State::handshaking:
      return shake_hands_later();
    case State::sniffing:
      return sniff();
    case State::open:
      return read();
    case State::lingering:
      return discard();
    case State::dead:
      return;
  }
}

void Connection::on_failed() {
  if (state_ == State::open && polled_ == kOnlyErrors) return die();
  Pollable::on_failed();
}

void Connection::read_on() {
  if (is_deaf_) {
    if (owner_.may_complain()) {
      log::error("connections are given up: epoll has no room; see fs.epoll.max_user_watches");
    }
    hangup_ = Hangup::cut;
    if (state_ != State::connecting) return die();
    greeting_->error = ENOMEM;
  }
  if (state_ == State::connecting) return on_connected();
  if (state_ == State::open) read();
}

void Connection::read() {
  std::size_t left = owner_.options_.read_budget;
  while (!peer_is_done_ && !is_held() && protocol_->wants_read() && !protocol_->is_finished()) {
    const IoResult result = receive();
    if (result.io == Io::failed) return die();
    if (result.io == Io::closed) {
      peer_is_done_ = true;
      protocol_->on_eof();
      flush_later();
      break;
    }
    if (result.io == Io::want_write && !blocked_) block({});
    if (result.io != Io::ok) break;
    feed({owner_.read_buffer_.get(), result.n});
    // A short read from a plain socket has emptied it.
    if (!session_ && result.n < kReadBuffer) break;
    if (!session_ || result.n >= left) owner_.loop_.hurry();
    if (result.n >= left) {
      // What the kernel holds is reported again; what OpenSSL holds is not.
      if (session_ && session_->has_pending() && !ListHook<UnreadTag>::is_linked()) {
        owner_.unread_.push_back(*this);
      }
      break;
    }
    left -= result.n;
  }
  set_interest();
}

IoResult Connection::receive() {
  const std::span<std::byte> buffer(owner_.read_buffer_.get(), kReadBuffer);
  if (session_) return session_->read(buffer);
  return verdict(::recv(socket_.get(), buffer.data(), buffer.size(), 0));
}

void Connection::feed(std::span<const std::byte> bytes) {
  owner_.counters_.bytes_in.add(bytes.size());
  protocol_->feed(bytes);
  flush_later();
}

void Connection::discard() {
  const IoResult result = verdict(::recv(socket_.get(), owner_.read_buffer_.get(), kReadBuffer, 0));
  if (result.io == Io::closed || result.io == Io::failed) die();
}

void Connection::poll(bool for_reading) {
  Poller::Events wanted = (for_reading ? EPOLLIN : 0U) | (blocked_ ? EPOLLOUT : 0U);
  // A client that resets what nobody reads has left. What a server had said before is still read.
  if (wanted == 0 && state_ == State::open && !is_ours_) wanted = kOnlyErrors;
  if (owner_.loop_.poller().want(socket_.get(), *this, polled_, wanted)) {
    polled_ = static_cast<std::uint8_t>(wanted);
    return;
  }
  is_deaf_ = true;
  if (!ListHook<UnreadTag>::is_linked()) owner_.resumed_.push_back(*this);
}

/// Nobody knows yet what it wants.
bool Connection::is_newcomer() const {
  if (is_ours_ || state_ == State::lingering || state_ == State::dead) return false;
  return state_ != State::open || protocol_->is_newcomer();
}

void Connection::hold() {
  if (!is_newcomer()) return;
  is_held_ = true;
  set_interest();
}

bool Connection::release() {
  if (!std::exchange(is_held_, false)) return false;
  set_interest();
  return true;
}

/// Level-triggered: it must not be told what is to be read while nobody reads.
void Connection::set_interest() {
  bool wants = state_ != State::waiting && state_ != State::connecting && !is_held();
  if (state_ == State::open && wants) {
    wants = !peer_is_done_ && !protocol_->is_finished() && protocol_->wants_read();
  }
  const bool has_begun = wants && (polled_ & EPOLLIN) == 0;
  poll(wants);
  // In other states it may stand among those that shake hands, or that wait.
  if (!wants && state_ == State::open) ListHook<UnreadTag>::unlink();
  if (!has_begun) return;
  const bool has_more = state_ == State::open && session_ && session_->has_pending();
  if (has_more && !ListHook<UnreadTag>::is_linked()) owner_.unread_.push_back(*this);
}

// --- Writing ------------------------------------------------------------------------------------

void Connection::flush() {
  if (state_ != State::open) return;
  if (blocked_) {
    // Who gave a request up does not wait for its server to read it, and neither does the server's
    // hearing of that: a FIN would stand behind what it has not read.
    if (is_ours_ && protocol_->is_finished()) reset(Hangup::none);
    return;
  }
  OutBuffer& out = owner_.out_;
  std::size_t written = 0;
  bool is_drained = true;
  for (bool has_kept = false;;) {
    out.clear();
    const bool has_more = protocol_->fill(out);
    if (out.empty()) {
      if (has_kept) push();
      break;
    }
    written += out.size();
    owner_.counters_.bytes_out.add(out.size());
    const bool is_last = !has_more && !ListHook<DirtyTag>::is_linked();
    is_drained = is_last || written < owner_.options_.flush_budget;
    has_kept = !is_last && is_drained;
    // A segment for each record would be a wake-up of the peer for each, too.
    const std::span<const std::byte> rest = transmit(out.bytes(), has_kept);
    if (state_ == State::dead) return;
    if (!rest.empty()) {
      block(rest);
      is_drained = true;
      break;
    }
    if (is_last) break;
    ListHook<DirtyTag>::unlink();
    if (!is_drained) {
      flush_later();
      break;
    }
  }
  if (written > 0) {
    owner_.counters_.flushes.add();
    written_at_ = owner_.loop_.now();
  }
  settle(is_drained);
}

void Connection::settle(bool is_drained) {
  if (is_drained && !blocked_ && protocol_->is_finished()) {
    linger();
  } else {
    set_interest();
  }
}

std::span<const std::byte> Connection::transmit(std::span<const std::byte> bytes, bool has_more) {
  while (!bytes.empty()) {
    IoResult result{};
    if (session_) {
      result = session_->write(bytes, has_more);
    } else {
      const int flags = MSG_NOSIGNAL | (has_more ? MSG_MORE : 0);
      result = verdict(::send(socket_.get(), bytes.data(), bytes.size(), flags));
      if (result.io == Io::want_read) result.io = Io::want_write;
    }
    if (result.io == Io::want_write) break;
    if (result.io != Io::ok) {
      // A server that takes no more of a request may have said why, and closed.
      if (is_ours_ && state_ == State::open && !peer_is_done_) read();
      if (state_ != State::dead) die();
      break;
    }
    bytes = bytes.subspan(result.n);
    sent_ += result.n;
  }
  return bytes;
}

/// What the kernel kept for a next write that did not come. It sends that when this is set anew.
void Connection::push() {
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void Connection::block(std::span<const std::byte> rest) {
  if (!blocked_) {
    blocked_ = std::make_unique<Blocked>();
    poll((polled_ & EPOLLIN) != 0);
  }
  blocked_->rest.assign(rest.begin(), rest.end());
  blocked_->since = owner_.loop_.now();
  blocked_->sent = session_ ? session_->bytes_sent() : 0;
  owner_.loop_.hurry();
  if (state_ != State::open) return;
  owner_.counters_.write_blocked.add();
  arm_open(due());
}

void Connection::unblock() {
  blocked_.reset();
  poll((polled_ & EPOLLIN) != 0);
}

void Connection::on_writable() {
  const TimePoint now = owner_.loop_.now();
  if (state_ == State::connecting) return on_connected();
  if (state_ == State::handshaking) {
    unblock();
    return shake_hands_later();
  }
  if (state_ != State::open || !blocked_) return;
  const std::span<const std::byte> waiting =
      std::span<const std::byte>(blocked_->rest).subspan(blocked_->taken);
  const std::span<const std::byte> rest = transmit(waiting, false);
  if (state_ == State::dead) return;
  if (!rest.empty()) {
    // A record that is stuck half-way is not taken yet, but a part of it may have left.
    const std::uint64_t sent = session_ ? session_->bytes_sent() : 0;
    if (rest.size() < waiting.size() || sent != blocked_->sent) blocked_->since = now;
    owner_.loop_.hurry();
    blocked_->sent = sent;
    blocked_->taken = blocked_->rest.size() - rest.size();
    return;
  }
  const bool has_to_read = session_ && (blocked_->rest.empty() || session_->has_pending());
  unblock();
  flush_later();
  if (has_to_read) read();
}

// --- Ending -------------------------------------------------------------------------------------

void Connection::linger() {
  leave_waiting_room();
  state_ = State::lingering;
  if (session_) session_->shutdown();
  ListHook<DirtyTag>::unlink();
  ListHook<UnreadTag>::unlink();
  blocked_.reset();
  protocol_.reset();
  session_.reset();
  if (is_ours_ || peer_is_done_ || ::shutdown(socket_.get(), SHUT_WR) != 0) return die();
  owner_.loop_.wheel().arm(*this, owner_.loop_.now() + owner_.options_.linger);
  set_interest();
}

void Connection::close_now(Hangup why) {
  if (state_ == State::dead) return;
  hangup_ = why;
  if (session_ && !blocked_) session_->shutdown();
  die();
}

bool Connection::close_if_stuck(TimePoint since) {
  if (is_ours_ || state_ != State::open || !blocked_ || blocked_->since > since) return false;
  reset(Hangup::write_timeout);
  return true;
}

/// The kernel shall not keep for a dead peer what it has not taken for so long.
void Connection::reset(Hangup why) {
  const struct linger none = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  hangup_ = why;
  die();
}

void Connection::die() {
  leave_waiting_room();
  if (state_ == State::handshaking && ListHook<UnreadTag>::is_linked()) --owner_.shaking_size_;
  state_ = State::dead;
  ListHook<DirtyTag>::unlink();
  ListHook<UnreadTag>::unlink();
  Deadline::cancel();
  blocked_.reset();
  poll(false);
  ListHook<OwnedTag>::unlink();
  owner_.dying_.push_back(*this);
}

}  // namespace sluice::net
