#include "gateway/redis/codec.h"

#include <charconv>
#include <iterator>
#include <system_error>

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
  SLUICE_ASSERT(i < size(), "a part of an answer was asked for that is not there");
  return ReplyView(reply_->element[i]);
}

void ReplyFree::operator()(redisReply* reply) const noexcept {
  freeReplyObject(reply);
}

void ReaderFree::operator()(redisReader* reader) const noexcept {
  redisReaderFree(reader);
}

Decoder::Decoder() : reader_(redisReaderCreate()) {
  SLUICE_ASSERT(reader_ != nullptr, "there is no memory for a reader of answers");
}

void Decoder::feed(std::span<const std::byte> bytes) {
  // An error shows in next().
  static_cast<void>(
      redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Result<std::optional<Reply>> Decoder::next() {
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
    return fail(Errc::io, std::string("this is no answer of Redis: ") + reader_->errstr);
  }
  if (reply == nullptr) return std::optional<Reply>();
  return std::optional<Reply>(std::in_place, static_cast<redisReply*>(reply));
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
