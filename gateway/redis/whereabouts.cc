#include "gateway/redis/whereabouts.h"

#include <algorithm>
#include <utility>

#include "gateway/base/log.h"

namespace sluice::redis {
namespace {
constexpr Millis kSilence{5'000};  // Nodes may lead in circles.
}  // namespace

Whereabouts::Whereabouts(const Wiring& wiring, Aim aim, Counter& moves)
    : wiring_(wiring),
      home_(aim.server),
      name_(aim.name),
      moves_(moves),
      sentinels_(aim.sentinels.empty()
                     ? nullptr
                     : std::make_unique<Sentinels>(wiring, std::move(aim.sentinels), moves)),
      current_(home_) {}

void Whereabouts::find(Sentinels::Found found) {
  if (sentinels_ != nullptr) return sentinels_->find(std::move(found));
  found(current_);
}

/// Several links may have tried it; the first one that says so sends all of them on.
void Whereabouts::doubt(const Place& place) {
  if (sentinels_ != nullptr) return sentinels_->doubt(place);
  for (std::size_t i = 0; i <= nodes_.size() && current_ == place; ++i) {
    current_ = next_ == 0 ? home_ : nodes_[next_ - 1];
    next_ = (next_ + 1) % (nodes_.size() + 1);
  }
}

void Whereabouts::moved(const Place& node, const Place& there) {
  if (there == current_) return;
  const TimePoint now = wiring_.loop.now();
  if (now >= next_word_) {
    log::info("Redis: the slot of {} is at {}, says {} of the cluster", wiring_.key, there.text(),
              node.text());
    next_word_ = now + kSilence;
  }
  moves_.add();
  current_ = there;
  next_ = 0;
}

/// Of each range of slots: its first, its last, and its nodes: host, port, …, the master first.
void Whereabouts::learn(const ReplyView& slots) {
  std::vector<Place> nodes;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    for (std::size_t j = 2; j < slots[i].size() && nodes.size() < kNodes; ++j) {
      const ReplyView node = slots[i][j];
      if (node.size() < 2) continue;
      Place place{std::string(node[0].text()),
                  static_cast<std::uint16_t>(node[1].integer().value_or(0))};
      const bool is_useful = !place.host.empty() && place.host != "?" && place.port != 0 &&
                             place != home_ &&
                             std::find(nodes.begin(), nodes.end(), place) == nodes.end();
      if (is_useful) nodes.push_back(std::move(place));
    }
  }
  if (nodes == nodes_ || nodes.empty()) return;
  nodes_ = std::move(nodes);
  next_ = 0;
}

void Whereabouts::stop() {
  if (sentinels_ != nullptr) sentinels_->stop();
}

}  // namespace sluice::redis
