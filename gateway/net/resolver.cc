#include "gateway/net/resolver.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <netinet/in.h>
#include <span>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"

namespace sluice::net {
namespace {

using Byte = unsigned char;

/// ::ffff:0:0/96 (RFC 4291 §2.5.5.2) and 64:ff9b::/96 (RFC 6052 §2.1): the last four bytes are an
/// address of IPv4.
constexpr std::array<Byte, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<Byte, 12> kTranslated{0, 0x64, 0xff, 0x9b};

bool may_be_named(std::span<const Byte, 4> v4) {
  const bool is_this_host = v4[0] == 0;
  const bool is_link_local = v4[0] == 169 && v4[1] == 254;
  const bool is_multicast_or_reserved = v4[0] >= 224;
  return !is_this_host && !is_link_local && !is_multicast_or_reserved;
}

bool may_be_named(std::span<const Byte, 16> v6) {
  const auto prefix = v6.first<12>();
  if (std::equal(prefix.begin(), prefix.end(), kMapped.begin()) ||
      std::equal(prefix.begin(), prefix.end(), kTranslated.begin())) {
    return may_be_named(v6.last<4>());
  }
  const bool is_unspecified = std::all_of(v6.begin(), v6.end(), [](Byte b) { return b == 0; });
  const bool is_link_local = v6[0] == 0xfe && (v6[1] & 0xc0) == 0x80;
  const bool is_multicast = v6[0] == 0xff;
  return !is_unspecified && !is_link_local && !is_multicast;
}

Resolver::Addresses only_allowed(const std::string& host, Resolver::Addresses found) {
  if (!found) return found;
  std::string refused;
  std::erase_if(*found, [&refused](const SocketAddress& address) {
    if (may_be_named(address)) return false;
    if (!refused.empty()) refused += ", ";
    refused += address.host();
    return true;
  });
  if (!found->empty()) return found;
  if (refused.empty()) return fail(Errc::not_found, host + ": has no address");
  return fail(Errc::denied,
              fmt::format("{}: a name must not lead to a link-local, unspecified or multicast "
                          "address: {}",
                          host, refused));
}

Resolver::Addresses with_port(Resolver::Addresses addresses, std::uint16_t port) {
  if (addresses) {
    for (SocketAddress& address : *addresses) address.set_port(port);
  }
  return addresses;
}

}  // namespace

bool may_be_named(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address.data(), sizeof v4);
    std::array<Byte, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return may_be_named(bytes);
  }
  if (address.family() == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address.data(), sizeof v6);
    return may_be_named(std::span<const Byte, 16>(v6.sin6_addr.s6_addr));
  }
  return false;
}

/// What the resolver and its threads share; whoever goes last frees it.
struct Resolver::Shared {
  struct Waiter {
    std::uint16_t port;
    Done done;
  };
  using Waiters = std::vector<Waiter>;

  Shared(const Options& wanted, LookUp asks) : options(wanted), look_up(std::move(asks)) {}

  /// A thread's life. Under the lock but while it asks and tells.
  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      ++idle;
      changed.wait(lock, [this] { return is_ended || !queue.empty(); });
      --idle;
      if (is_ended) return;
      const std::string host = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      const Addresses found = only_allowed(host, look_up(host, 0));
      lock.lock();
      if (is_ended) return;
      Waiters waiters = std::move(pending.extract(host).mapped());
      waiting -= waiters.size();
      ++telling;
      lock.unlock();
      for (const Waiter& waiter : waiters) waiter.done(with_port(found, waiter.port));
      waiters.clear();  // What they hold may not outlive the resolver either.
      lock.lock();
      --telling;
      changed.notify_all();
    }
  }

  /// Takes `waiter` unless it says why not.
  static const char* enqueue(const std::shared_ptr<Shared>& shared, const std::string& host,
                             Waiter& waiter) {
    const std::lock_guard lock(shared->mutex);
    if (shared->waiting >= shared->options.queue) return "too many names wait to be looked up";
    const auto known = shared->pending.find(host);
    if (known == shared->pending.end()) {
      if (!has_thread_for_one_more(shared)) return "no thread can be had to look it up";
      shared->queue.push_back(host);
      shared->changed.notify_one();
    }
    ++shared->waiting;
    shared->pending[host].push_back(std::move(waiter));
    return nullptr;
  }

  /// Starts a thread if all are busy; one that cannot be had is no matter while there is another.
  static bool has_thread_for_one_more(const std::shared_ptr<Shared>& shared) {
    const bool is_enough =
        shared->queue.size() < shared->idle || shared->threads >= shared->options.threads;
    if (is_enough) return true;
    try {
      std::thread([shared] { shared->run(); }).detach();
      ++shared->threads;
    } catch (const std::system_error&) {
      return shared->threads > 0;
    }
    return true;
  }

  // Set in the constructor.
  const Options options;
  const LookUp look_up;
  // Under the mutex.
  std::mutex mutex;
  std::condition_variable changed;
  std::unordered_map<std::string, Waiters> pending;  ///< By name; those being looked up, too.
  std::deque<std::string> queue;                     ///< Names that no thread has taken yet.
  std::size_t waiting = 0;                           ///< Waiters in `pending`.
  std::size_t threads = 0;
  std::size_t idle = 0;
  std::size_t telling = 0;  ///< Threads that call `done` now.
  bool is_ended = false;
};

Resolver::Resolver(const Options& options, LookUp look_up)
    : shared_(std::make_shared<Shared>(options, std::move(look_up))) {
  SLUICE_ASSERT(options.threads > 0, "a resolver without threads answers nobody");
}

Resolver::~Resolver() {
  decltype(Shared::pending) dropped;
  std::unique_lock lock(shared_->mutex);
  shared_->is_ended = true;
  dropped.swap(shared_->pending);
  shared_->queue.clear();
  shared_->changed.notify_all();
  shared_->changed.wait(lock, [this] { return shared_->telling == 0; });
}

void Resolver::resolve(const std::string& host, std::uint16_t port, Done done) {
  Shared::Waiter waiter{.port = port, .done = std::move(done)};
  const char* fault = Shared::enqueue(shared_, host, waiter);
  if (fault != nullptr) waiter.done(fail(Errc::limit, host + ": " + fault));
}

}  // namespace sluice::net
