/// TicketKeys: what session tickets are encrypted with, so that a client that comes back needs no
/// whole handshake: to this process, to one that was started anew, to another instance.
///
/// The first key encrypts, all decrypt. A session whose ticket an older key opened is given a new
/// ticket, under the first. Keys come from files, which instances share; or they are random ones of
/// this process, of which rotate() makes a new one and keeps the former until the next time.
///
/// Owner   shared by all contexts of the process, also across a reload.
/// Thread  any: a mutex, held for the copy of a pointer.
/// Errors  read() names the file and what is wrong with it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/base/result.h"

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;
struct ssl_ctx_st;

namespace sluice::tls {

/// As the files of nginx's `ssl_session_ticket_key` have it: 48 bytes (AES-128), or 80 (AES-256).
struct TicketKey {
  /// Readable by its owner and group at most.
  static Result<TicketKey> read(const std::string& file);
  static TicketKey random();

  using Name = std::array<unsigned char, 16>;
  Name name{};  ///< Stands in the ticket.
  std::array<unsigned char, 32> cipher_key{};
  std::array<unsigned char, 32> mac_key{};
  std::size_t size = 32;  ///< Of both keys: 16 or 32.
};

class TicketKeys {
 public:
  using Set = std::vector<TicketKey>;

  /// With one random key.
  TicketKeys();
  /// Takes those of files, at least one, instead of all that there were.
  void use(Set keys);
  /// A new random key before the former one. Where keys are of files: nothing.
  void rotate();
  /// Random ones again, where they were of files.
  void use_random();
  [[nodiscard]] bool are_random() const;
  [[nodiscard]] std::size_t size() const { return snapshot()->size(); }

  struct Counts {
    std::uint64_t current;  ///< Tickets that the first key opened.
    std::uint64_t former;   ///< That another one opened.
    std::uint64_t unknown;  ///< That none did: their clients made whole handshakes.
  };
  [[nodiscard]] Counts counts() const;

  /// For Context: tickets of `context` are made and opened with `keys`.
  static bool use_for(ssl_ctx_st* context, const std::shared_ptr<TicketKeys>& keys);

 private:
  struct Callbacks;
  using SetPtr = std::shared_ptr<const Set>;
  [[nodiscard]] SetPtr snapshot() const;

  std::atomic<std::uint64_t> current_{0};
  std::atomic<std::uint64_t> former_{0};
  std::atomic<std::uint64_t> unknown_{0};
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  SetPtr set_;
  bool are_random_ = true;
};

}  // namespace sluice::tls
