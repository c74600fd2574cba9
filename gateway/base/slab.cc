#include "gateway/base/slab.h"

#include <algorithm>
#include <bitset>
#include <cstdlib>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/base/sanitized.h"
#include "gateway/base/units.h"

namespace sluice {
namespace {

constexpr std::size_t kPage = 4_KiB;
constexpr std::size_t kChunk = 1_MiB;
/// What stands before a block of malloc's, under a sanitizer: a pointer to its slab.
constexpr std::size_t kOwner = sizeof(void*);

/// The beginning of the `size` bytes in which it lies, which begin at a multiple of that.
template <class T>
T& head_of(const void* inside, std::size_t size) {
  const auto address = reinterpret_cast<std::uintptr_t>(inside);
  return *reinterpret_cast<T*>(address - address % size);  // NOLINT(performance-no-int-to-ptr)
}

/// Pages of 4 KiB can be given back one by one: where the system's are larger it would take the
/// neighbours along.
bool has_small_pages() {
  static const bool has = ::sysconf(_SC_PAGESIZE) <= static_cast<long>(kPage);
  return has;
}

std::byte* at(void* begin, std::size_t offset) {
  return static_cast<std::byte*>(begin) + offset;
}

/// Addresses for one chunk; null: the system has none.
void* map_chunk() {
  void* const got =
      ::mmap(nullptr, 2 * kChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return nullptr;
  // The one multiple of kChunk in it, and what is beside that.
  const std::size_t before = (kChunk - reinterpret_cast<std::uintptr_t>(got) % kChunk) % kChunk;
  if (before > 0) ::munmap(got, before);
  void* const chunk = at(got, before);
  ::munmap(at(chunk, kChunk), kChunk - before);
  // A huge page would be there whole, however few of its pages are used.
  ::madvise(chunk, kChunk, MADV_NOHUGEPAGE);
  return chunk;
}

}  // namespace

struct Slab::Page : ListHook<PageTag> {
  explicit Page(Slab& slab) : owner(slab) {}

  Slab& owner;
  void* free = nullptr;  ///< The first block that was given back; each begins with the next.
  std::uint16_t used = 0;
  std::uint16_t begun = 0;  ///< Blocks that were ever taken; those behind were not touched.

  [[nodiscard]] std::size_t capacity() const { return (kPage - sizeof(Page)) / owner.size_; }
  [[nodiscard]] bool is_full() const { return used == capacity(); }
  void* take() {
    ++used;
    if (free == nullptr) return at(this, sizeof(Page) + owner.size_ * begun++);
    void* const block = free;
    free = *static_cast<void**>(block);
    return block;
  }
  void give(void* block) {
    --used;
    *static_cast<void**>(block) = std::exchange(free, block);
  }
};

/// In the first page of its own.
struct Slab::Chunk : ListHook<ChunkTag> {
  std::bitset<kChunk / kPage> given;
  std::size_t count = 0;

  [[nodiscard]] bool is_full() const { return count == given.size() - 1; }
  void* take() {
    std::size_t i = 1;
    while (given[i]) ++i;
    given[i] = true;
    ++count;
    return at(this, i * kPage);
  }
  void give(void* page) {
    given[static_cast<std::size_t>(static_cast<std::byte*>(page) - at(this, 0)) / kPage] = false;
    --count;
  }
};

Slab::Slab(std::size_t size, std::size_t kept)
    : size_((size + alignof(void*) - 1) / alignof(void*) * alignof(void*)), kept_most_(kept) {
  SLUICE_ASSERT(size > 0 && size <= kMost, "a slab is for small objects");
}

Slab::~Slab() {
  SLUICE_ASSERT(used_ == 0, "a slab went before its objects");
  while (!unused_.empty()) drop(unused_.pop_front());
  // That the last page of a chunk has left, and that still has its addresses.
  while (!chunks_.empty()) ::munmap(&chunks_.pop_front(), kChunk);
}

void* Slab::take() {
  if constexpr (kIsSanitized) {
    void* const place = std::malloc(kOwner + size_);
    if (place == nullptr) throw std::bad_alloc();
    *static_cast<Slab**>(place) = this;
    ++used_;
    return at(place, kOwner);
  }
  Page& page = !roomy_.empty() ? roomy_.front() : add_page();
  void* const block = page.take();
  if (page.is_full()) page.unlink();
  ++used_;
  return block;
}

void Slab::give(void* block) noexcept {
  if (block == nullptr) return;
  Slab& slab = owner_of(block);
  --slab.used_;
  if constexpr (kIsSanitized) return std::free(static_cast<std::byte*>(block) - kOwner);
  slab.take_back(head_of<Page>(block, kPage), block);
}

Slab& Slab::owner_of(const void* block) {
  if constexpr (kIsSanitized) return **(static_cast<Slab* const*>(block) - 1);
  return head_of<Page>(block, kPage).owner;
}

bool Slab::has_made(const void* block) const {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  return std::binary_search(all_chunks_.begin(), all_chunks_.end(), address - address % kChunk);
}

std::size_t Slab::size_of(const void* block) {
  return owner_of(block).size_;
}

void Slab::take_back(Page& page, void* block) noexcept {
  page.give(block);
  if (page.used > 0) {
    if (!page.is_linked()) roomy_.push_back(page);
    return;
  }
  page.unlink();
  if (kept_ == kept_most_) return drop(page);
  ++kept_;
  unused_.push_back(page);
}

void Slab::tidy() {
  for (; least_kept_ > 0; --least_kept_, --kept_) drop(unused_.pop_front());
  least_kept_ = kept_;
}

/// One that is kept, or a new one.
Slab::Page& Slab::add_page() {
  if (!unused_.empty()) {
    Page& page = unused_.pop_front();
    least_kept_ = std::min(least_kept_, --kept_);
    roomy_.push_back(page);
    return page;
  }
  Chunk& chunk = !chunks_.empty() ? chunks_.front() : add_chunk();
  Page& page = *new (chunk.take()) Page(*this);
  if (chunk.is_full()) chunk.unlink();
  ++pages_;
  roomy_.push_back(page);
  return page;
}

Slab::Chunk& Slab::add_chunk() {
  void* const place = map_chunk();
  if (place == nullptr) throw std::bad_alloc();
  const auto begin = reinterpret_cast<std::uintptr_t>(place);
  all_chunks_.insert(std::upper_bound(all_chunks_.begin(), all_chunks_.end(), begin), begin);
  Chunk& chunk = *new (place) Chunk;
  chunks_.push_back(chunk);
  return chunk;
}

/// Gives its memory back. It stands in no list.
void Slab::drop(Page& page) noexcept {
  Chunk& chunk = head_of<Chunk>(&page, kChunk);
  --pages_;
  page.~Page();
  if (has_small_pages()) ::madvise(&page, kPage, MADV_DONTNEED);
  chunk.give(&page);
  const bool is_last = pages_ == 0;  // Whoever has had one object will have others.
  if (chunk.count > 0 || is_last) {
    if (!chunk.is_linked()) chunks_.push_back(chunk);
    return;
  }
  chunk.unlink();
  std::erase(all_chunks_, reinterpret_cast<std::uintptr_t>(&chunk));
  ::munmap(&chunk, kChunk);
}

}  // namespace sluice
