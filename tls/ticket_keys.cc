#include "tls/ticket_keys.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <iterator>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "gateway/base/assert.h"
#include "gateway/base/file.h"
#include "tls/handles.h"
#include "tls/profile.h"

namespace sluice::tls {
namespace {

constexpr std::size_t kShort = 48;
constexpr std::size_t kLong = 80;

/// What a callback says of a ticket.
enum Verdict : int { failed = -1, unknown = 0, opened = 1, opened_renew = 2 };

using Bytes = std::array<unsigned char, kLong + 1>;

void fill_at_random(unsigned char* into, std::size_t size) {
  SLUICE_ASSERT(RAND_bytes(into, static_cast<int>(size)) == 1, "there is no randomness for keys");
}

bool prepare_mac(EVP_MAC_CTX* mac, const TicketKey& key) {
  // Neither is written to, though the type would allow it.
  auto* bytes = const_cast<unsigned char*>(key.mac_key.data());
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, key.size),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

const EVP_CIPHER* cipher_of(const TicketKey& key) {
  return key.size == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
}

int index_of_keys() {
  const auto free = [](void*, void* keys, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<std::shared_ptr<TicketKeys>*>(keys);
  };
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free);
  return index;
}

}  // namespace

/// What OpenSSL calls for each ticket.
struct TicketKeys::Callbacks {
  // NOLINTNEXTLINE(readability-function-size): OpenSSL chose the parameters.
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int is_making) {
    auto* keys = static_cast<std::shared_ptr<TicketKeys>*>(
        SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_keys()));
    if (keys == nullptr) return failed;
    const SetPtr set = (*keys)->snapshot();
    if (is_making == 1) return seal(set->front(), name, iv, cipher, mac);
    const auto found = std::find_if(set->begin(), set->end(), [&](const TicketKey& each) {
      return std::equal(each.name.begin(), each.name.end(), name);
    });
    if (found == set->end()) {
      (*keys)->unknown_.fetch_add(1, std::memory_order_relaxed);
      return unknown;
    }
    const bool is_first = found == set->begin();
    (is_first ? (*keys)->current_ : (*keys)->former_).fetch_add(1, std::memory_order_relaxed);
    if (!prepare_mac(mac, *found) ||
        EVP_DecryptInit_ex2(cipher, cipher_of(*found), found->cipher_key.data(), iv, nullptr) !=
            1) {
      return failed;
    }
    // A ticket of TLS 1.3 is used once (RFC 8446 §C.4): without another one the client would have
    // none the next time.
    return is_first && SSL_version(ssl) < TLS1_3_VERSION ? opened : opened_renew;
  }

  // NOLINTNEXTLINE(readability-function-size): the same.
  static int seal(const TicketKey& key, unsigned char* name, unsigned char* iv,
                  EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher_of(key))) != 1) return failed;
    std::copy(key.name.begin(), key.name.end(), name);
    const bool is_ready =
        prepare_mac(mac, key) &&
        EVP_EncryptInit_ex2(cipher, cipher_of(key), key.cipher_key.data(), iv, nullptr) == 1;
    return is_ready ? opened : failed;
  }
};

TicketKey TicketKey::random() {
  TicketKey key;
  fill_at_random(key.name.data(), key.name.size());
  fill_at_random(key.cipher_key.data(), key.cipher_key.size());
  fill_at_random(key.mac_key.data(), key.mac_key.size());
  return key;
}

Result<TicketKey> TicketKey::read(const std::string& file) {
  const auto fd = open_file(file, "the ticket key");
  if (!fd) return tl::unexpected(fd.error());
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) {
    return fail(Errc::io, fmt::format("cannot read the ticket key {}: {}", file,
                                      std::generic_category().message(errno)));
  }
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return fail(
        Errc::denied,
        fmt::format("{} is open to every user of this machine, and who has it can read what "
                    "clients sent: chmod 640, or 600",
                    file));
  }
  Bytes bytes{};
  const ssize_t n = ::read(fd->get(), bytes.data(), bytes.size());
  const auto size = static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  if (size != kShort && size != kLong) {
    return fail(Errc::invalid, fmt::format("{} is no ticket key: it must have 48 or 80 bytes, as "
                                           "`openssl rand 80` makes them",
                                           file));
  }
  TicketKey key{.size = size == kShort ? 16U : 32U};
  const auto* at = bytes.data();
  const auto take = [&at](auto& into, std::size_t count) {
    std::copy_n(at, count, into.begin());
    at += count;
  };
  take(key.name, key.name.size());
  take(size == kShort ? key.cipher_key : key.mac_key, key.size);
  take(size == kShort ? key.mac_key : key.cipher_key, key.size);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

TicketKeys::TicketKeys() : set_(std::make_shared<const Set>(Set{TicketKey::random()})) {}

void TicketKeys::use(Set keys) {
  SLUICE_ASSERT(!keys.empty(), "tickets need a key");
  const std::scoped_lock lock(mutex_);
  set_ = std::make_shared<const Set>(std::move(keys));
  are_random_ = false;
}

void TicketKeys::use_random() {
  const std::scoped_lock lock(mutex_);
  if (are_random_) return;
  set_ = std::make_shared<const Set>(Set{TicketKey::random()});
  are_random_ = true;
}

void TicketKeys::rotate() {
  const std::scoped_lock lock(mutex_);
  if (!are_random_) return;
  set_ = std::make_shared<const Set>(Set{TicketKey::random(), set_->front()});
}

bool TicketKeys::are_random() const {
  const std::scoped_lock lock(mutex_);
  return are_random_;
}

TicketKeys::SetPtr TicketKeys::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return set_;
}

TicketKeys::Counts TicketKeys::counts() const {
  return {.current = current_.load(std::memory_order_relaxed),
          .former = former_.load(std::memory_order_relaxed),
          .unknown = unknown_.load(std::memory_order_relaxed)};
}

bool TicketKeys::use_for(ssl_ctx_st* context, const std::shared_ptr<TicketKeys>& keys) {
  auto owned = std::make_unique<std::shared_ptr<TicketKeys>>(keys);
  if (SSL_CTX_set_ex_data(context, index_of_keys(), owned.get()) != 1) return false;
  static_cast<void>(owned.release());
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &Callbacks::on_ticket) == 1;
}

}  // namespace sluice::tls
