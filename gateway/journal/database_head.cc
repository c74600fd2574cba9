#include "gateway/journal/database_head.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/c_handle.h"

namespace sluice::journal {
namespace {

/// What stands in each of the first two pages, of LMDB's data version 1 on 64 bits; the one with
/// the newer transaction holds.
struct MetaPage {
  std::array<char, 16> page_head;
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t address;
  std::uint64_t map_size;
  std::uint32_t page_size;
  std::uint32_t flags;
  std::array<std::uint64_t, 11> trees;
  std::uint64_t last_page;
  std::uint64_t transaction;
};
static_assert(sizeof(MetaPage) == 152, "it is read as it stands");

constexpr std::uint32_t kMagic = 0xBEEFC0DE;

bool read_meta(int fd, off_t at, MetaPage& meta) {
  const ssize_t got = ::pread(fd, &meta, sizeof(meta), at);
  return got == static_cast<ssize_t>(sizeof(meta)) && meta.magic == kMagic;
}

}  // namespace

tl::expected<DatabaseHead, int> check_database_head(const std::string& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return DatabaseHead{.is_new = true, .damage = {}};
  struct stat stat {};
  if (!fd || ::fstat(fd.get(), &stat) != 0) return tl::unexpected(errno);
  if (stat.st_size == 0) return DatabaseHead{.is_new = true, .damage = {}};

  MetaPage first{};
  if (!read_meta(fd.get(), 0, first)) return DatabaseHead{.damage = "it is no database"};
  const std::uint32_t size = first.page_size;
  if (size < 512 || size > 65'536 || (size & (size - 1)) != 0) {
    return DatabaseHead{.damage = "its page size is impossible"};
  }
  MetaPage second{};
  if (!read_meta(fd.get(), static_cast<off_t>(size), second) || second.page_size != size) {
    return DatabaseHead{.damage = "its second page is not as it was written"};
  }
  const MetaPage& newest = second.transaction > first.transaction ? second : first;
  const std::uint64_t pages = static_cast<std::uint64_t>(stat.st_size) / size;
  if (newest.last_page >= pages) return DatabaseHead{.damage = "its end is cut off"};
  return DatabaseHead{};
}

}  // namespace sluice::journal
