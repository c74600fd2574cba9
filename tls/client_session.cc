#include "tls/client_session.h"

#include <array>

#include "tls/handles.h"
#include "tls/profile.h"

namespace sluice::tls {
namespace {

/// "\x08http/1.1": ALPN, with its length.
constexpr std::array<unsigned char, 9> kHttp1{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

}  // namespace

Result<std::unique_ptr<ClientSession>> ClientSession::open(int fd, const Options& options) {
  const SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(Errc::io, "TLS: " + take_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const int loaded = options.ca_file.empty()
                         ? SSL_CTX_set_default_verify_paths(context.get())
                         : SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str());
  if (loaded != 1) {
    ERR_clear_error();
    return fail(Errc::invalid, "the CA file holds no certificate");
  }
  SSL_CTX_set_verify(context.get(), options.is_insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     nullptr);
  std::unique_ptr<ClientSession> session(new ClientSession(SSL_new(context.get())));
  SSL* ssl = session->ssl_;
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1 || !expect_host(ssl, options.host) ||
      SSL_set_alpn_protos(ssl, kHttp1.data(), kHttp1.size()) != 0) {
    return fail(Errc::io, "TLS: " + take_error());
  }
  if (SSL_connect(ssl) == 1) return session;
  if (const long verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK) {
    ERR_clear_error();
    return fail(Errc::denied, X509_verify_cert_error_string(verdict));
  }
  return fail(Errc::io, take_error());
}

ClientSession::~ClientSession() {
  SSL_free(ssl_);
}

IoResult ClientSession::read(std::span<std::byte> into) {
  ERR_clear_error();
  std::size_t n = 0;
  const int result = SSL_read_ex(ssl_, into.data(), into.size(), &n);
  return result == 1 ? IoResult{Io::ok, n} : IoResult{verdict(result), 0};
}

IoResult ClientSession::write(std::span<const std::byte> bytes) {
  ERR_clear_error();
  std::size_t n = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n);
  return result == 1 ? IoResult{Io::ok, n} : IoResult{verdict(result), 0};
}

Io ClientSession::verdict(int result) const {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Io::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Io::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return Io::closed;
    default:
      ERR_clear_error();
      return Io::failed;
  }
}

}  // namespace sluice::tls
