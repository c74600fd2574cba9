/// PublishParser: events out of a text/event-stream that somebody publishes, one at a time.
///
/// The form is that of the standard (HTML §9.2.6), with fields that only a publisher has: `topic`
/// (repeated), `private`, `key`, `ttl`, and `type` for `event`. Unlike a reader's, an id is of its
/// own block alone, and so is `retry`; a block without `data` is no event, as in the standard.
///
/// It is pulled: next() takes no more than the block that it returns, so that whoever has no room
/// for another event leaves the bytes where they are.
/// Thread  its owner's. Errors  Errc::limit: a block larger than the limit; nothing more comes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/server/publish_fields.h"

namespace sluice::server {

class PublishParser {
 public:
  /// `common`: what each event begins with; its topics hold for events that name none.
  PublishParser(Fields common, std::size_t max_block);

  /// Takes bytes off the front of `input` up to the end of an event. None: all are taken, and the
  /// event is not complete.
  Result<std::optional<Fields>> next(std::string_view& input);
  /// An event has begun that has data already: the end of the input would lose it.
  [[nodiscard]] bool is_inside() const { return has_data_ || line_.starts_with("data"); }

 private:
  void skip_byte_order_mark(std::string_view& input);
  void field(std::string_view name, std::string_view value);
  Fields take_block();

  const Fields common_;
  const std::size_t max_block_;
  Fields block_;
  std::string line_;
  std::size_t block_bytes_ = 0;
  std::size_t mark_seen_ = 0;  ///< Bytes of a byte order mark at the very start; 3: done.
  bool has_topics_ = false;    ///< Of its own.
  bool has_data_ = false;
  bool after_cr_ = false;  ///< The last byte was CR: an LF now belongs to it.
};

}  // namespace sluice::server
