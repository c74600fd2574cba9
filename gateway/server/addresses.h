/// Addresses: what each client's address holds in all workers together: connections, TLS handshakes
/// of late, and event streams. An IPv6 client is its /64: that is what one subscriber is given.
///
/// The address of a connection is its peer's, or whom its PROXY header names; that of a stream is
/// whom the trusted proxies before it name. Whoever is exempt, and what is no address, is not
/// counted.
///
///   at the limit of      what happens
///   connections          the next one waits, without a TLS session, for one of its address to end
///   handshakes a second  the next one waits in the same way for its turn (a token bucket)
///   streams              the next one is parked
///
/// Owner      server::Shared. Thread  any, under one mutex: for a connection one look-up, and two
///            short locks more; for a stream one look-up and a lock; for an event nothing.
/// Limits     an entry is there while its address holds something, and until its bucket is full
///            again; of those that hold nothing kMostIdle, the oldest is forgotten. So the table is
///            bounded by limits.connections and limits.streams, and by that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/http/forwarded.h"
#include "gateway/net/doorkeeper.h"

namespace sluice::server {

/// Of one address. 0: no limit.
struct AddressOptions {
  std::size_t connections = 2'000;
  std::size_t handshakes_per_second = 200;
  std::size_t handshakes = 1'000;  ///< At once, after a pause.
  std::size_t streams = 20'000;
  /// Not counted: this machine and private networks, where balancers and own services are.
  std::vector<std::string> exempt{"127.0.0.0/8",    "::1",      "10.0.0.0/8", "172.16.0.0/12",
                                  "192.168.0.0/16", "fc00::/7", "fe80::/10"};
};

class Addresses final : public net::Doorkeeper {
 public:
  static constexpr std::size_t kMostIdle = 65'536;

  /// `exempt`: all networks that are not counted, the trusted proxies among them.
  Addresses(const AddressOptions& options, http::Networks exempt, const Clock& clock);
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;

  Guest* knock(std::string_view address) override;
  Verdict enter(Guest& guest, bool by_tls) override;
  void leave(Guest& guest, bool was_in) override;

  using Bytes = std::array<std::uint8_t, 16>;
  struct IdleTag;
  /// Of one address; for nobody else.
  struct Entry final : Guest, ListHook<IdleTag> {
    Entry(Addresses& owner_, const Bytes& address_, double tokens_, TimePoint filled_)
        : owner(owner_), address(address_), tokens(tokens_), filled(filled_) {}

    Addresses& owner;
    const Bytes address;
    double tokens;  ///< Of the handshakes, when it was `filled` last.
    TimePoint filled;
    std::size_t held = 0;  ///< Connections, those that wait too, and streams.
    std::size_t connections = 0;
    std::size_t streams = 0;
  };
  struct EndStream {
    void operator()(Entry* entry) const noexcept;
  };
  /// A stream that counts for its address as long as this lives. Null: it is not counted.
  using Stream = std::unique_ptr<Entry, EndStream>;
  /// None: the address holds as many as it may.
  std::optional<Stream> open_stream(std::string_view address);

  /// How many addresses are in the table.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Hash {
    std::size_t operator()(const Bytes& bytes) const;
    std::uint64_t seed;  ///< Clients choose what is hashed.
  };

  /// Null: it is not counted.
  Entry* find(std::string_view address);
  void let_go(Entry& entry);
  void forget_idle(TimePoint now);
  bool take_token(Entry& entry, TimePoint now);
  [[nodiscard]] double level(const Entry& entry, TimePoint now) const;
  void complain(const Entry& entry, TimePoint now, std::string_view what, std::string_view option);

  // Set in the constructor.
  const AddressOptions& options_;
  const http::Networks exempt_;
  const Clock& clock_;
  // Any thread, under mutex_.
  mutable std::mutex mutex_;
  std::unordered_map<Bytes, Entry, Hash> entries_;
  IntrusiveList<Entry, IdleTag> idle_;  ///< They hold nothing; the first has for longest.
  std::size_t idle_size_ = 0;
  TimePoint next_complaint_{};
};

}  // namespace sluice::server
