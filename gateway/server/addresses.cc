#include "gateway/server/addresses.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/base/random.h"

namespace sluice::server {
namespace {

constexpr auto kBetweenComplaints = std::chrono::minutes(1);
constexpr std::size_t kMapped = 12;  ///< Bytes of ::ffff:0:0/96, where IPv4 lives.

bool is_v4(const std::array<std::uint8_t, 16>& bytes) {
  constexpr std::array<std::uint8_t, kMapped> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kPrefix.begin(), kPrefix.end(), bytes.begin());
}

std::string shown(const std::array<std::uint8_t, 16>& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4(bytes)) {
    ::inet_ntop(AF_INET, &bytes[kMapped], text.data(), text.size());
    return text.data();
  }
  ::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return std::string(text.data()) + "/64";
}

/// The finaliser of splitmix64: each bit of the sum depends on all of both.
std::uint64_t mixed(std::uint64_t sum, std::uint64_t more) {
  std::uint64_t x = sum + more + 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  const std::string bytes = secret_bytes(sizeof seed);
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

}  // namespace

std::size_t Addresses::Hash::operator()(const Bytes& bytes) const {
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), bytes.data(), sizeof halves);
  return static_cast<std::size_t>(mixed(mixed(seed, halves[0]), halves[1]));
}

Addresses::Addresses(const AddressOptions& options, http::Networks exempt, const Clock& clock)
    : options_(options),
      exempt_(std::move(exempt)),
      clock_(clock),
      entries_(0, Hash{random_seed()}) {}

// --- The table ----------------------------------------------------------------------------------

Addresses::Entry* Addresses::find(std::string_view address) {
  auto bytes = http::address_bytes(address);
  if (!bytes || exempt_.contains(*bytes)) return nullptr;
  if (!is_v4(*bytes)) std::fill(bytes->begin() + 8, bytes->end(), 0);
  const TimePoint now = clock_.now();
  forget_idle(now);
  const auto full = static_cast<double>(options_.handshakes);
  Entry& entry = entries_.try_emplace(*bytes, *this, *bytes, full, now).first->second;
  if (entry.is_linked()) {
    entry.unlink();
    --idle_size_;
  }
  return &entry;
}

void Addresses::let_go(Entry& entry) {
  if (--entry.held > 0) return;
  idle_.push_back(entry);
  ++idle_size_;
  forget_idle(clock_.now());
}

/// What a full bucket would be again is not remembered. A few at a time: for each that is added
/// more than one can go.
void Addresses::forget_idle(TimePoint now) {
  const auto full = static_cast<double>(options_.handshakes);
  for (int i = 0; i < 4 && !idle_.empty(); ++i) {
    Entry& oldest = idle_.front();
    const bool is_full = options_.handshakes_per_second == 0 || level(oldest, now) >= full;
    if (!is_full && idle_size_ <= kMostIdle) return;
    --idle_size_;
    entries_.erase(Bytes(oldest.address));
  }
}

// --- Connections --------------------------------------------------------------------------------

net::Doorkeeper::Guest* Addresses::knock(std::string_view address) {
  if (options_.connections == 0 && options_.handshakes_per_second == 0) return nullptr;
  const std::lock_guard lock(mutex_);
  Entry* const entry = find(address);
  if (entry == nullptr) return nullptr;
  ++entry->held;
  return entry;
}

net::Doorkeeper::Verdict Addresses::enter(Guest& guest, bool by_tls) {
  const std::lock_guard lock(mutex_);
  auto& entry = static_cast<Entry&>(guest);
  const TimePoint now = clock_.now();
  const bool has_room = options_.connections == 0 || entry.connections < options_.connections;
  if (has_room && (!by_tls || take_token(entry, now))) {
    ++entry.connections;
    return Verdict::come_in;
  }
  complain(entry, now, has_room ? "begins too many TLS handshakes" : "has too many connections",
           has_room ? "limits.handshakes_per_address" : "limits.connections_per_address");
  return has_room ? Verdict::too_fast : Verdict::too_many;
}

void Addresses::leave(Guest& guest, bool was_in) {
  const std::lock_guard lock(mutex_);
  auto& entry = static_cast<Entry&>(guest);
  if (was_in) --entry.connections;
  let_go(entry);
}

/// Workers' moments may come in another order than they were read in.
double Addresses::level(const Entry& entry, TimePoint now) const {
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - entry.filled).count());
  return std::min(static_cast<double>(options_.handshakes),
                  entry.tokens + seconds * static_cast<double>(options_.handshakes_per_second));
}

bool Addresses::take_token(Entry& entry, TimePoint now) {
  if (options_.handshakes_per_second == 0) return true;
  entry.tokens = level(entry, now);
  entry.filled = std::max(entry.filled, now);
  if (entry.tokens < 1) return false;
  entry.tokens -= 1;
  return true;
}

// --- Streams ------------------------------------------------------------------------------------

std::optional<Addresses::Stream> Addresses::open_stream(std::string_view address) {
  if (options_.streams == 0) return Stream();
  const std::lock_guard lock(mutex_);
  Entry* const entry = find(address);
  if (entry == nullptr) return Stream();
  ++entry->held;
  if (entry->streams >= options_.streams) {
    complain(*entry, clock_.now(), "has too many event streams", "limits.streams_per_address");
    let_go(*entry);
    return std::nullopt;
  }
  ++entry->streams;
  return Stream(entry);
}

void Addresses::EndStream::operator()(Entry* entry) const noexcept {
  Addresses& owner = entry->owner;
  const std::lock_guard lock(owner.mutex_);
  --entry->streams;
  owner.let_go(*entry);
}

// --- What is told -------------------------------------------------------------------------------

std::size_t Addresses::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void Addresses::complain(const Entry& entry, TimePoint now, std::string_view what,
                         std::string_view option) {
  if (now < next_complaint_) return;
  next_complaint_ = now + kBetweenComplaints;
  log::warning(
      "{} {} ({} connections, {} streams): the next ones wait, or come back later. If many clients "
      "share that address, raise {} or name it in limits.exempt; if it is a balancer's, name it in "
      "server.trusted_proxies. This is told once a minute",
      shown(entry.address), what, entry.connections, entry.streams, option);
}

}  // namespace sluice::server
