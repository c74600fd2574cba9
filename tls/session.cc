#include "tls/session.h"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <system_error>
#include <utility>

#include "gateway/base/assert.h"
#include "tls/client_context.h"
#include "tls/context.h"
#include "tls/handles.h"
#include "tls/names.h"

namespace sluice::tls {

/// The socket as OpenSSL sees it. OpenSSL's own socket BIO writes with write(2), which raises
/// SIGPIPE; this one sends with MSG_NOSIGNAL and counts what went out.
struct Session::Callbacks {
  static bool is_transient(int error) { return error == EAGAIN || error == EINTR; }
  static int bio_write(BIO* bio, const char* bytes, int size) noexcept {
    auto* self = static_cast<Session*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const int flags = MSG_NOSIGNAL | (self->has_more_ ? MSG_MORE : 0);
    const auto n = ::send(self->fd_, bytes, static_cast<std::size_t>(size), flags);
    if (n >= 0) {
      self->bytes_sent_ += static_cast<std::uint64_t>(n);
      return static_cast<int>(n);
    }
    self->last_errno_ = errno;
    if (is_transient(errno)) BIO_set_retry_write(bio);
    return -1;
  }
  static int bio_read(BIO* bio, char* into, int size) noexcept {
    auto* self = static_cast<Session*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const auto n = ::recv(self->fd_, into, static_cast<std::size_t>(size), 0);
    if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    if (n >= 0) return static_cast<int>(n);
    self->last_errno_ = errno;
    if (is_transient(errno)) BIO_set_retry_read(bio);
    return -1;
  }
  static long bio_ctrl(BIO* bio, int command, long, void*) noexcept {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return 0;
  }
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
      SLUICE_ASSERT(method != nullptr, "OpenSSL gives no BIO method");
      BIO_meth_set_write(method, &bio_write);
      BIO_meth_set_read(method, &bio_read);
      BIO_meth_set_ctrl(method, &bio_ctrl);
      return method;
    }();
    return made;
  }
};

Session::Session(const Context& context, int fd) : ssl_(SSL_new(context.handle())), fd_(fd) {
  SLUICE_ASSERT(ssl_ != nullptr, "out of memory for a TLS session");
  SSL_set_accept_state(ssl_);
  take_socket();
}

Session::Session(const ClientContext& context, std::string_view host, int fd)
    : ssl_(context.open(std::string(host))), fd_(fd) {
  if (ssl_ == nullptr) {
    error_ = "no server can have this name";
    return;
  }
  take_socket();
}

void Session::take_socket() {
  BIO* bio = BIO_new(Callbacks::method());
  SLUICE_ASSERT(bio != nullptr, "out of memory for a TLS session");
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
}

Session::~Session() {
  SSL_free(ssl_);
}

Io Session::handshake() {
  if (!error_.empty()) return Io::failed;
  forget_errors();
  last_errno_ = 0;
  const int result = SSL_do_handshake(ssl_);
  return result == 1 ? Io::ok : verdict(result);
}

IoResult Session::read(std::span<std::byte> into) {
  forget_errors();
  last_errno_ = 0;
  std::size_t n = 0;
  const int result = SSL_read_ex(ssl_, into.data(), into.size(), &n);
  return result == 1 ? IoResult{Io::ok, n} : IoResult{verdict(result), 0};
}

IoResult Session::write(std::span<const std::byte> bytes, bool has_more) {
  if (bytes.empty()) return {Io::ok, 0};
  has_more_ = has_more;
  forget_errors();
  last_errno_ = 0;
  std::size_t n = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n);
  has_more_ = false;
  return result == 1 ? IoResult{Io::ok, n} : IoResult{verdict(result), 0};
}

void Session::shutdown() {
  if (!error_.empty() || SSL_in_init(ssl_) != 0) return;
  forget_errors();
  SSL_shutdown(ssl_);
  forget_errors();
}

Io Session::verdict(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Io::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Io::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return Io::closed;
    case SSL_ERROR_SYSCALL:
      if (last_errno_ == 0) return Io::closed;  // End of file in the middle of the handshake.
      error_ = std::generic_category().message(last_errno_);
      return Io::failed;
    default:
      error_ = reason();
      return Io::failed;
  }
}

/// Why a certificate is not believed stands beside the queue of errors.
std::string Session::reason() const {
  // Behind a signature that is not its issuer's stand the reasons of the cryptography, first.
  const bool is_distrust = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  std::string reason = take_error();
  if (is_distrust) reason = X509_verify_cert_error_string(SSL_get_verify_result(ssl_));
  return reason;
}

bool Session::has_pending() const {
  return SSL_has_pending(ssl_) != 0;
}

std::string_view Session::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  if (name == nullptr) return {};
  return {static_cast<const char*>(static_cast<const void*>(name)), size};
}

bool Session::is_resumed() const {
  return SSL_session_reused(ssl_) != 0;
}
PeerCertificatePtr Session::peer_certificate() const {
  const X509* peer = SSL_get0_peer_certificate(ssl_);
  if (peer == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return nullptr;
  if (X509_cmp_current_time(X509_get0_notAfter(peer)) < 0) return nullptr;
  PeerCertificate certificate = alternative_names(peer);
  certificate.subject = subject_of(peer);
  return std::make_shared<const PeerCertificate>(std::move(certificate));
}

std::string Session::version() const {
  return SSL_get_version(ssl_);
}
std::string Session::cipher() const {
  return SSL_get_cipher_name(ssl_);
}

}  // namespace sluice::tls
