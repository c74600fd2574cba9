/// Roster: what instances that share a journal tell each other beside events: who is subscribed at
/// each of them, and whose tokens are revoked.
///
/// An instance's entries are there as long as it is: they go when it removes them, or some time
/// after it was heard of last. One of the others is then told what was there.
///
/// Owner   the journal, as long as that lives. Thread  serve(): main, before start; all else, and
///         what it calls: any.
/// Errors  Errc::io: the engine is away; Errc::limit: too much is asked of it at once.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"

namespace sluice::journal {

class Roster {
 public:
  /// By name, which is unique among all instances.
  using Entries = std::vector<std::pair<std::string, std::string>>;
  using Revocations = std::vector<std::pair<std::string, WallTime>>;
  using Done = std::function<void(const Result<void>&)>;
  using ReadDone = std::function<void(Result<Entries>)>;

  struct Duties {
    /// All entries of this instance: they are written anew when they may have been lost.
    std::function<Entries()> own = {};
    /// They were taken for those of an instance that is gone, and are there again.
    std::function<void()> on_return = {};
    /// Of an instance that is gone. Each is given to one instance, once.
    std::function<void(Entries entries)> on_orphans = {};
    /// Whose tokens are revoked, as far as is known here: told anew when it may have been lost.
    std::function<Revocations()> revoked = {};
    /// By whichever instance, this one too; all that are remembered at the start.
    std::function<void(const std::string& subject, WallTime at)> on_revoked = {};
  };

  Roster() = default;
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;
  virtual ~Roster() = default;

  /// Once. This instance is one of them from now on.
  virtual void serve(Duties duties) = 0;
  /// When it is done, every read() shows it. What fails is written with Duties::own later.
  virtual void put(std::string name, std::string value, Done done) = 0;
  virtual void remove(std::string name, Done done) = 0;
  /// The entries of all instances.
  virtual void read(ReadDone done) = 0;
  /// Kept until the engine has it, which is seen by Duties::on_revoked.
  virtual void revoke(std::string subject, WallTime at) = 0;
  /// Revocations that the engine does not have yet.
  [[nodiscard]] virtual std::size_t untold() const = 0;
};

}  // namespace sluice::journal
