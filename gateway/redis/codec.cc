#include "gateway/redis/codec.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <new>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/redis/handles.h"

namespace sluice::redis {
namespace {

constexpr std::size_t kAlignment = alignof(redisReply);
constexpr std::size_t kBlock = 16_KiB;
constexpr std::size_t kSpare = 16;      // Blocks.
constexpr std::size_t kKeep = 256_KiB;  // Of the reader's buffer, when it is empty.

}  // namespace

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

void* Arena::take(std::size_t bytes) {
  is_over_ = is_over_ || bytes > limit_ - bytes_;
  if (is_over_) return nullptr;
  bytes_ += bytes;
  const std::size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (size > kBlock / 4) {
    return large_.emplace_back(std::make_unique_for_overwrite<std::byte[]>(size)).get();
  }
  if (size > free_.size()) add_block();
  std::byte* const taken = free_.data();
  free_ = free_.subspan(size);
  return taken;
}

void Arena::add_block() {
  if (spare_->empty()) spare_->push_back(std::make_unique_for_overwrite<std::byte[]>(kBlock));
  free_ = {blocks_.emplace_back(std::move(spare_->back())).get(), kBlock};
  spare_->pop_back();
}

Arena::~Arena() {
  while (!blocks_.empty() && spare_->size() < kSpare) {
    spare_->push_back(std::move(blocks_.back()));
    blocks_.pop_back();
  }
}

void ReaderFree::operator()(redisReader* reader) const noexcept {
  redisReaderFree(reader);
}

namespace {

// What hiredis makes of an answer is made by these, where there is room for it: an answer may
// announce more elements than there is memory, and hiredis would ask for all of it.

redisReply* make_reply(const redisReadTask* task, int type) {
  void* const place = static_cast<Arena*>(task->privdata)->take(sizeof(redisReply));
  if (place == nullptr) return nullptr;
  auto* const reply = new (place) redisReply{};
  reply->type = type;
  return reply;
}

/// Where it belongs.
void* put(const redisReadTask* task, redisReply* reply) {
  if (reply != nullptr && task->parent != nullptr) {
    static_cast<redisReply*>(task->parent->obj)->element[task->idx] = reply;
  }
  return reply;
}

void* make_string(const redisReadTask* task, char* text, std::size_t size) {
  redisReply* const reply = make_reply(task, task->type);
  void* const copy = static_cast<Arena*>(task->privdata)->take(size);
  if (reply == nullptr || copy == nullptr) return nullptr;
  reply->str = static_cast<char*>(std::memcpy(copy, text, size));
  reply->len = size;
  return put(task, reply);
}

void* make_array(const redisReadTask* task, int elements) {
  redisReply* const reply = make_reply(task, REDIS_REPLY_ARRAY);
  const auto size = static_cast<std::size_t>(elements);
  void* const all = static_cast<Arena*>(task->privdata)->take(size * sizeof(redisReply*));
  if (reply == nullptr || all == nullptr) return nullptr;
  reply->element = static_cast<redisReply**>(all);
  reply->elements = size;
  return put(task, reply);
}

void* make_integer(const redisReadTask* task, long long value) {  // NOLINT: its type.
  redisReply* const reply = make_reply(task, REDIS_REPLY_INTEGER);
  if (reply != nullptr) reply->integer = value;
  return put(task, reply);
}

void* make_nil(const redisReadTask* task) {
  return put(task, make_reply(task, REDIS_REPLY_NIL));
}

void free_nothing(void* /*reply*/) {}  // The arena has it.

redisReplyObjectFunctions in_arena{make_string, make_array, make_integer, make_nil, free_nothing};

}  // namespace

Decoder::Decoder(std::size_t limit)
    : limit_(limit),
      spare_(std::make_shared<Arena::Blocks>()),
      reader_(redisReaderCreate()),
      parts_(limit, spare_) {
  SLUICE_ASSERT(reader_ != nullptr, "there is no memory for a reader of answers");
  spare_->reserve(kSpare);
  reader_->fn = &in_arena;
  reader_->privdata = &parts_;
  reader_->maxbuf = kKeep;
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
                                std::exchange(parts_, Arena(limit_, spare_)));
  }
  const std::size_t unread = is_good ? reader_->len - reader_->pos : 0;
  if (parts_.is_over() || unread > limit_ - parts_.bytes()) {
    parts_.take(limit_ + 1);  // Nothing more is taken.
    return fail(Errc::limit,
                fmt::format("an answer of Redis is larger than {}, history.answer_bytes",
                            format_size(limit_)));
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
