#include "gateway/server/descriptors.h"

#include <sys/resource.h>

#include <fmt/format.h>

#include "gateway/base/log.h"

namespace sluice::server {

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur == limit.rlim_max) return limit.rlim_cur;
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return raised.rlim_cur;
  log::warning("the limit of open files could not be raised from {} to {}", limit.rlim_cur,
               limit.rlim_max);
  return limit.rlim_cur;
}

std::size_t connection_limit(const Config& config, std::size_t workers, std::size_t descriptors) {
  const std::size_t asked = config.limits.connections;
  if (descriptors == 0) return asked;
  const std::size_t reserve = 32 + workers * (8 + config.listens.size());
  const std::size_t room = descriptors > reserve ? descriptors - reserve : 1;
  if (room >= asked) return asked;
  // Who wrote no configuration has not asked for anything.
  const auto level = config.file.empty() ? log::Level::debug : log::Level::warning;
  log::write(level,
             fmt::format("limits.connections is {}, but the limit of open files, {}, leaves room "
                         "for {}: set LimitNOFILE={} in the systemd unit, or `ulimit -n` before "
                         "the start, or lower limits.connections",
                         asked, descriptors, room, asked + reserve));
  return room;
}

}  // namespace sluice::server
