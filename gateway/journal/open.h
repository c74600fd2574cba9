/// Opening a history's folder: one process at a time, and only a file that is in order.
///
///   FOLDER/in-use              locked for as long as the history is open
///   FOLDER/history.mdb         the database, and history.mdb-lock, LMDB's own
///   FOLDER/history.mdb.broken  it was found to be broken inside; the next start sets it aside
///   FOLDER/history.damaged-…   set aside; nothing reads it again
///
/// Thread  main, before start.
/// Errors  Errc::io, with what to do about it. Damage is no error: the file is set aside, the log
/// says so, and a new history with another epoch begins. A page between shows its damage only to
/// who walks there, and LMDB may end the process for it: the next start finds the mark. When the
/// machine went down before the newest events were on the disk (with another Sync than always),
/// what is there is kept, but what comes behind it gets another epoch: its positions may have been
/// given to other events before, and clients that have seen those must be told of a gap.
#pragma once

#include <memory>
#include <string>

#include "gateway/base/c_handle.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/journal/layout.h"
#include "gateway/journal/options.h"
#include "gateway/journal/store.h"

namespace sluice::journal {

struct OpenHistory {
  UniqueFd lock;  ///< Outlives the store.
  std::unique_ptr<Store> store;
  std::string epoch;
  std::uint64_t seed = 0;
  State state;
};

Result<OpenHistory> open_history(const FileOptions& options, WallTime now);

/// Takes a history back that another process has had meanwhile, with the lock that was given up.
/// Errc::io when it is in use, or no longer the same history.
Result<void> take_history_back(OpenHistory& history, const FileOptions& options);

std::optional<State> read_state(Txn& txn);

}  // namespace sluice::journal
