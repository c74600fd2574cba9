/// Subjects: how many streams each subject holds, in all workers, and whose tokens are revoked.
///
/// A subject is what a token says of its bearer (`sub`). Tokens without one are not counted.
///
/// Owner   server::Shared. Thread  any, under a mutex: once per stream, never per event.
/// Limits  both tables hold what is open or revoked now; revocations are bounded, the oldest go.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/units.h"

namespace sluice::server {

struct SubjectOptions {
  std::size_t streams = 0;             ///< Of one subject; the next one is parked. 0: no bound.
  std::size_t revocations = 100'000;   ///< Remembered at once.
  Millis remember{24L * 3600 * 1000};  ///< How long: as long as tokens live.
};

class Subjects {
 public:
  explicit Subjects(const SubjectOptions& options) : options_(options) {}
  Subjects(const Subjects&) = delete;
  Subjects& operator=(const Subjects&) = delete;

  /// A stream that counts for its subject as long as this lives.
  class Lease {
   public:
    Lease() = default;
    Lease(Subjects& owner, std::string subject) : owner_(&owner), subject_(std::move(subject)) {}
    Lease(Lease&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), subject_(std::move(other.subject_)) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(subject_, other.subject_);
      return *this;
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (owner_ != nullptr) owner_->release(subject_);
    }
    [[nodiscard]] const std::string& subject() const { return subject_; }

   private:
    Subjects* owner_ = nullptr;
    std::string subject_;
  };

  /// None: the subject holds as many streams as it may. Of an empty subject nothing is counted.
  std::optional<Lease> open_stream(const std::string& subject);
  [[nodiscard]] std::size_t streams_of(const std::string& subject) const;

  /// Tokens of `subject` that were issued before `at` count no more. False: that was known.
  bool revoke(const std::string& subject, WallTime at);
  /// All that are remembered.
  [[nodiscard]] std::vector<std::pair<std::string, WallTime>> revocations() const;
  /// `issued`: the token's `iat`; a token that does not say, or names the future, is as old as can
  /// be.
  [[nodiscard]] bool is_revoked(const std::string& subject, std::optional<WallTime> issued,
                                WallTime now) const;

 private:
  void release(const std::string& subject);

  const SubjectOptions& options_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> streams_;
  std::unordered_map<std::string, WallTime> revoked_;
  std::deque<std::pair<WallTime, std::string>> order_;  ///< Of revocations, by time.
};

}  // namespace sluice::server
