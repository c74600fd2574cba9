#include "gateway/journal/store.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

#include <lmdb.h>

#include "gateway/base/assert.h"
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

std::size_t at(Table table) {
  return static_cast<std::size_t>(table);
}

MDB_val to_val(std::string_view text) {
  // LMDB's type has no const; what is put is only read.
  return {text.size(), const_cast<char*>(text.data())};
}
MDB_val to_val(std::uint64_t& number) {
  return {sizeof(number), &number};
}

std::uint64_t to_number(const void* data, std::size_t size) {
  std::uint64_t number = 0;
  if (size == sizeof(number)) std::memcpy(&number, data, sizeof(number));
  return number;
}

/// LMDB ends the process next: its tree is broken in a way that only shows when it is walked.
void on_broken(MDB_env* env, const char* what) {
  const char* path = nullptr;
  mdb_env_get_path(env, &path);
  log::error("the history in {} is damaged inside ({}); move it away and start again",
             path == nullptr ? "?" : path, what);
}

}  // namespace

Txn::Txn(Store& store, bool is_read) : store_(store), is_read_(is_read) {
  if (is_read) store.enter_reader();
  error_ = mdb_txn_begin(store.env_.get(), nullptr, is_read ? MDB_RDONLY : 0U, &txn_);
  if (error_ != 0) {
    txn_ = nullptr;
    if (is_read) store.leave_reader();
  }
}

Txn::Txn(Txn&& other) noexcept
    : store_(other.store_),
      is_read_(other.is_read_),
      txn_(std::exchange(other.txn_, nullptr)),
      error_(other.error_) {}

Txn::~Txn() {
  end();
}

void Txn::end() {
  if (txn_ == nullptr) return;
  mdb_txn_abort(std::exchange(txn_, nullptr));
  if (is_read_) store_.leave_reader();
}

void Txn::note(int result) {
  if (error_ == 0 && result != MDB_NOTFOUND) error_ = result;
}

std::optional<std::string_view> Txn::get(Table table, std::uint64_t key) {
  if (error_ != 0) return std::nullopt;
  MDB_val name = to_val(key);
  MDB_val value{};
  const int result = mdb_get(txn_, store_.tables_[at(table)], &name, &value);
  note(result);
  if (result != 0) return std::nullopt;
  return std::string_view(static_cast<const char*>(value.mv_data), value.mv_size);
}

void Txn::put_value(Table table, std::uint64_t key, std::string_view text, unsigned flags) {
  if (error_ != 0) return;
  MDB_val name = to_val(key);
  MDB_val value = to_val(text);
  note(mdb_put(txn_, store_.tables_[at(table)], &name, &value, flags));
}

void Txn::put(Table table, std::uint64_t key, std::string_view value) {
  put_value(table, key, value, 0);
}

void Txn::append(Table table, std::uint64_t key, std::string_view value) {
  put_value(table, key, value, MDB_APPEND);
}

void Txn::erase(Table table, std::uint64_t key) {
  if (error_ != 0) return;
  MDB_val name = to_val(key);
  note(mdb_del(txn_, store_.tables_[at(table)], &name, nullptr));
}

void Txn::insert(Table set, std::uint64_t key, std::uint64_t value) {
  char bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  put_value(set, key, {bytes, sizeof(bytes)}, 0);
}

void Txn::remove(Table set, std::uint64_t key, std::uint64_t value) {
  if (error_ != 0) return;
  MDB_val name = to_val(key);
  MDB_val data = to_val(value);
  note(mdb_del(txn_, store_.tables_[at(set)], &name, &data));
}

std::size_t Txn::count(Table table) {
  MDB_stat stat{};
  if (error_ == 0) note(mdb_stat(txn_, store_.tables_[at(table)], &stat));
  return stat.ms_entries;
}

int Txn::commit() {
  SLUICE_ASSERT(!is_read_ && (txn_ != nullptr || error_ != 0), "only what writes is committed");
  if (error_ == 0) error_ = mdb_txn_commit(std::exchange(txn_, nullptr));
  end();
  return error_;
}

Cursor::Cursor(Txn& txn, Table table) : txn_(&txn) {
  if (txn.error_ == 0) {
    txn.note(mdb_cursor_open(txn.txn_, txn.store_.tables_[at(table)], &cursor_));
  }
}

Cursor::Cursor(Cursor&& other) noexcept
    : txn_(other.txn_),
      cursor_(std::exchange(other.cursor_, nullptr)),
      key_(other.key_),
      value_(other.value_) {}

Cursor::~Cursor() {
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
}

bool Cursor::move(unsigned operation, std::uint64_t key, std::uint64_t value) {
  if (cursor_ == nullptr || txn_->error_ != 0) return false;
  MDB_val name = to_val(key);
  MDB_val data = to_val(value);
  const int result = mdb_cursor_get(cursor_, &name, &data, static_cast<MDB_cursor_op>(operation));
  txn_->note(result);
  if (result != 0) return false;
  key_ = to_number(name.mv_data, name.mv_size);
  value_ = {static_cast<const char*>(data.mv_data), data.mv_size};
  return true;
}

bool Cursor::first() {
  return move(MDB_FIRST, 0, 0);
}
bool Cursor::last() {
  return move(MDB_LAST, 0, 0);
}
bool Cursor::previous() {
  return move(MDB_PREV, 0, 0);
}
bool Cursor::next() {
  return move(MDB_NEXT, 0, 0);
}
bool Cursor::seek(std::uint64_t at_least) {
  return move(MDB_SET_RANGE, at_least, 0);
}
bool Cursor::seek_in(std::uint64_t key, std::uint64_t at_least) {
  return move(MDB_GET_BOTH_RANGE, key, at_least);
}
bool Cursor::next_in() {
  return move(MDB_NEXT_DUP, 0, 0);
}
std::uint64_t Cursor::member() const {
  return to_number(value_.data(), value_.size());
}

void Store::EnvClose::operator()(MDB_env* env) const noexcept {
  mdb_env_close(env);
}

tl::expected<std::unique_ptr<Store>, int> Store::open(const std::string& file,
                                                      std::size_t map_bytes, bool is_lazy) {
  MDB_env* made = nullptr;
  if (const int error = mdb_env_create(&made); error != 0) return tl::unexpected(error);
  EnvPtr env(made);
  mdb_env_set_assert(made, on_broken);
  const unsigned flags =
      MDB_NOSUBDIR | MDB_NOTLS | (is_lazy ? static_cast<unsigned>(MDB_NOSYNC) : 0U);
  int error = mdb_env_set_maxdbs(made, static_cast<MDB_dbi>(kTables));
  if (error == 0) error = mdb_env_set_mapsize(made, map_bytes);
  if (error == 0) error = mdb_env_open(made, file.c_str(), flags, 0600);
  if (error != 0) return tl::unexpected(error);
  std::unique_ptr<Store> store(new Store(std::move(env)));
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
  std::unique_lock lock(gate_mutex_);
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
