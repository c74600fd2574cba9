#include "gateway/journal/store.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <lmdb.h>

#include "gateway/base/log.h"
#include "gateway/base/units.h"

namespace sluice::journal {
namespace {

constexpr unsigned kSet = MDB_DUPSORT | MDB_DUPFIXED | MDB_INTEGERDUP;

struct TableSpec {
  const char* name;
  unsigned flags;
};
/// In the order of Table.
constexpr TableSpec kSpecs[kTables] = {
    {"meta", 0},   {"events", 0},   {"once", 0},     {"figures", 0}, {"topics", kSet},
    {"ids", kSet}, {"ruled", kSet}, {"marks", kSet}, {"due", kSet},
};

}  // namespace

void Store::note_broken(MDB_env* env, const char* what) {
  // LMDB may end the process next, and the heap may be no better than the file: nothing is
  // allocated before the mark is there.
  const char* path = nullptr;
  mdb_env_get_path(env, &path);
  if (path == nullptr) return;
  std::array<char, PATH_MAX> mark{};
  const auto end = fmt::format_to_n(mark.data(), mark.size() - 1, "{}{}", path, kBrokenSuffix);
  if (end.size >= mark.size()) return;
  const int fd = ::open(mark.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return;  // It has been said.
  if (fd >= 0) {
    // An empty mark is a mark, too.
    static_cast<void>(!::write(fd, what, std::strlen(what)));
    ::fsync(fd);
    ::close(fd);
  }
  log::error("the history in {} is damaged inside ({}); {}", path, what,
             fd >= 0 ? "the next start sets it aside and begins a new one"
                     : "move it away and start again");
}

void Store::EnvClose::operator()(MDB_env* env) const noexcept {
  mdb_env_close(env);
}

tl::expected<std::unique_ptr<Store>, int> Store::open(const std::string& file,
                                                      std::size_t map_bytes, bool is_lazy) {
  MDB_env* made = nullptr;
  if (const int error = mdb_env_create(&made); error != 0) return tl::unexpected(error);
  EnvPtr env(made);
  mdb_env_set_assert(made, note_broken);
  const unsigned flags =
      MDB_NOSUBDIR | MDB_NOTLS | (is_lazy ? static_cast<unsigned>(MDB_NOSYNC) : 0U);
  int error = mdb_env_set_maxdbs(made, static_cast<MDB_dbi>(kTables));
  if (error == 0) error = mdb_env_set_mapsize(made, map_bytes);
  if (error == 0) error = mdb_env_open(made, file.c_str(), flags, 0600);
  if (error != 0) return tl::unexpected(error);
  std::unique_ptr<Store> store(new Store(std::move(env)));
  store->forget_dead_readers();
  error = store->open_tables();
  if (error != 0) return tl::unexpected(error);
  return store;
}

int Store::open_tables() {
  Txn txn = begin_write();
  for (std::size_t i = 0; i < kTables && txn.error_ == 0; ++i) {
    const unsigned flags = kSpecs[i].flags | MDB_INTEGERKEY | MDB_CREATE;
    const int result = mdb_dbi_open(txn.txn_, kSpecs[i].name, flags, &tables_[i]);
    // "Not found" would be no error elsewhere.
    txn.error_ = result;
  }
  reserved_ = file_bytes();
  return txn.commit();
}

Txn Store::begin_read() {
  return {*this, true};
}

Txn Store::begin_write() {
  return {*this, false};
}

void Store::enter_reader() {
  std::unique_lock lock(gate_mutex_);
  gate_.wait(lock, [this] { return !is_growing_; });
  ++readers_;
}

void Store::leave_reader() {
  const std::lock_guard lock(gate_mutex_);
  if (--readers_ == 0 && is_growing_) gate_.notify_all();
}

void Store::forget_dead_readers() {
  int dead = 0;
  static_cast<void>(mdb_reader_check(env_.get(), &dead));
}

int Store::sync() {
  return mdb_env_sync(env_.get(), 1);
}

int Store::grow_map() {
  MDB_envinfo info{};
  if (const int error = mdb_env_info(env_.get(), &info); error != 0) return error;
  const std::size_t size = info.me_mapsize * 2;
  // LMDB gives the old map up first, and has none when it does not get the new one: ask before.
  void* trial =
      ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (trial == MAP_FAILED) return MDB_MAP_FULL;
  ::munmap(trial, size);
  return set_map_size(size);
}

int Store::set_map_size(std::size_t size) {
  std::unique_lock lock(gate_mutex_);
  gate_.wait(lock, [this] { return !is_growing_; });
  is_growing_ = true;
  gate_.wait(lock, [this] { return readers_ == 0; });
  const int error = mdb_env_set_mapsize(env_.get(), size);
  is_growing_ = false;
  gate_.notify_all();
  return error;
}

int Store::reserve(std::size_t bytes) {
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_filehandle_t fd = -1;
  int error = mdb_env_info(env_.get(), &info);
  if (error == 0) error = mdb_env_stat(env_.get(), &stat);
  if (error == 0) error = mdb_env_get_fd(env_.get(), &fd);
  if (error != 0) return error;
  const std::size_t needed = (info.me_last_pgno + 1) * stat.ms_psize + bytes;
  if (needed <= reserved_) return 0;
  constexpr std::size_t kStep = 256_KiB;
  const std::size_t target = (needed + kStep - 1) / kStep * kStep;
  do {
    error = ::posix_fallocate(fd, static_cast<off_t>(reserved_),
                              static_cast<off_t>(target - reserved_));
  } while (error == EINTR);
  // Some file systems cannot; then the transaction itself finds out.
  if (error != 0 && error != EINVAL && error != EOPNOTSUPP) return error;
  reserved_ = target;
  return 0;
}

std::size_t Store::file_bytes() const {
  mdb_filehandle_t fd = -1;
  struct stat stat {};
  if (mdb_env_get_fd(env_.get(), &fd) != 0 || ::fstat(fd, &stat) != 0) return 0;
  return static_cast<std::size_t>(stat.st_size);
}

bool is_disk_full(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

bool is_map_full(int error) {
  return error == MDB_MAP_FULL;
}

bool is_too_large(int error) {
  return error == MDB_TXN_FULL || error == MDB_BAD_VALSIZE || error == ENOMEM;
}

bool is_damage(int error) {
  return error == MDB_INVALID || error == MDB_CORRUPTED || error == MDB_PAGE_NOTFOUND ||
         error == MDB_PANIC || error == MDB_INCOMPATIBLE || error == MDB_BAD_TXN ||
         error == MDB_NOTFOUND;
}

std::string error_text(int error) {
  return mdb_strerror(error);
}

}  // namespace sluice::journal
