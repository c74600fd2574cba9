/// The codec: commands as Redis reads them, and what it answers (RESP2).
///
/// Whatever comes, an answer can be asked for anything: what is not there is nil. And whatever a
/// peer announces or sends, a Decoder holds no more of one answer than its limit.
///
/// Thread  plain values; a Decoder belongs to one connection.
/// Errors  Decoder::next(): what came is not the protocol (io), or more than may be held (limit).
///         Nothing behind it can be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/base/units.h"

struct redisReader;
struct redisReply;

namespace sluice::redis {

/// An answer, or a part of one: good for as long as the Reply that it is a part of.
class ReplyView {
 public:
  explicit ReplyView(const redisReply* reply) : reply_(reply) {}

  [[nodiscard]] bool is_nil() const;
  [[nodiscard]] bool is_array() const;
  [[nodiscard]] bool is_error() const;
  /// Of a string, a status or an error; else empty.
  [[nodiscard]] std::string_view text() const;
  /// Of an integer, or of a string that is one.
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  /// Of an array; else 0.
  [[nodiscard]] std::size_t size() const;
  /// Nil where there is none.
  [[nodiscard]] ReplyView operator[](std::size_t i) const;

 private:
  const redisReply* reply_;
};

struct ReplyFree {
  void operator()(redisReply* reply) const noexcept;
};
class Reply : public ReplyView {
 public:
  Reply(redisReply* reply, std::size_t memory) : ReplyView(reply), owned_(reply), memory_(memory) {}

  /// Bytes that it takes.
  [[nodiscard]] std::size_t memory() const { return memory_; }

 private:
  std::unique_ptr<redisReply, ReplyFree> owned_;
  std::size_t memory_;
};

struct ReaderFree {
  void operator()(redisReader* reader) const noexcept;
};
class Decoder {
 public:
  static constexpr std::size_t kLimit = 64_MiB;

  /// `limit`: bytes of memory, of one answer and of what came of the next.
  explicit Decoder(std::size_t limit = kLimit);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Ask next() until there is none before more is fed.
  void feed(std::span<const std::byte> bytes);
  /// None: there is no whole answer yet.
  Result<std::optional<Reply>> next();

 private:
  struct Account;

  const std::unique_ptr<Account> account_;
  const std::unique_ptr<redisReader, ReaderFree> reader_;
};

/// The words of a command, or a part of them, as they are sent.
class Words {
 public:
  Words() = default;
  Words(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) add(word);
  }
  void add(std::string_view word);
  void add(const Words& more) {
    bytes_ += more.bytes_;
    count_ += more.count_;
  }
  /// The command that these words are.
  [[nodiscard]] std::string command() const;
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }

 private:
  std::string bytes_;
  std::size_t count_ = 0;
};

}  // namespace sluice::redis
