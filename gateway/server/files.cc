#include "gateway/server/files.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "gateway/base/c_handle.h"
#include "gateway/base/file.h"

namespace sluice::server {
namespace {

tl::unexpected<Error> cannot_write(const std::string& path) {
  return fail(Errc::io,
              fmt::format("cannot write {}: {}", path, std::generic_category().message(errno)));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0;
}

}  // namespace

Result<std::string> read_secret_file(const std::string& path) {
  return read_file(path).map(as_secret);
}

std::string as_secret(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

Result<void> write_private_file(const std::string& path, std::string_view text) {
  const std::string unfinished = fmt::format("{}.{}", path, ::getpid());
  UniqueFd file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return cannot_write(unfinished);
  const bool is_good = ::fchmod(file.get(), 0600) == 0 && write_all(file.get(), text) &&
                       ::rename(unfinished.c_str(), path.c_str()) == 0;
  if (is_good) return {};
  auto failure = cannot_write(path);
  ::unlink(unfinished.c_str());
  return failure;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any.
  return value == nullptr ? "" : value;
}

std::optional<std::uint64_t> environment_number(const char* name) {
  const std::string text = environment(name);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

}  // namespace sluice::server
