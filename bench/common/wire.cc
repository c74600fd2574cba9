#include "bench/common/wire.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>
#include <sys/socket.h>

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "bench/common/args.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kH2 = "\x02h2";

TlsContextPtr tls13(const SSL_METHOD* method) {
  TlsContextPtr context(SSL_CTX_new(method));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_set1_groups_list(context.get(), "X25519") != 1) {
    die("OpenSSL cannot make a TLS 1.3 context");
  }
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

// NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's
int choose_h2(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offer,
              unsigned offer_size, void*) noexcept {
  unsigned char* chosen = nullptr;
  const auto* ours = reinterpret_cast<const unsigned char*>(kH2.data());
  if (SSL_select_next_proto(&chosen, out_size, ours, static_cast<unsigned>(kH2.size()), offer,
                            offer_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int clamp(std::size_t size) {
  return static_cast<int>(std::min(size, static_cast<std::size_t>(INT_MAX)));
}

Progress after_system_call(Progress when_blocked) {
  return errno == EAGAIN || errno == EINTR ? when_blocked : Progress::closed;
}

}  // namespace

void TlsContextFree::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}
void TlsFree::operator()(ssl_st* tls) const noexcept {
  SSL_free(tls);
}

TlsContextPtr client_context(std::string_view alpn) {
  auto context = tls13(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_read_ahead(context.get(), 1);  // one recv() for a record, not two
  std::string wire_form(1, static_cast<char>(alpn.size()));
  wire_form.append(alpn);
  SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(wire_form.data()),
                          static_cast<unsigned>(wire_form.size()));
  return context;
}

TlsContextPtr server_context(const char* certificate_file, const char* key_file) {
  auto context = tls13(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file) != 1) {
    die(fmt::format("{}: not a certificate", certificate_file));
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file, SSL_FILETYPE_PEM) != 1) {
    die(fmt::format("{}: not the certificate's key", key_file));
  }
  SSL_CTX_set_alpn_select_cb(context.get(), choose_h2, nullptr);
  return context;
}

Wire Wire::tls_client(Fd fd, ssl_ctx_st* context, const char* host) {
  TlsPtr tls(SSL_new(context));
  SSL_set_fd(tls.get(), fd.get());
  // What the macro SSL_set_tlsext_host_name() does, without its C casts.
  SSL_ctrl(tls.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(host));
  SSL_set_connect_state(tls.get());
  return {std::move(fd), std::move(tls)};
}

Wire Wire::tls_server(Fd fd, ssl_ctx_st* context) {
  TlsPtr tls(SSL_new(context));
  SSL_set_fd(tls.get(), fd.get());
  SSL_set_accept_state(tls.get());
  return {std::move(fd), std::move(tls)};
}

Progress Wire::open() {
  if (!tls_) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? Progress::done : Progress::closed;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(tls_.get());
  return result == 1 ? Progress::done : why(result);
}

Wire::Moved Wire::read(std::span<char> into) {
  if (!tls_) {
    const auto got = recv(fd_.get(), into.data(), into.size(), 0);
    if (got > 0) return {Progress::done, static_cast<std::size_t>(got)};
    return {got == 0 ? Progress::closed : after_system_call(Progress::wants_read)};
  }
  ERR_clear_error();
  const int got = SSL_read(tls_.get(), into.data(), clamp(into.size()));
  if (got > 0) return {Progress::done, static_cast<std::size_t>(got)};
  return {why(got)};
}

Wire::Moved Wire::write(std::string_view bytes) {
  if (!tls_) {
    const auto sent = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {Progress::done, static_cast<std::size_t>(sent)};
    return {after_system_call(Progress::wants_write)};
  }
  ERR_clear_error();
  const int sent = SSL_write(tls_.get(), bytes.data(), clamp(bytes.size()));
  if (sent > 0) return {Progress::done, static_cast<std::size_t>(sent)};
  return {why(sent)};
}

bool Wire::has_pending() const {
  return tls_ && SSL_has_pending(tls_.get()) == 1;
}

Progress Wire::why(int result) const {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Progress::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return Progress::wants_write;
    default:
      return Progress::closed;
  }
}

}  // namespace sluice::bench
