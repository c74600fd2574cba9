/// The store's transactions and cursors.

#include <cstring>
#include <utility>

#include <lmdb.h>

#include "gateway/base/assert.h"
#include "gateway/journal/store.h"

namespace sluice::journal {
namespace {

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

}  // namespace

Txn::Txn(Store& store, bool is_read) : store_(store), is_read_(is_read) {
  begin();
  // Another process has made the file larger than our map of it.
  if (error_ == MDB_MAP_RESIZED && store.set_map_size(0) == 0) begin();
}

void Txn::begin() {
  if (is_read_) store_.enter_reader();
  error_ = mdb_txn_begin(store_.env_.get(), nullptr, is_read_ ? MDB_RDONLY : 0U, &txn_);
  if (error_ == 0) return;
  txn_ = nullptr;
  if (is_read_) store_.leave_reader();
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
  if (error_ != 0 || result == MDB_NOTFOUND) return;
  error_ = result;
  if (result == MDB_CORRUPTED || result == MDB_PAGE_NOTFOUND) {
    Store::note_broken(store_.env_.get(), mdb_strerror(result));
  }
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

void Txn::put_value(Table table, std::uint64_t key, std::string_view value, unsigned flags) {
  if (error_ != 0) return;
  MDB_val name = to_val(key);
  MDB_val data = to_val(value);
  note(mdb_put(txn_, store_.tables_[at(table)], &name, &data, flags));
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
  if (error_ == 0) note(mdb_txn_commit(std::exchange(txn_, nullptr)));
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

}  // namespace sluice::journal
