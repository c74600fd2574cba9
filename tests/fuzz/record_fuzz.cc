/// Records: no stored bytes crash the reader, and what it reads of them is inside them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/assert.h"
#include "gateway/journal/record.h"

namespace sluice::journal {
namespace {

constexpr sse::Position kPosition(7);

void check_record(std::string_view bytes) {
  const auto record = parse_record(bytes, kPosition);
  if (!record) return;
  SLUICE_ASSERT(!record->topics.empty(), "an event without a topic");
  std::size_t size = record->id.size() + record->key.size() + record->wire.size();
  for (const std::string_view topic : record->topics) size += topic.size();
  SLUICE_ASSERT(size <= bytes.size(), "more was read than there is");
  const auto event = to_event(*record, kPosition);
  const std::string written = make_record(*event, record->is_ruled);
  const auto again = parse_record(written, kPosition);
  SLUICE_ASSERT(again, "what was read cannot be written");
  const bool is_same = again->topics == record->topics && again->id == record->id &&
                       again->key == record->key && again->wire == record->wire &&
                       again->time == record->time && again->expires == record->expires;
  SLUICE_ASSERT(is_same, "what was written again is another event");
}

}  // namespace
}  // namespace sluice::journal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  std::string bytes(data, data + size);
  sluice::journal::check_record(bytes);
  // With a checksum of its own it gets past the first look.
  sluice::journal::seal_record(bytes, sluice::journal::kPosition);
  sluice::journal::check_record(bytes);
  return 0;
}
