/// Store: the tables of a history's file, and transactions on them. A small face of LMDB's.
///
/// A plain table has one value for each number; a set has numbers for each number, in order. A
/// transaction remembers its first failure, and does nothing more after it: only commit() has to
/// be asked. What get() and a Cursor show is good until the next change, or the transaction's end.
///
/// Owner   the file journal. Thread  writing: the writer's only. Reading: one transaction per
/// thread at a time, and none longer than a page takes: pages that an old one may still see are
/// not used again, and the file would grow.
/// Errors  LMDB's codes and errno, one int; 0 is good. is_disk_full() and error_text() know them.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace sluice::journal {

enum class Table : std::uint8_t {
  // Plain.
  meta,     ///< MetaKey → what layout.h says.
  events,   ///< position → record
  once,     ///< position → Draft::once of that event, hashed, and its id
  figures,  ///< topic → TopicFigures
  // Sets. Topics and ids are hashes.
  topics,  ///< topic → positions
  ids,     ///< publisher's id → positions
  ruled,   ///< topic with a rule of its own → positions of events whose first topic it is
  marks,   ///< position that a rule removed last from a topic → that topic
  due,     ///< time in ms → topics with a rule whose oldest event is too old then
};
inline constexpr std::size_t kTables = 9;

/// Behind the file's name: stands there when the database was found to be broken inside, in a way
/// that only shows where its tree is walked. What it says is why.
inline constexpr std::string_view kBrokenSuffix = ".broken";

class Store;

class Txn {
 public:
  Txn(Txn&& other) noexcept;
  Txn& operator=(Txn&&) = delete;
  Txn(const Txn&) = delete;
  Txn& operator=(const Txn&) = delete;
  ~Txn();

  std::optional<std::string_view> get(Table table, std::uint64_t key);
  void put(Table table, std::uint64_t key, std::string_view value);
  /// `key` is larger than all.
  void append(Table table, std::uint64_t key, std::string_view value);
  void erase(Table table, std::uint64_t key);
  void insert(Table set, std::uint64_t key, std::uint64_t value);
  void remove(Table set, std::uint64_t key, std::uint64_t value);
  [[nodiscard]] std::size_t count(Table table);

  [[nodiscard]] int error() const { return error_; }
  /// The first failure there was, if any; then nothing is changed. Ends the transaction.
  [[nodiscard]] int commit();

 private:
  friend class Store;
  friend class Cursor;
  Txn(Store& store, bool is_read);
  void begin();
  void end();
  void note(int result);
  void put_value(Table table, std::uint64_t key, std::string_view value, unsigned flags);

  Store& store_;
  const bool is_read_;
  MDB_txn* txn_ = nullptr;
  int error_ = 0;
};

/// A place in a table. False: there is none such; the place is then undefined.
class Cursor {
 public:
  Cursor(Txn& txn, Table table);
  Cursor(Cursor&& other) noexcept;
  Cursor& operator=(Cursor&&) = delete;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor();

  bool first();
  bool last();
  bool previous();
  bool next();
  bool seek(std::uint64_t at_least);
  /// In a set: the least value of `key` that is `at_least`; then the next one of the same key.
  bool seek_in(std::uint64_t key, std::uint64_t at_least);
  bool next_in();

  [[nodiscard]] std::uint64_t key() const { return key_; }
  [[nodiscard]] std::string_view value() const { return value_; }
  [[nodiscard]] std::uint64_t member() const;  ///< value() of a set.

 private:
  bool move(unsigned operation, std::uint64_t key, std::uint64_t value);

  Txn* txn_;
  MDB_cursor* cursor_ = nullptr;
  std::uint64_t key_ = 0;
  std::string_view value_;
};

class Store {
 public:
  struct EnvClose {
    void operator()(MDB_env* env) const noexcept;
  };
  using EnvPtr = std::unique_ptr<MDB_env, EnvClose>;

  /// `file` need not exist. `is_lazy`: commit() leaves it to sync(), and to the operating system,
  /// when the disk is written.
  static tl::expected<std::unique_ptr<Store>, int> open(const std::string& file,
                                                        std::size_t map_bytes, bool is_lazy);

  [[nodiscard]] Txn begin_read();
  [[nodiscard]] Txn begin_write();
  [[nodiscard]] int sync();
  /// Frees what readers of processes that were killed still hold: pages are used again.
  void forget_dead_readers();
  /// Doubles the address space. Readers that begin wait for it, and it for those that have begun;
  /// the writer has no transaction open.
  [[nodiscard]] int grow_map();
  /// Takes room on the disk for about so many bytes more, so that a full disk is found out
  /// before a transaction is half written.
  [[nodiscard]] int reserve(std::size_t bytes);
  [[nodiscard]] std::size_t file_bytes() const;

 private:
  friend class Txn;
  friend class Cursor;
  explicit Store(EnvPtr env) : env_(std::move(env)) {}
  [[nodiscard]] int open_tables();
  /// Leaves the mark. LMDB's own assertions call it as well, and end the process then.
  static void note_broken(MDB_env* env, const char* what);
  void enter_reader();
  void leave_reader();
  /// `size` 0: that which another process has given the file. Nobody reads meanwhile.
  [[nodiscard]] int set_map_size(std::size_t size);

  // Set when it is opened.
  const EnvPtr env_;
  std::array<unsigned, kTables> tables_{};
  // The writer's thread only.
  std::size_t reserved_ = 0;  ///< Bytes of the file that have room on the disk.
  // Any thread, under gate_mutex_: no reader has a transaction open while the map grows.
  std::mutex gate_mutex_;
  std::condition_variable gate_;
  std::size_t readers_ = 0;
  bool is_growing_ = false;
};

[[nodiscard]] bool is_disk_full(int error);
[[nodiscard]] bool is_map_full(int error);
/// One transaction wanted more than any can have; another one may do.
[[nodiscard]] bool is_too_large(int error);
/// The file is not what the database wrote.
[[nodiscard]] bool is_damage(int error);
[[nodiscard]] std::string error_text(int error);

}  // namespace sluice::journal
