#include "gateway/redis/codec.h"

#include <charconv>
#include <iterator>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/redis/handles.h"

namespace sluice::redis {

bool ReplyView::is_nil() const {
  return reply_->type == REDIS_REPLY_NIL;
}

bool ReplyView::is_array() const {
  return reply_->type == REDIS_REPLY_ARRAY;
}

bool ReplyView::is_error() const {
  return reply_->type == REDIS_REPLY_ERROR;
}

std::string_view ReplyView::text() const {
  const bool has_text = reply_->type == REDIS_REPLY_STRING || reply_->type == REDIS_REPLY_STATUS ||
                        reply_->type == REDIS_REPLY_ERROR;
  return has_text ? std::string_view(reply_->str, reply_->len) : std::string_view();
}

std::optional<std::int64_t> ReplyView::integer() const {
  if (reply_->type == REDIS_REPLY_INTEGER) return reply_->integer;
  if (reply_->type != REDIS_REPLY_STRING) return std::nullopt;
  const std::string_view digits = text();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::size_t ReplyView::size() const {
  return is_array() ? reply_->elements : 0;
}

ReplyView ReplyView::operator[](std::size_t i) const {
  static const redisReply nil = [] {
    redisReply reply{};
    reply.type = REDIS_REPLY_NIL;
    return reply;
  }();
  return ReplyView(i < size() ? reply_->element[i] : &nil);
}

void ReplyFree::operator()(redisReply* reply) const noexcept {
  freeReplyObject(reply);
}

void ReaderFree::operator()(redisReader* reader) const noexcept {
  redisReaderFree(reader);
}

/// What hiredis makes of an answer is made by its own functions, once there is room for it: an
/// answer may announce more elements than there is memory, and hiredis would ask for all of it.
struct Decoder::Account {
  explicit Account(std::size_t bytes) : limit(bytes) {}

  bool take(std::size_t bytes) {
    is_over = is_over || bytes > limit - held;
    if (!is_over) held += bytes;
    return !is_over;
  }
  static Account& of(const redisReadTask* task) { return *static_cast<Account*>(task->privdata); }

  static constexpr std::size_t kObject = 64;  ///< A redisReply, and what malloc adds to it.
  static constexpr std::size_t kString = 24;  ///< The same of its text.

  static void* make_string(const redisReadTask* task, char* text, std::size_t size) {
    Account& account = of(task);
    return account.take(kObject + kString + size) ? account.made_by->createString(task, text, size)
                                                  : nullptr;
  }
  static void* make_array(const redisReadTask* task, int elements) {
    Account& account = of(task);
    const std::size_t size = static_cast<std::size_t>(elements) * sizeof(redisReply*);
    return account.take(kObject + size) ? account.made_by->createArray(task, elements) : nullptr;
  }
  static void* make_integer(const redisReadTask* task, long long value) {  // NOLINT: its type.
    Account& account = of(task);
    return account.take(kObject) ? account.made_by->createInteger(task, value) : nullptr;
  }
  static void* make_nil(const redisReadTask* task) {
    Account& account = of(task);
    return account.take(kObject) ? account.made_by->createNil(task) : nullptr;
  }

  const std::size_t limit;
  std::size_t held = 0;  ///< Of the answer that is being read.
  bool is_over = false;
  redisReplyObjectFunctions* made_by = nullptr;
  redisReplyObjectFunctions counted{make_string, make_array, make_integer, make_nil,
                                    freeReplyObject};
};

Decoder::Decoder(std::size_t limit)
    : account_(std::make_unique<Account>(limit)), reader_(redisReaderCreate()) {
  SLUICE_ASSERT(reader_ != nullptr, "there is no memory for a reader of answers");
  account_->made_by = std::exchange(reader_->fn, &account_->counted);
  reader_->privdata = account_.get();
}

Decoder::~Decoder() = default;

void Decoder::feed(std::span<const std::byte> bytes) {
  // An error shows in next().
  static_cast<void>(
      redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Result<std::optional<Reply>> Decoder::next() {
  void* reply = nullptr;
  const bool is_good = redisReaderGetReply(reader_.get(), &reply) == REDIS_OK;
  if (is_good && reply != nullptr) {
    return std::optional<Reply>(std::in_place, static_cast<redisReply*>(reply),
                                std::exchange(account_->held, 0));
  }
  const bool is_too_much =
      is_good && reader_->len - reader_->pos > account_->limit - account_->held;
  if (is_too_much || account_->is_over) {
    account_->is_over = true;
    return fail(Errc::limit,
                fmt::format("an answer of Redis is larger than {}, history.answer_bytes",
                            format_size(account_->limit)));
  }
  if (!is_good) {
    return fail(Errc::io, std::string("this is no answer of Redis: ") + reader_->errstr);
  }
  return std::optional<Reply>();
}

// hiredis formats whole commands only; ours are joined of parts that are kept.
void Words::add(std::string_view word) {
  fmt::format_to(std::back_inserter(bytes_), "${}\r\n", word.size());
  bytes_ += word;
  bytes_ += "\r\n";
  ++count_;
}

std::string Words::command() const {
  return fmt::format("*{}\r\n", count_) + bytes_;
}

}  // namespace sluice::redis
