#include "gateway/server/pid_file.h"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace sluice::server {

Result<void> PidFile::write(const std::string& path) {
  if (path.empty()) return {};
  const std::string fresh = path + ".new";
  errno = 0;
  std::ofstream file(fresh, std::ios::trunc);
  file << ::getpid() << '\n';
  file.close();
  if (!file || ::rename(fresh.c_str(), path.c_str()) != 0) {
    return fail(Errc::io, fmt::format("cannot write {}: {}; give server.pid_file a place that this "
                                      "user can write",
                                      path, std::generic_category().message(errno)));
  }
  path_ = path;
  return {};
}

PidFile::~PidFile() {
  if (path_.empty()) return;
  std::ifstream file(path_);
  pid_t owner = 0;
  if (file >> owner && owner == ::getpid()) ::unlink(path_.c_str());
}

}  // namespace sluice::server
