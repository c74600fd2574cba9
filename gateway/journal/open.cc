#include "gateway/journal/open.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/journal/database_head.h"
#include "gateway/journal/record.h"
#include "gateway/journal/seed.h"
#include "gateway/journal/tables.h"
#include "gateway/sse/event_id.h"

namespace sluice::journal {
namespace {

/// Of the newest events, so many are read when a history is opened: they are the ones that a power
/// failure can hurt.
constexpr int kProbed = 8;

std::string reason_of(int error) {
  return std::generic_category().message(error);
}

tl::unexpected<Error> cannot(std::string_view what, const std::string& path, int error) {
  std::string_view advice = "give a folder that this user can write, as history.path";
  if (is_disk_full(error)) advice = "free some space on that disk";
  if (error == EIO) advice = "look at that disk";
  return fail(Errc::io, fmt::format("history: cannot {} {}: {}; {}", what, path,
                                    error < 0 ? error_text(error) : reason_of(error), advice));
}

Result<void> ensure_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return cannot("make the folder", path, errno);
  }
  struct stat stat {};
  if (::stat(path.c_str(), &stat) != 0) return cannot("use", path, errno);
  if (!S_ISDIR(stat.st_mode)) return cannot("use", path, ENOTDIR);
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) return cannot("write to", path, errno);
  return {};
}

Result<UniqueFd> lock_folder(const std::string& path) {
  const std::string file = path + "/in-use";
  UniqueFd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return cannot("open", file, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return cannot("lock", file, errno);
  return fail(Errc::io, fmt::format("history: {} is in use by another process; stop it, or give "
                                    "this one a folder of its own as history.path",
                                    path));
}

/// LMDB writes its lock file through a map; on a full disk that would be the end of the process.
int reserve_lock_file(const std::string& file) {
  constexpr off_t kBytes = 65'536;
  const UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return errno;
  const int error = ::posix_fallocate(fd.get(), 0, kBytes);
  return error == EINVAL || error == EOPNOTSUPP ? 0 : error;
}

/// A new file is found again after a power failure only when its folder is on the disk too.
void sync_folder(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::fsync(fd.get());
}

std::size_t map_bytes(const FileOptions& options) {
  if (options.map_bytes != 0) return options.map_bytes;
  return std::max<std::size_t>(1024_MiB, 4 * options.retention.bytes);
}

void put_epoch(Txn& txn, OpenHistory& history) {
  history.epoch = sse::make_epoch();
  Identity identity{.seed = history.seed};
  identity.epoch_size =
      static_cast<std::uint32_t>(history.epoch.copy(identity.epoch.data(), identity.epoch.size()));
  txn.put(Table::meta, static_cast<std::uint64_t>(MetaKey::identity), seal(identity));
}

int begin_anew(OpenHistory& history) {
  history.seed = make_seed();
  history.state = {};
  Txn txn = history.store->begin_write();
  put_epoch(txn, history);
  txn.put(Table::meta, static_cast<std::uint64_t>(MetaKey::state), seal(history.state));
  const int error = txn.commit();
  return error == 0 ? history.store->sync() : error;
}

/// Of this run of the machine.
Session this_session(const FileOptions& options) {
  std::string name = options.boot_id;
  if (name.empty()) std::ifstream("/proc/sys/kernel/random/boot_id") >> name;
  return {.boot = hash_of(name, 0) | 1};  // 0 stands for none.
}

/// Notes that the newest events may not be on the disk from now on, and looks whether they were
/// when the machine went down the last time.
int begin_session(OpenHistory& history, const FileOptions& options) {
  const Session here = this_session(options);
  const Session next = options.sync == Sync::always ? Session{} : here;
  Txn txn = history.store->begin_write();
  const auto bytes = txn.get(Table::meta, static_cast<std::uint64_t>(MetaKey::session));
  const Session before = bytes ? unseal<Session>(*bytes).value_or(Session{}) : Session{};
  if (before == next) return txn.error();
  if (before != Session{} && before != here) {
    put_epoch(txn, history);
    log::warning(
        "the machine went down before the newest events of the history in {} were on the disk: "
        "some may be lost. Clients that come back are told that they may have missed something",
        options.path);
  }
  txn.put(Table::meta, static_cast<std::uint64_t>(MetaKey::session), seal(next));
  const int error = txn.commit();
  return error == 0 ? history.store->sync() : error;
}

/// What is wrong with the newest events; empty: nothing.
std::string probe_events(Txn& txn, const State& state) {
  if (txn.count(Table::events) != state.events) return "events are not there";
  Cursor cursor(txn, Table::events);
  bool is_there = cursor.last();
  if (is_there && cursor.key() > state.last) return "there are more events than there should be";
  for (int i = 0; i < kProbed && is_there; ++i, is_there = cursor.previous()) {
    if (!parse_record(cursor.value(), sse::Position(cursor.key()))) {
      return fmt::format("event {} is not as it was written", cursor.key());
    }
  }
  return txn.error() == 0 ? "" : error_text(txn.error());
}

/// What the file says of itself.
struct Found {
  std::string damage;  ///< Empty: none.
  std::string epoch = {};
  std::uint64_t seed = 0;
  State state = {};
};
Result<Found> examine(Store& store, const std::string& path) {
  Txn txn = store.begin_read();
  const auto bytes = txn.get(Table::meta, static_cast<std::uint64_t>(MetaKey::identity));
  if (!bytes) {
    return Found{txn.error() == 0 ? "it does not say what it is" : error_text(txn.error())};
  }
  const auto identity = unseal<Identity>(*bytes);
  const auto state = read_state(txn);
  if (!identity || identity->epoch_size > identity->epoch.size() || !state) {
    return Found{"what it says of itself is not as it was written"};
  }
  if (identity->format != kFormat) {
    return fail(Errc::io, fmt::format("history: {} has format {}, and this version reads format "
                                      "{}; run the version that wrote it, or move it away",
                                      path, identity->format, kFormat));
  }
  return Found{.damage = probe_events(txn, *state),
               .epoch = std::string(identity->epoch.data(), identity->epoch_size),
               .seed = identity->seed,
               .state = *state};
}

std::string mark_of(const std::string& file) {
  return fmt::format("{}{}", file, kBrokenSuffix);
}

/// Why an earlier process found the file to be broken inside; empty: none did.
std::string mark_left(const std::string& file) {
  std::ifstream mark(mark_of(file));
  if (!mark) return "";
  std::string why;
  std::getline(mark, why);
  return why.empty() ? "it is broken inside" : "broken inside: " + why;
}

Result<void> remove_mark(const std::string& file) {
  const std::string mark = mark_of(file);
  if (::unlink(mark.c_str()) != 0 && errno != ENOENT) return cannot("remove", mark, errno);
  return {};
}

/// The damage, or empty; then `history` is ready.
Result<std::string> try_open(OpenHistory& history, const FileOptions& options) {
  const std::string file = options.path + "/history.mdb";
  if (const int error = reserve_lock_file(file + "-lock"); error != 0) {
    return cannot("write to", options.path, error);
  }
  const auto head = check_database_head(file);
  if (!head) return cannot("read", file, head.error());
  if (!head->damage.empty()) return head->damage;
  if (!head->is_new) {
    if (std::string why = mark_left(file); !why.empty()) return why;
  } else if (auto removed = remove_mark(file); !removed) {
    return tl::unexpected(removed.error());  // The file that it was about has been moved away.
  }
  auto store = Store::open(file, map_bytes(options), options.sync != Sync::always);
  if (!store && is_damage(store.error())) return error_text(store.error());
  if (!store) return cannot("open", file, store.error());
  history.store = std::move(*store);
  bool is_new = head->is_new;
  if (!is_new) {
    // It may have been killed just after the file was made.
    Txn txn = history.store->begin_read();
    is_new = txn.count(Table::meta) == 0 && txn.count(Table::events) == 0 && txn.error() == 0;
  }
  if (!is_new) {
    auto found = examine(*history.store, options.path);
    if (!found) return tl::unexpected(found.error());
    if (!found->damage.empty()) return found->damage;
    history.epoch = std::move(found->epoch);
    history.seed = found->seed;
    history.state = found->state;
  } else if (const int error = begin_anew(history); error != 0) {
    return cannot("write to", file, error);
  } else {
    sync_folder(options.path);
  }
  const int error = begin_session(history, options);
  if (error == 0) return "";
  if (is_damage(error)) return error_text(error);
  return cannot("write to", options.path, error);
}

/// A name that is not taken yet.
std::string damaged_name(const std::string& path, WallTime now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
  const std::string base = fmt::format("{}/history.damaged-{}", path, stamp);
  std::string name = base + ".mdb";
  for (int i = 2; ::access(name.c_str(), F_OK) == 0; ++i) name = fmt::format("{}-{}.mdb", base, i);
  return name;
}

Result<void> set_aside(const std::string& path, const std::string& damage, WallTime now) {
  const std::string file = path + "/history.mdb";
  const std::string name = damaged_name(path, now);
  if (::rename(file.c_str(), name.c_str()) != 0) return cannot("rename", file, errno);
  if (auto removed = remove_mark(file); !removed) return removed;
  log::error(
      "the history in {} is damaged ({}): a new one is begun, and clients that come back are told "
      "that they may have missed something. The old file is kept as {}; remove it when nobody "
      "wants to look at it",
      path, damage, name);
  return {};
}

}  // namespace

std::optional<State> read_state(Txn& txn) {
  const auto bytes = txn.get(Table::meta, static_cast<std::uint64_t>(MetaKey::state));
  return bytes ? unseal<State>(*bytes) : std::nullopt;
}

Result<void> take_history_back(OpenHistory& history, const FileOptions& options) {
  auto lock = lock_folder(options.path);
  if (!lock) return tl::unexpected(lock.error());
  history.store->forget_dead_readers();
  auto found = examine(*history.store, options.path);
  if (!found) return tl::unexpected(found.error());
  if (!found->damage.empty()) return fail(Errc::io, "history: " + found->damage);
  // Its name is read by every thread: it does not change.
  if (found->epoch != history.epoch) {
    return fail(Errc::io,
                fmt::format("history: {} was begun anew by another process", options.path));
  }
  history.state = found->state;
  if (const int error = begin_session(history, options); error != 0) {
    return cannot("write to", options.path, error);
  }
  history.lock = std::move(*lock);
  return {};
}

Result<OpenHistory> open_history(const FileOptions& options, WallTime now) {
  OpenHistory history;
  if (auto made = ensure_folder(options.path); !made) return tl::unexpected(made.error());
  auto lock = lock_folder(options.path);
  if (!lock) return tl::unexpected(lock.error());
  history.lock = std::move(*lock);

  auto damage = try_open(history, options);
  if (damage && !damage->empty()) {
    history.store.reset();
    if (auto moved = set_aside(options.path, *damage, now); !moved) {
      return tl::unexpected(moved.error());
    }
    damage = try_open(history, options);
    if (damage && !damage->empty()) {
      return fail(Errc::io, fmt::format("history: what was just written to {} reads as \"{}\"; "
                                        "look at that disk",
                                        options.path, *damage));
    }
  }
  if (!damage) return tl::unexpected(damage.error());
  return history;
}

}  // namespace sluice::journal
