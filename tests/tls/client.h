/// What tests need to speak TLS: a certificate in a folder of its own, and a client.
#pragma once

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "gateway/base/c_handle.h"
#include "tls/context.h"
#include "tls/self_signed.h"

namespace sluice::tls {

/// A folder that is gone when the test is.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    char path[] = "/tmp/sluice-test-XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    path_ = path;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// A fresh self-signed certificate and its key.
struct TestCertificate {
  TestCertificate() { REQUIRE(make_self_signed(certificate, key)); }
  [[nodiscard]] CertificateFiles files() const { return {.certificate = certificate, .key = key}; }
  [[nodiscard]] Options options() const {
    const auto loaded = Certificate::load(files());
    REQUIRE(loaded);
    return {.certificates = {*loaded}};
  }
  [[nodiscard]] std::shared_ptr<Context> context() const {
    auto made = Context::create(options());
    REQUIRE(made);
    return *made;
  }

  TemporaryFolder folder;
  std::string certificate = folder.file("cert.pem");
  std::string key = folder.file("key.pem");
};

struct SocketPair {
  UniqueFd server;
  UniqueFd client;
};

inline SocketPair socket_pair() {
  std::array<int, 2> fds{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
  return {.server = UniqueFd(fds[0]), .client = UniqueFd(fds[1])};
}

/// The client's side of TLS on a non-blocking socket it owns. It believes every certificate.
class TestClient {
 public:
  struct Wishes {
    std::string alpn{};  ///< In wire form: "\x02h2".
    int highest_version = TLS1_3_VERSION;
    SSL_SESSION* resume = nullptr;
    std::string suites{};       ///< Of TLS 1.3, the best first; empty: OpenSSL's.
    bool old_versions = false;  ///< Lowers OpenSSL's own guard against TLS 1.1.
    std::string name{};         ///< Whom it asks for (SNI).
    bool wants_staple = false;
    CertificateFiles shows{};  ///< Its own certificate, if it is asked for one.
  };

  TestClient(UniqueFd socket, const Wishes& wishes)
      : socket_(std::move(socket)), context_(SSL_CTX_new(TLS_client_method())) {
    if (wishes.old_versions) SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), wishes.highest_version);
    SSL_CTX_set_mode(context_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!wishes.suites.empty()) SSL_CTX_set_ciphersuites(context_.get(), wishes.suites.c_str());
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.get());
    SSL_set_connect_state(ssl_.get());
    const auto* alpn =
        static_cast<const unsigned char*>(static_cast<const void*>(wishes.alpn.data()));
    SSL_set_alpn_protos(ssl_.get(), alpn, static_cast<unsigned int>(wishes.alpn.size()));
    if (wishes.resume != nullptr) SSL_set_session(ssl_.get(), wishes.resume);
    if (!wishes.name.empty()) {
      SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(wishes.name.c_str()));
    }
    if (wishes.wants_staple) {
      SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_STATUS_REQ_TYPE, TLSEXT_STATUSTYPE_ocsp, nullptr);
    }
    if (!wishes.shows.certificate.empty()) {
      REQUIRE(SSL_use_certificate_file(ssl_.get(), wishes.shows.certificate.c_str(),
                                       SSL_FILETYPE_PEM) == 1);
      REQUIRE(SSL_use_PrivateKey_file(ssl_.get(), wishes.shows.key.c_str(), SSL_FILETYPE_PEM) == 1);
    }
  }

  /// True when the handshake is complete; call it again until then.
  bool handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result != 1) note(result);
    return result == 1;
  }
  /// What has arrived; "" is nothing yet.
  std::string read() {
    std::string text(32768, '\0');
    std::size_t n = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), text.data(), text.size(), &n);
    if (result != 1) note(result);
    text.resize(result == 1 ? n : 0);
    return text;
  }
  /// How many bytes were taken.
  std::size_t write(std::string_view text) {
    std::size_t n = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), text.data(), text.size(), &n);
    if (result != 1) note(result);
    return result == 1 ? n : 0;
  }
  void close_notify() { SSL_shutdown(ssl_.get()); }

  /// The reason of the failure, "closed" after close_notify, "" while all is well.
  [[nodiscard]] const std::string& end() const { return end_; }
  [[nodiscard]] bool is_resumed() const { return SSL_session_reused(ssl_.get()) != 0; }
  /// The common name of the server's certificate.
  [[nodiscard]] std::string shown() const {
    const CHandle<X509, X509_free> server(SSL_get1_peer_certificate(ssl_.get()));
    char name[256] = "";
    if (server) {
      X509_NAME_get_text_by_NID(X509_get_subject_name(server.get()), NID_commonName, name,
                                sizeof name);
    }
    return name;
  }
  /// What was stapled to it.
  [[nodiscard]] std::string staple() const {
    const unsigned char* response = nullptr;
    const long size = SSL_ctrl(ssl_.get(), SSL_CTRL_GET_TLSEXT_STATUS_REQ_OCSP_RESP, 0, &response);
    if (size <= 0) return {};
    return {static_cast<const char*>(static_cast<const void*>(response)),
            static_cast<std::size_t>(size)};
  }
  [[nodiscard]] CHandle<SSL_SESSION, SSL_SESSION_free> session() const {
    // One of a connection that ended without a word would be good for nothing.
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    return CHandle<SSL_SESSION, SSL_SESSION_free>(SSL_get1_session(ssl_.get()));
  }
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  void note(int result) {
    if (!end_.empty()) return;
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_ZERO_RETURN) end_ = "closed";
    if (error == SSL_ERROR_SYSCALL) end_ = "connection lost";
    if (error == SSL_ERROR_SSL) end_ = ERR_reason_error_string(ERR_peek_error());
  }

  UniqueFd socket_;
  CHandle<SSL_CTX, SSL_CTX_free> context_;
  CHandle<SSL, SSL_free> ssl_;
  std::string end_;
};

}  // namespace sluice::tls
