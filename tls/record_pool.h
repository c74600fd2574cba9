/// RecordPool: the buffers of TLS records, kept between records instead of given back to malloc.
///
/// With SSL_MODE_RELEASE_BUFFERS OpenSSL allocates 16.2 KiB for each record and frees it behind it.
/// An idle connection holds none, but glibc merges and splits free memory for every block of that
/// size, and each comes cold into the cache. Here each thread keeps the last few, and all its
/// connections use those.
///
/// Blocks carry no mark: each that malloc says is large enough is as good as any other. So a
/// block that was freed on another thread, grown by realloc or allocated before is no special case.
///
/// Thread     any; each has blocks of its own, at most kKept, freed at its end.
/// Invariant  what is kept is used by nobody. Contents are not cleared, as malloc does not clear
///            them: OpenSSL reads of a record's buffer only what it has written there.
#pragma once

#include <cstddef>

namespace sluice::tls {

class RecordPool {
 public:
  static constexpr std::size_t kLeast = 16'384;  ///< Smaller ones are malloc's business.
  static constexpr std::size_t kBlock = 17'408;  ///< A record of any version, and its padding.
  static constexpr std::size_t kKept = 4;

  [[nodiscard]] static void* allocate(std::size_t size) noexcept;
  /// As realloc(): nullptr and nothing is changed when there is no memory.
  [[nodiscard]] static void* resize(void* block, std::size_t size) noexcept;
  static void release(void* block) noexcept;
  /// How many this thread keeps now.
  [[nodiscard]] static std::size_t kept() noexcept;
};

/// True: OpenSSL allocates from the pool. That begins before main() and before the constructors of
/// shared libraries (.preinit_array), in each program that this is linked into, which calling it
/// makes sure of. False: something allocated earlier still, or this is built with a sanitizer,
/// which is to see OpenSSL's own errors. All works without the pool, too.
[[nodiscard]] bool pools_records();

}  // namespace sluice::tls
