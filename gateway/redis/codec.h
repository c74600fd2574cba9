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
#include <utility>
#include <vector>

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

/// What a Reply is made in: one answer has thousands of parts, which come and go together.
///
/// Units  bytes of memory. Nothing in it is ever destroyed; its blocks are left to the next ones.
class Arena {
 public:
  using Block = std::unique_ptr<std::byte[]>;
  using Blocks = std::vector<Block>;

  Arena(std::size_t limit, std::shared_ptr<Blocks> spare)
      : limit_(limit), spare_(std::move(spare)) {}
  ~Arena();
  Arena(Arena&&) = default;
  Arena& operator=(Arena&&) = default;

  /// For any type. Null: there would be more than the limit; and so it stays.
  void* take(std::size_t bytes);
  [[nodiscard]] bool is_over() const { return is_over_; }
  /// Of all that was taken.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  void add_block();

  std::size_t limit_;
  std::size_t bytes_ = 0;
  bool is_over_ = false;
  std::span<std::byte> free_;  ///< Of the newest block.
  Blocks blocks_;
  Blocks large_;                   ///< Each for one part.
  std::shared_ptr<Blocks> spare_;  ///< Null: moved from.
};

class Reply : public ReplyView {
 public:
  /// `parts` holds all of `reply`.
  Reply(const redisReply* reply, Arena parts) : ReplyView(reply), parts_(std::move(parts)) {}

  /// Bytes that it takes.
  [[nodiscard]] std::size_t memory() const { return parts_.bytes(); }

 private:
  Arena parts_;
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
  const std::size_t limit_;
  const std::shared_ptr<Arena::Blocks> spare_;
  const std::unique_ptr<redisReader, ReaderFree> reader_;
  Arena parts_;  ///< Of the answer that is being read.
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
