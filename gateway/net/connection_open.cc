#include <cctype>
#include <cerrno>
#include <sys/socket.h>
#include <system_error>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/base/log.h"
#include "gateway/net/connection.h"
#include "gateway/net/listener.h"

namespace sluice::net {
namespace {

using tls::Io;
using tls::IoResult;

/// RFC 9113 §3.4.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string_view text_of(std::span<const std::byte> bytes) {
  return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

DialError kind_of(int error) {
  switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
      return DialError::refused;
    case ETIMEDOUT:
      return DialError::timeout;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:         // No local port is left, says connect(2) …
    case EADDRNOTAVAIL:  // … and says Linux.
      return DialError::descriptors;
    default:
      return DialError::unreachable;
  }
}

std::string reason_of(int error) {
  std::string text = std::generic_category().message(error);
  text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

/// What became of connect(). A port of this machine to which nobody listens may be given to the
/// very socket that calls it, and TCP then connects that with itself.
int connect_error(int fd, const SocketAddress& to) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  if (error == 0 && local_address(fd).to_string() == to.to_string()) return ECONNREFUSED;
  return error;
}

}  // namespace

std::size_t Connection::greeting_size() {
  return sizeof(KeptGreeting);
}

Connection::Connection(Connections& owner, UniqueFd socket, Greeting greeting, State state)
    : owner_(owner),
      socket_(std::move(socket)),
      state_(state),
      greeting_(make_in<KeptGreeting>(owner.greetings_, std::move(greeting))) {}

Connection::Connection(Connections& owner, UniqueFd socket)
    : owner_(owner), socket_(std::move(socket)), state_(State::proxied) {}

void Connection::greet(Greeting greeting) {
  is_held_ = owner_.holds_newcomers_;
  greeting_ = make_in<KeptGreeting>(owner_.greetings_, std::move(greeting));
  if (greeting_->proxy == nullptr) return knock();
  arm_opening();
  set_interest();
}

void Connection::arm_opening() {
  const auto& options = owner_.options_;
  const Millis limit =
      greeting_->context != nullptr ? options.handshake_timeout : options.first_bytes_timeout;
  owner_.loop_.wheel().arm(*this, owner_.loop_.now() + limit);
}

// --- At the door --------------------------------------------------------------------------------

void Connection::knock() {
  Doorkeeper* const doorkeeper = owner_.doorkeeper_;
  if (doorkeeper != nullptr) guest_ = doorkeeper->knock(greeting_->peer);
  if (guest_ == nullptr) return come_in();
  const auto verdict = doorkeeper->enter(*guest_, greeting_->context != nullptr);
  is_in_ = verdict == Doorkeeper::Verdict::come_in;
  if (is_in_) return come_in();
  const bool is_for_place = verdict == Doorkeeper::Verdict::too_many;
  auto& counters = owner_.counters_;
  (is_for_place ? counters.waits_for_place : counters.waits_for_turn).add();
  state_ = State::waiting;
  owner_.loop_.wheel().arm(*this, owner_.loop_.now() + owner_.options_.waiting_timeout);
  set_interest();
  owner_.let_wait_outside(*this);
}

void Connection::ask_again() {
  const auto verdict = owner_.doorkeeper_->enter(*guest_, greeting_->context != nullptr);
  is_in_ = verdict == Doorkeeper::Verdict::come_in;
  if (!is_in_) return;
  leave_waiting_room();
  come_in();
}

/// Its TLS session is made when its first bytes are there: who says nothing costs little.
void Connection::come_in() {
  if (greeting_->speaks_h2) {
    begin("h2", {});
    if (state_ == State::open) set_interest();
    return;
  }
  state_ = greeting_->context != nullptr ? State::handshaking : State::sniffing;
  arm_opening();
  set_interest();
}

void Connection::leave_waiting_room() {
  if (state_ != State::waiting || !ListHook<UnreadTag>::is_linked()) return;
  ListHook<UnreadTag>::unlink();
  owner_.counters_.waiting.sub();
}

void Connection::send_away() {
  linger();
}

// --- Until a protocol is chosen -----------------------------------------------------------------

Connection::Connection(Connections& owner, UniqueFd socket, Greeting greeting)
    : Connection(owner, std::move(socket), std::move(greeting), State::connecting) {
  is_ours_ = true;
  owner_.loop_.wheel().arm(*this, owner_.loop_.now() + greeting_->dial->timeout);
  // One that has failed already hears of it as all others do: not from inside dial().
  greeting_->error == 0 ? block({}) : owner_.resumed_.push_back(*this);
}

void Connection::on_open_timeout() {
  if (is_ours_) {
    owner_.counters_.dial_timeouts.add();
    const bool is_connected = state_ == State::handshaking;
    return fail_dial(DialError::timeout,
                     is_connected ? "TLS handshake timed out" : "connection timed out");
  }
  auto& counters = owner_.counters_;
  if (state_ == State::waiting) {
    counters.waiting_timeouts.add();
    return send_away();
  }
  // What it has sent lies unread because we do not read it: to close would reset it.
  if (is_held()) return send_away();
  // A session lets go of the context.
  const bool is_tls = session_ != nullptr || greeting_->context != nullptr;
  (is_tls ? counters.handshake_timeouts : counters.first_bytes_timeouts).add();
  die();
}

void Connection::on_connected() {
  unblock();
  const Dial& dial = *greeting_->dial;
  const int error =
      greeting_->error != 0 ? greeting_->error : connect_error(socket_.get(), dial.address);
  if (error != 0) return fail_dial(kind_of(error), reason_of(error));
  if (dial.tls != nullptr) {
    session_ = std::make_unique<tls::Session>(*dial.tls, dial.server_name, socket_.get());
    state_ = State::handshaking;
    return shake_hands_later();
  }
  begin({}, {});
  if (state_ == State::open) set_interest();
}

void Connection::fail_dial(DialError error, std::string what) {
  const std::unique_ptr<Dial> dial = std::move(greeting_->dial);
  owner_.counters_.dial_failures.add();
  die();
  dial->failed({.error = error, .what = std::move(what)});
}

/// Looks at what the socket holds, and takes what is the header's: what follows is OpenSSL's.
void Connection::read_proxy_header() {
  if (greeting_->is_stranger) return refuse_proxy("it is none of server.trusted_proxies");
  std::byte* const buffer = owner_.read_buffer_.get();
  const ssize_t seen = ::recv(socket_.get(), buffer, ProxyHeader::kMaxBinary, MSG_PEEK);
  if (seen < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (seen <= 0) return die();
  ProxyHeader& header = *greeting_->proxy;
  const std::size_t taken = header.take(text_of({buffer, static_cast<std::size_t>(seen)}));
  if (taken > 0 && ::recv(socket_.get(), buffer, taken, 0) < 0) return die();
  if (header.is_bad()) return refuse_proxy(header.fault());
  if (!header.is_complete()) return;
  if (header.has_client()) {
    greeting_->via = std::exchange(greeting_->peer, header.client().host());
  }
  greeting_->had_tls = header.had_tls();
  greeting_->speaks_h2 = greeting_->context == nullptr && header.alpn() == "h2";
  greeting_->proxy.reset();
  knock();
}

/// By a FIN: a reset would look like a fault of the network to who configured the balancer.
void Connection::refuse_proxy(std::string_view why) {
  owner_.counters_.proxy_refusals.add();
  if (owner_.may_complain()) {
    log::warning("a connection from {} is refused: {}", greeting_->peer, why);
  }
  linger();
}

void Connection::shake_hands_later() {
  if (ListHook<UnreadTag>::is_linked()) return;
  owner_.shaking_.push_back(*this);
  if (++owner_.shaking_size_ <= owner_.options_.handshakes_per_turn) return;
  owner_.counters_.handshakes_put_off.add();
  // Its turn comes without asking; until then it would be reported in each.
  poll(false);
}

void Connection::shake_hands() {
  if (session_ == nullptr) {
    session_ = std::make_unique<tls::Session>(*greeting_->context, socket_.get());
    greeting_->context.reset();
  }
  switch (session_->handshake()) {
    case Io::ok: {
      owner_.counters_.handshakes.add();
      if (session_->is_resumed()) owner_.counters_.resumptions.add();
      begin(session_->alpn(), {});
      // The first request often comes with the end of the handshake.
      if (state_ == State::open) read();
      return;
    }
    case Io::want_read:
      return set_interest();
    case Io::want_write:
      return block({});
    case Io::closed:
      if (!is_ours_) return die();
      return fail_dial(DialError::tls, "the server closed the connection in the TLS handshake");
    case Io::failed:
      owner_.counters_.handshake_failures.add();
      if (is_ours_) return fail_dial(DialError::tls, session_->error());
      log::debug("TLS handshake with {} failed: {}", greeting_->peer, session_->error());
      return linger();  // The alert that says why is on its way.
  }
}

void Connection::sniff() {
  const IoResult result = receive();
  if (result.io == Io::want_read) return;
  if (result.io != Io::ok) return die();
  std::span<const std::byte> seen(owner_.read_buffer_.get(), result.n);
  std::string first = std::move(greeting_->first);
  if (!first.empty()) {
    first.append(text_of(seen));
    seen = bytes_of(first);
  }
  const std::string_view beginning = text_of(seen).substr(0, kPreface.size());
  const bool is_preface = kPreface.starts_with(beginning);
  if (is_preface && beginning.size() < kPreface.size()) {
    greeting_->first = beginning;
    return;
  }
  begin(is_preface ? "h2" : "http/1.1", seen);
  if (state_ == State::open) feed(seen);
  if (state_ == State::open) set_interest();
}

void Connection::begin(std::string_view alpn, std::span<const std::byte> first) {
  unblock();
  state_ = State::open;
  protocol_ = make_protocol(alpn, first);
  greeting_.reset();
  if (protocol_ == nullptr) return linger();
  arm_open(protocol_->check(owner_.loop_.now()));
  flush_later();
}

std::unique_ptr<Protocol> Connection::make_protocol(std::string_view alpn,
                                                    std::span<const std::byte> first) {
  if (is_ours_) return greeting_->dial->opened(*this, alpn);
  const Hello hello{.id = greeting_->id,
                    .peer = std::move(greeting_->peer),
                    .via = std::move(greeting_->via),
                    .is_tls = session_ != nullptr || greeting_->had_tls,
                    .alpn = alpn.empty() ? "http/1.1" : alpn,
                    .first = first,
                    .listener = greeting_->listener,
                    .certificate = session_ ? session_->peer_certificate() : nullptr};
  return owner_.factory_(*this, hello);
}

}  // namespace sluice::net
