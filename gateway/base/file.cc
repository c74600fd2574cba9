#include "gateway/base/file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace sluice {
namespace {

/// Whose file it is.
struct Name {
  const std::string& path;
  std::string_view kind;
};

Error cannot_read(const Name& name, Errc code, std::string_view why) {
  return {code, fmt::format("cannot read {}{}{}: {}", name.kind, name.kind.empty() ? "" : " ",
                            name.path, why)};
}

tl::unexpected<Error> failed(const Name& name, int error) {
  return tl::unexpected(cannot_read(name, error == ENOENT ? Errc::not_found : Errc::io,
                                    std::generic_category().message(error)));
}

tl::unexpected<Error> not_regular(const Name& name, std::string_view what) {
  return tl::unexpected(cannot_read(name, Errc::invalid,
                                    fmt::format("it is {}, and has to be a regular file", what)));
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  return S_ISSOCK(mode) ? "a socket" : "a device";
}

Result<std::string> read_all(int fd, const Name& name, std::size_t most) {
  std::string text;
  // As large as it says it is: what a growing text leaves behind in memory may be a piece of a key.
  struct stat status {};
  if (::fstat(fd, &status) == 0 && status.st_size > 0) {
    text.reserve(std::min(static_cast<std::size_t>(status.st_size), most));
  }
  std::array<char, 16'384> piece{};
  for (;;) {
    const ssize_t size = ::read(fd, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failed(name, errno);
    if (size == 0) return text;
    if (static_cast<std::size_t>(size) > most - text.size()) {
      return tl::unexpected(
          cannot_read(name, Errc::limit, fmt::format("it has more than {}", format_size(most))));
    }
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

Result<UniqueFd> open_file(const std::string& path, std::string_view kind) {
  const Name name{path, kind};
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  // What open() says of a socket, and of a device that nothing is behind.
  if (!fd && errno == ENXIO) return not_regular(name, "a socket or a device");
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return failed(name, errno);
  if (!S_ISREG(status.st_mode)) return not_regular(name, kind_of(status.st_mode));
  return fd;
}

Result<std::string> read_file(const std::string& path, std::string_view kind, std::size_t most) {
  const auto fd = open_file(path, kind);
  if (!fd) return tl::unexpected(fd.error());
  return read_all(fd->get(), {path, kind}, most);
}

Result<std::string> read_input(const std::string& path, std::size_t most) {
  const Name name{path, {}};
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return failed(name, errno);
  return read_all(fd.get(), name, most);
}

}  // namespace sluice
