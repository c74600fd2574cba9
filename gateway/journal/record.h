/// Record: the stored form of an event.
///
///   checksum 8 | size 4 | flags 4 | time 8 | expires 8 | topics 4 | id 4 | key 4 | wire 4
///   | length of each topic 4 | the topics | id | key | wire
///
/// Numbers are in the machine's byte order, lengths in bytes. The checksum (XXH3, seeded with the
/// position) covers all that is behind it, so that a record is good only where it belongs.
/// Errors  whatever is wrong with the bytes, parse_record() says none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/sse/event.h"

namespace sluice::journal {

/// A record that is in order; its texts are parts of the bytes that were parsed.
struct Record {
  std::vector<std::string_view> topics;
  std::string_view id;
  std::string_view key;
  std::string_view wire;
  WallTime time;
  std::optional<WallTime> expires;
  bool has_own_id = false;
  bool is_private = false;
  bool is_ruled = false;  ///< Its first topic has a rule of its own, see RetentionOf.
};

[[nodiscard]] std::string make_record(const sse::Event& event, bool is_ruled);
std::optional<Record> parse_record(std::string_view bytes, sse::Position position);
sse::EventPtr to_event(const Record& record, sse::Position position);
/// Gives bytes that look like a record the size and the checksum of one.
void seal_record(std::string& bytes, sse::Position position);

/// What the file holds for one event, about: the record, and what each index needs.
[[nodiscard]] std::size_t record_cost(std::size_t record_bytes, std::size_t topics);

}  // namespace sluice::journal
