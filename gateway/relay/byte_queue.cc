#include "gateway/relay/byte_queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "gateway/base/assert.h"

namespace sluice::relay {

char* ByteQueue::Block::bytes() {
  return static_cast<char*>(static_cast<void*>(this + 1));
}

void ByteQueue::BlockFree::operator()(Block* block) const noexcept {
  block->capacity == kLeast ? Slab::give(block) : std::free(block);
}

void ByteQueue::add(std::string_view bytes, Slab& pieces) {
  if (bytes.empty()) return;
  if (block_ == nullptr || block_->capacity - block_->end < bytes.size()) {
    make_room(bytes.size(), pieces);
  }
  std::memcpy(block_->bytes() + block_->end, bytes.data(), bytes.size());
  block_->end += bytes.size();
}

void ByteQueue::make_room(std::size_t more, Slab& pieces) {
  const std::size_t used = size();
  std::size_t capacity = kLeast;
  void* place = nullptr;
  if (used + more <= kLeast) {
    place = pieces.take();
  } else {
    // Its capacity says whose a block is.
    capacity = std::max({kLeast + 1, used + more, 2 * used});
    place = std::malloc(sizeof(Block) + capacity);
    if (place == nullptr) throw std::bad_alloc();
  }
  const std::unique_ptr<Block, BlockFree> old = std::move(block_);
  block_.reset(new (place) Block{.taken = 0, .end = used, .capacity = capacity});
  if (used > 0) std::memcpy(block_->bytes(), old->bytes() + old->taken, used);
}

void ByteQueue::take(std::span<std::byte> out) {
  if (out.empty()) return;
  SLUICE_ASSERT(out.size() <= size(), "more is taken than is there");
  std::memcpy(out.data(), block_->bytes() + block_->taken, out.size());
  block_->taken += out.size();
  if (block_->used() == 0) return block_.reset();
  if (block_->taken < kDropTaken) return;
  std::memmove(block_->bytes(), block_->bytes() + block_->taken, block_->used());
  block_->end -= block_->taken;
  block_->taken = 0;
}

}  // namespace sluice::relay
