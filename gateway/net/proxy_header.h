/// ProxyHeader: what a load balancer says of a connection before its first byte: who is behind it.
/// The PROXY protocol, versions 1 (a line) and 2 (binary), as HAProxy's proxy-protocol.txt has it.
///
/// A listener has it or has it not; nobody guesses, or every client could say who he is. Nothing of
/// what follows the header may be read with it: with TLS that is OpenSSL's. So bytes are looked at
/// in the socket (MSG_PEEK), take() says how many of them are the header's, and only those are
/// consumed.
///
///   beginning ─► line | binary ─► complete
///                          └────► bad: fault() says why
///
/// Owner   the connection, while it greets. Thread  its worker's.
/// Limits  kMaxLine, kMaxBinary: what says to be longer is bad.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/net/address.h"

namespace sluice::net {

class ProxyHeader {
 public:
  static constexpr std::size_t kMaxLine = 107;     ///< Bytes, its CR LF included.
  static constexpr std::size_t kMaxBinary = 4096;  ///< Bytes behind the first 16.

  /// `seen`: what the socket holds. How many of its bytes, from the front, are the header's: they
  /// are taken, and must not be given again. What is complete or bad takes no more.
  std::size_t take(std::string_view seen);

  [[nodiscard]] bool is_complete() const { return state_ == State::complete; }
  [[nodiscard]] bool is_bad() const { return state_ == State::bad; }
  /// What is wrong with it, for the log.
  [[nodiscard]] std::string_view fault() const { return fault_; }

  // Of a complete one.
  /// False: the balancer speaks for itself (LOCAL, a health check) or does not know (UNKNOWN).
  [[nodiscard]] bool has_client() const { return source_.size() > 0; }
  [[nodiscard]] const SocketAddress& client() const { return source_; }
  /// The client's connection to the balancer had TLS.
  [[nodiscard]] bool had_tls() const { return had_tls_; }
  /// What the balancer and the client have agreed to speak; empty: it does not say.
  [[nodiscard]] const std::string& alpn() const { return alpn_; }

 private:
  enum class State : std::uint8_t { beginning, line, binary, complete, bad };

  std::size_t take_line(std::string_view seen);
  std::size_t take_binary(std::string_view seen);
  void read_line(std::string_view line);
  void read_binary();
  void read_addresses(unsigned family, std::string_view payload);
  void read_extensions(std::string_view extensions);
  void read_extension(unsigned type, std::string_view value, std::size_t at);
  void fail(std::string_view fault);

  State state_ = State::beginning;
  bool had_tls_ = false;
  std::string text_;  ///< What was taken.
  std::string alpn_;
  SocketAddress source_;
  std::string_view fault_;
};

}  // namespace sluice::net
