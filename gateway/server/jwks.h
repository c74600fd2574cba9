/// Jwks: keeps the keys of one `jwks_url` fresh, on a thread of its own.
///
/// They are fetched anew by the answer's `max-age` within bounds, and when a token names a key that
/// is not known; after a failure sooner, and the old keys stay until a new set can be read. A
/// request never waits for a fetch.
///
/// Owner   server::Gateway; ends before the KeyRing does.
/// Thread  control, but for what says otherwise. Without start(), a test drives poll().
/// Errors  are logged and counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "gateway/auth/jwk.h"
#include "gateway/auth/key_ring.h"
#include "gateway/base/clock.h"
#include "gateway/base/counters.h"
#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace sluice::server {

struct JwksOptions {
  Millis refresh{900'000};      ///< The longest time between two fetches.
  Millis min_interval{30'000};  ///< The shortest, whatever `max-age` and tokens ask for.
};

struct JwksSource {
  std::string url;
  std::string issuer;                       ///< Of every key; may be empty.
  std::string audience;                     ///< Of every key; may be empty.
  std::vector<auth::Algorithm> algorithms;  ///< Empty: all but those with shared secrets.

  bool operator==(const JwksSource&) const = default;
};

struct JwksAnswer {
  std::string text;
  std::optional<Millis> max_age;  ///< What `cache-control` says.
};
/// Ends soon when `stop` asks for it.
using JwksFetch =
    std::function<Result<JwksAnswer>(const std::string& url, const std::stop_token& stop)>;

/// When to fetch; without a thread and without a network.
class JwksSchedule {
 public:
  JwksSchedule(JwksOptions options, TimePoint now) : options_(options), due_(now) {}

  [[nodiscard]] TimePoint due() const { return due_; }
  void begin(TimePoint now) { last_ = now; }
  void succeed(TimePoint now, std::optional<Millis> max_age);
  void fail(TimePoint now);
  /// A token names a key that is not known: fetch as soon as is allowed.
  void hurry(TimePoint now);

 private:
  const JwksOptions options_;
  TimePoint due_;
  std::optional<TimePoint> last_;  ///< When the last fetch began.
  int failures_ = 0;               ///< In a row.
};

class Jwks {
 public:
  Jwks(JwksSource source, JwksOptions options, auth::KeyRing& ring, const Clock& clock,
       JwksFetch fetch);
  ~Jwks();
  Jwks(const Jwks&) = delete;
  Jwks& operator=(const Jwks&) = delete;

  void start();
  /// Cuts off the fetch that is under way; stop() waits for its end.
  void begin_stop();
  void stop();
  /// True as soon as a first fetch has ended, well or not.
  bool wait_for_first(Millis at_most);
  /// Any thread; returns at once. See KeyRing::on_unknown_key().
  void hurry();
  /// Fetches if it is time. Its own thread; or a test without one.
  void poll();

  // Any thread.
  [[nodiscard]] std::uint64_t fetches() const { return fetches_.value(); }
  [[nodiscard]] std::uint64_t failures() const { return failures_.value(); }
  [[nodiscard]] std::int64_t keys() const { return keys_.value(); }

 private:
  void run();
  Result<JwksAnswer> install(JwksAnswer answer);

  // Set in the constructor.
  const JwksSource source_;
  auth::KeyRing& ring_;
  const auth::KeyRing::Source place_;
  const Clock& clock_;
  const JwksFetch fetch_;
  // Its own thread only.
  JwksSchedule schedule_;
  std::string text_;  ///< Of the set that is in the ring.
  Counter fetches_;
  Counter failures_;
  Gauge keys_;
  // Any thread.
  std::atomic<bool> is_hurried_{false};
  std::mutex mutex_;
  std::condition_variable woken_;
  std::stop_source stopping_;  ///< It is asked under mutex_.
  bool has_tried_ = false;     ///< Guarded by mutex_.
  std::thread thread_;
};

/// Whether a set may be fetched from there: https, or http on this machine.
Result<void> check_jwks_url(const std::string& url);
/// `max-age` of a `cache-control` header; nothing when it has none.
[[nodiscard]] std::optional<Millis> max_age_of(std::string_view cache_control);

}  // namespace sluice::server
