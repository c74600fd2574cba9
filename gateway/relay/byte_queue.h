/// ByteQueue: bytes on their way through, in at the back and out at the front.
///
/// What was taken is dropped now and then, and all memory when nothing is left: what is held never
/// grows with what passes, however long the queue is never quite empty. An empty one, as most are,
/// is one pointer; a short one, as most others, has a block of a slab.
/// Thread  its owner's, and the slab's.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "gateway/base/slab.h"
#include "gateway/base/units.h"

namespace sluice::relay {

class ByteQueue {
 public:
  static constexpr std::size_t kPiece = 256;  ///< The size of `pieces`' blocks.

  /// `pieces` outlives it, and is the same each time.
  void add(std::string_view bytes, Slab& pieces);
  [[nodiscard]] std::size_t size() const { return block_ == nullptr ? 0 : block_->used(); }
  [[nodiscard]] bool empty() const { return block_ == nullptr; }
  /// out.size() ≤ size().
  void take(std::span<std::byte> out);
  void clear() { block_.reset(); }

 private:
  static constexpr std::size_t kDropTaken = 16_KiB;  ///< So that little is moved for it.

  /// The beginning of an allocation; the bytes follow it.
  struct Block {
    std::size_t taken;
    std::size_t end;
    std::size_t capacity;

    [[nodiscard]] std::size_t used() const { return end - taken; }
    [[nodiscard]] char* bytes();
  };
  /// Of a block of the slab.
  static constexpr std::size_t kLeast = kPiece - sizeof(Block);

  struct BlockFree {
    void operator()(Block* block) const noexcept;
  };

  void make_room(std::size_t more, Slab& pieces);

  std::unique_ptr<Block, BlockFree> block_;  ///< Null: there is nothing.
};

}  // namespace sluice::relay
