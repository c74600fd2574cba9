#include "gateway/journal/record.h"

#include <chrono>
#include <cstring>
#include <memory>

#include <xxhash.h>

namespace sluice::journal {
namespace {

struct Head {
  std::uint64_t checksum;
  std::uint32_t size;
  std::uint32_t flags;
  std::int64_t time;  ///< Nanoseconds since 1970.
  std::int64_t expires;
  std::uint32_t topics;
  std::uint32_t id;
  std::uint32_t key;
  std::uint32_t wire;
};
static_assert(sizeof(Head) == 48, "it is stored as it stands");

enum Flag : std::uint32_t { own_id = 1, is_private = 2, expires = 4, ruled = 8 };

std::int64_t to_number(WallTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

WallTime to_time(std::int64_t number) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(number)));
}

std::uint32_t size32(std::string_view text) {
  return static_cast<std::uint32_t>(text.size());
}

std::uint64_t checksum_of(std::string_view bytes, sse::Position position) {
  const std::string_view rest = bytes.substr(sizeof(Head::checksum));
  return XXH3_64bits_withSeed(rest.data(), rest.size(), position.value());
}

/// Takes texts from the front of what is left; all of it must be taken.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}
  std::string_view take(std::size_t n) {
    if (n > rest_.size()) is_good_ = false;
    const std::string_view text = rest_.substr(0, is_good_ ? n : 0);
    rest_.remove_prefix(text.size());
    return text;
  }
  std::uint32_t take_number() {
    std::uint32_t number = 0;
    const std::string_view bytes = take(sizeof(number));
    if (is_good_) std::memcpy(&number, bytes.data(), sizeof(number));
    return number;
  }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  [[nodiscard]] bool is_done() const { return is_good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool is_good_ = true;
};

}  // namespace

std::string make_record(const sse::Event& event, bool is_ruled) {
  Head head{};
  head.flags = (event.has_own_id ? Flag::own_id : 0U) | (event.is_private ? Flag::is_private : 0U) |
               (event.expires ? Flag::expires : 0U) | (is_ruled ? Flag::ruled : 0U);
  head.time = to_number(event.time);
  head.expires = event.expires ? to_number(*event.expires) : 0;
  head.topics = static_cast<std::uint32_t>(event.topics.size());
  head.id = size32(event.id);
  head.key = size32(event.key);
  head.wire = size32(event.wire);

  std::size_t size = sizeof(Head) + event.id.size() + event.key.size() + event.wire.size();
  for (const std::string& topic : event.topics) size += sizeof(std::uint32_t) + topic.size();
  std::string bytes(sizeof(Head), '\0');
  bytes.reserve(size);
  std::memcpy(bytes.data(), &head, sizeof(Head));
  for (const std::string& topic : event.topics) {
    char number[sizeof(std::uint32_t)];
    const std::uint32_t length = size32(topic);
    std::memcpy(number, &length, sizeof(number));
    bytes.append(number, sizeof(number));
  }
  for (const std::string& topic : event.topics) bytes += topic;
  bytes += event.id;
  bytes += event.key;
  bytes += event.wire;
  seal_record(bytes, event.position);
  return bytes;
}

void seal_record(std::string& bytes, sse::Position position) {
  if (bytes.size() < sizeof(Head)) bytes.resize(sizeof(Head));
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data() + offsetof(Head, size), &size, sizeof(size));
  const std::uint64_t checksum = checksum_of(bytes, position);
  std::memcpy(bytes.data(), &checksum, sizeof(checksum));
}

std::optional<Record> parse_record(std::string_view bytes, sse::Position position) {
  Head head{};
  if (bytes.size() < sizeof(Head)) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof(Head));
  // The size is looked at first: when the database gave a wrong one, the rest may not be there.
  if (head.size != bytes.size() || head.checksum != checksum_of(bytes, position)) {
    return std::nullopt;
  }
  Taker taker(bytes.substr(sizeof(Head)));
  if (head.topics == 0 || head.topics > taker.left() / sizeof(std::uint32_t)) return std::nullopt;
  std::vector<std::uint32_t> lengths(head.topics);
  for (std::uint32_t& length : lengths) length = taker.take_number();

  Record record;
  record.topics.reserve(lengths.size());
  for (const std::uint32_t length : lengths) record.topics.push_back(taker.take(length));
  record.id = taker.take(head.id);
  record.key = taker.take(head.key);
  record.wire = taker.take(head.wire);
  if (!taker.is_done()) return std::nullopt;
  record.time = to_time(head.time);
  if ((head.flags & Flag::expires) != 0) record.expires = to_time(head.expires);
  record.has_own_id = (head.flags & Flag::own_id) != 0;
  record.is_private = (head.flags & Flag::is_private) != 0;
  record.is_ruled = (head.flags & Flag::ruled) != 0;
  return record;
}

sse::EventPtr to_event(const Record& record, sse::Position position) {
  auto event = std::make_shared<sse::Event>();
  event->position = position;
  event->topics.assign(record.topics.begin(), record.topics.end());
  event->id = record.id;
  event->has_own_id = record.has_own_id;
  event->is_private = record.is_private;
  event->key = record.key;
  event->time = record.time;
  event->expires = record.expires;
  event->wire = record.wire;
  return event;
}

std::size_t record_cost(std::size_t record_bytes, std::size_t topics) {
  constexpr std::size_t kNode = 32;   // Key and node in the table of events, its part of a page.
  constexpr std::size_t kEntry = 24;  // In the index of topics.
  return record_bytes + kNode + topics * kEntry;
}

}  // namespace sluice::journal
