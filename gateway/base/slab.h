/// Slab: memory for many objects of one size, apart from all others.
///
/// Ten thousand streams wait idle, and each was begun by a request: by text, fields and an answer
/// that are gone. malloc put those between what stays, and what they have left is too scattered to
/// be used again or given back: a sixth of what such a stream costs. So what stays is cut out of
/// pages of its own, where it has no header either:
///
///   chunk (1 MiB of addresses) = head │ page │ page │ …     page (4 KiB) = head │ block │ block …
///
/// A page that has become free stays with its slab if that keeps fewer than `kept`, and until
/// nobody has needed it from one tidy() to the next; else its memory goes back to the system, and
/// with the last page of a chunk the addresses do. (Where the system's own pages are larger, memory
/// goes back with the addresses.)
///
/// Owner   whoever owns the objects, which it outlives. It costs nothing until the first of them.
/// Thread  its owner's: take() and give().
/// Errors  std::bad_alloc. A slab that goes before its objects: an assertion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "gateway/base/assert.h"
#include "gateway/base/intrusive_list.h"

namespace sluice {

class Slab {
 public:
  static constexpr std::size_t kMost = 1'024;  ///< The largest block, in bytes.

  /// Blocks of `size` bytes, aligned for pointers. `kept`: the most pages without a block that is
  /// used.
  explicit Slab(std::size_t size, std::size_t kept = 1);
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  [[nodiscard]] void* take();
  /// A block of any slab. It goes back to its own.
  static void give(void* block) noexcept;
  /// Gives back what it has kept for nothing since the last time.
  void tidy();
  /// Of a block of any slab.
  [[nodiscard]] static std::size_t size_of(const void* block);
  /// Whether it is a block of this slab, and nobody else's. (Not under a sanitizer.)
  [[nodiscard]] bool has_made(const void* block) const;

  [[nodiscard]] std::size_t block_size() const { return size_; }
  [[nodiscard]] std::size_t blocks_used() const { return used_; }
  /// Of those that have memory: with blocks that are used, and kept.
  [[nodiscard]] std::size_t pages() const { return pages_; }

 private:
  struct PageTag;
  struct ChunkTag;
  struct Page;
  struct Chunk;

  [[nodiscard]] static Slab& owner_of(const void* block);
  Page& add_page();
  Chunk& add_chunk();
  void take_back(Page& page, void* block) noexcept;
  void drop(Page& page) noexcept;

  // Set in the constructor.
  const std::size_t size_;
  const std::size_t kept_most_;

  std::size_t used_ = 0;
  std::size_t pages_ = 0;
  std::size_t kept_ = 0;
  std::size_t least_kept_ = 0;              ///< Since the last tidy().
  IntrusiveList<Page, PageTag> roomy_;      ///< With blocks that are used, and others.
  IntrusiveList<Page, PageTag> unused_;     ///< Kept.
  IntrusiveList<Chunk, ChunkTag> chunks_;   ///< That have a page to give.
  std::vector<std::uintptr_t> all_chunks_;  ///< Where they begin, in order.
};

/// Base of what is made by make_in() only. It is deleted as anything else.
class InSlab {
 public:
  static void* operator new(std::size_t size, Slab& slab) {
    SLUICE_ASSERT(size <= slab.block_size(), "an object is larger than its slab's blocks");
    return slab.take();
  }
  static void operator delete(void* block, Slab&) noexcept { Slab::give(block); }
  static void operator delete(void* block) noexcept { Slab::give(block); }

 protected:
  ~InSlab() = default;
};

template <class T, class... Arguments>
[[nodiscard]] std::unique_ptr<T> make_in(Slab& slab, Arguments&&... arguments) {
  static_assert(alignof(T) <= alignof(void*), "blocks are aligned for pointers");
  return std::unique_ptr<T>(new (slab) T(std::forward<Arguments>(arguments)...));
}

}  // namespace sluice
