#include "bench/common/redis_work.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <poll.h>
#include <string>
#include <sys/socket.h>

#include "bench/common/args.h"
#include "bench/common/net.h"

namespace sluice::bench {
namespace {

constexpr int kLimitMs = 5'000;
constexpr std::string_view kQuestion = "INFO\r\n";

void wait_for(const Fd& fd, short events) {
  pollfd waiting{fd.get(), events, 0};
  if (poll(&waiting, 1, kLimitMs) != 1) die("Redis does not answer");
}

/// What stands behind `name:`.
std::string value_of(std::string_view info, std::string_view name) {
  const auto at = info.find("\n" + std::string(name) + ":");
  if (at == std::string_view::npos) die("Redis does not tell its " + std::string(name));
  const auto begin = at + name.size() + 2;
  return std::string(info.substr(begin, info.find('\r', begin) - begin));
}

std::uint64_t count_of(std::string_view info, std::string_view name) {
  return std::strtoull(value_of(info, name).c_str(), nullptr, 10);
}

std::uint64_t ns_of(std::string_view info, std::string_view name) {
  return static_cast<std::uint64_t>(std::strtod(value_of(info, name).c_str(), nullptr) * 1e9);
}

/// The length of the text that `$1234` announces; 0 while the line is not there.
std::size_t announced(std::string_view answer) {
  std::size_t size = 0;
  if (answer.find('\n') == std::string_view::npos) return 0;
  if (!answer.starts_with('$')) die("Redis does not tell what it did: " + std::string(answer));
  std::from_chars(answer.data() + 1, answer.data() + answer.size(), size);
  return size;
}

}  // namespace

RedisWork RedisWork::parse(std::string_view info) {
  return {.commands = count_of(info, "total_commands_processed"),
          .in_bytes = count_of(info, "total_net_input_bytes"),
          .out_bytes = count_of(info, "total_net_output_bytes"),
          .cpu_ns = ns_of(info, "used_cpu_sys") + ns_of(info, "used_cpu_user")};
}

RedisWork RedisWork::now(std::uint16_t port) {
  if (port == 0) return {};
  Url url;
  url.host = "127.0.0.1";
  url.port = std::to_string(port);
  const Fd fd = connect_to(url);
  if (!fd) die("cannot connect to Redis");
  wait_for(fd, POLLOUT);
  if (send(fd.get(), kQuestion.data(), kQuestion.size(), MSG_NOSIGNAL) < 0) {
    die("Redis does not listen");
  }
  std::string answer;
  std::array<char, 16'384> buffer;  // filled by recv()
  for (std::size_t size = 0; size == 0 || answer.size() < size; size = announced(answer)) {
    wait_for(fd, POLLIN);
    const auto got = recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) die("Redis closed the connection");
    if (got > 0) answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return parse(answer);
}

}  // namespace sluice::bench
