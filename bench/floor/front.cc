#include "bench/floor/front.h"

#include <algorithm>
#include <utility>

namespace sluice::bench {
namespace {

constexpr std::size_t kPrioritySize = 5;

}  // namespace

std::string& Front::out() {
  if (out_.empty()) proxy_.mark(*this);
  return out_;
}

void Front::flush() {
  send(out_);
  out_.clear();
  if (is_closed()) proxy_.mark_closed();
}

void Front::sweep() {
  std::erase_if(backs_, [](const auto& back) { return back->is_closed(); });
}

std::string Front::on_request(const Frame& headers) {
  auto fields = headers.payload;
  if ((headers.flags & kPriority) != 0)
    fields.remove_prefix(std::min(kPrioritySize, fields.size()));
  backs_.push_back(std::make_unique<Back>(*this, headers.stream, proxy_.paths().read(fields)));
  return {};
}

void Front::on_reset(std::uint32_t stream) {
  const auto back = std::find_if(backs_.begin(), backs_.end(),
                                 [&](const auto& each) { return each->stream() == stream; });
  if (back != backs_.end()) (*back)->close();
}

}  // namespace sluice::bench
