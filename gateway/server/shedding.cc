#include "gateway/server/shedding.h"

#include <algorithm>
#include <vector>

#include "gateway/base/random.h"

namespace sluice::server {
namespace {
constexpr std::size_t kLeast = 8;       ///< At once; of the few that there may be left.
constexpr std::size_t kShare = 20;      ///< One of so many at once …
constexpr std::size_t kLargeShare = 5;  ///< … and when newcomers are parked.
}  // namespace

Shedding::Shedding(net::Loop& loop, const Setting& setting)
    : setting_(setting), timer_(loop, [this] { look(); }) {}

void Shedding::set(MemoryLevel level) {
  level_ = level;
  if (level < MemoryLevel::shed) {
    timer_.stop();
  } else if (!timer_.is_running()) {
    look();
    timer_.start_periodic(kInterval);
  }
}

void Shedding::look() {
  const Duration idle = level_ >= MemoryLevel::park ? kIdleWhenParking : kIdle;
  setting_.connections.drain_idle(idle, share_of(setting_.connections.size()));
  setting_.connections.close_stuck(kStuck);
  end_slowest_readers();
}

std::size_t Shedding::share_of(std::size_t all) const {
  return std::max(kLeast, all / (level_ >= MemoryLevel::park ? kLargeShare : kShare));
}

void Shedding::end_slowest_readers() {
  struct Reader {
    sse::Position at;
    EventStream* stream;
  };
  std::vector<Reader> readers;
  setting_.streams.for_each([&](EventStream& stream) {
    if (const auto at = stream.lagging_at()) readers.push_back({*at, &stream});
  });
  const std::size_t some = std::min(share_of(readers.size()), readers.size());
  const auto end = readers.begin() + static_cast<std::ptrdiff_t>(some);
  std::nth_element(readers.begin(), end, readers.end(),
                   [](const Reader& one, const Reader& other) { return one.at < other.at; });
  std::for_each(readers.begin(), end, [this](const Reader& reader) {
    reader.stream->shed(jitter(setting_.retry.parked_min, setting_.retry.parked_max));
    setting_.counters.shed_readers.add();
  });
}

}  // namespace sluice::server
