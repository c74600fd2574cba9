/// Parser: text/event-stream, as it comes, in pieces of any size (HTML §9.2.6).
///
/// Thread  its owner's. Errors  none by the standard: what is not a field is ignored; only an event
/// larger than the limit is reported, as `overflow`, and skipped up to its blank line.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/units.h"

namespace sluice::sse {

/// An event as a client sees it.
struct Message {
  std::string id;           ///< The last id seen: it sticks.
  std::string type;         ///< Empty: "message".
  std::string data;         ///< Lines joined by LF.
  bool has_own_id = false;  ///< Its block has an id, and it does not only stick from one before.
};

class Parser {
 public:
  struct Sink {
    std::function<void(Message&&)> on_message;
    std::function<void(std::chrono::milliseconds)> on_retry;
    std::function<void()> on_overflow;
    /// A block without data has set the id.
    std::function<void(const std::string& id)> on_lone_id = {};
  };

  explicit Parser(Sink sink, std::size_t max_event = 1_MiB);

  void feed(std::string_view bytes);
  /// The id a reconnect would send: also of blocks without data.
  [[nodiscard]] const std::string& last_id() const { return last_id_; }
  /// False inside a block: what has come of it so far would be lost at the end of the stream.
  [[nodiscard]] bool at_boundary() const { return at_boundary_ && line_.empty(); }

 private:
  void end_line();
  void field(std::string_view name, std::string_view value);
  void dispatch();
  void append_to_line(std::string_view part);

  const Sink sink_;
  const std::size_t max_event_;
  std::string line_;
  std::string data_;
  std::string type_;
  std::string id_;            ///< Of the block that is being read.
  std::string last_id_;       ///< Of the last block that was complete.
  std::size_t bom_seen_ = 0;  ///< Bytes of a byte order mark at the very start; 3 = done.
  bool has_data_ = false;
  bool has_id_ = false;
  bool after_cr_ = false;        ///< The last byte was CR: an LF now belongs to it.
  bool is_overflowing_ = false;  ///< Skipping up to the next blank line.
  bool at_boundary_ = true;
};

}  // namespace sluice::sse
