#include "bench/load/source.h"

#include <array>
#include <poll.h>
#include <sstream>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/common/wire.h"

namespace sluice::bench {
namespace {

constexpr int kLimitMs = 5'000;
constexpr std::string_view kBlankLine = "\r\n\r\n";

void wait_for(const Fd& fd, short events) {
  pollfd waiting{fd.get(), events, 0};
  if (poll(&waiting, 1, kLimitMs) != 1) die("the application behind the relay does not answer");
}

}  // namespace

std::uint64_t Source::Counts::events() const {
  std::uint64_t sum = 0;
  for (const auto& [number, stream] : streams) sum += stream.sequence;
  return sum;
}

std::uint32_t Source::Counts::sequence_of(std::size_t stream) const {
  const auto found = streams.find(stream);
  return found == streams.end() ? 0 : found->second.sequence;
}

Source::Counts Source::counts() const {
  return parse(ask("/origin/counts"));
}

Source::Counts Source::stop() const {
  return parse(ask("/origin/stop"));
}

Source::Counts Source::parse(std::string_view lines) {
  Counts counts;
  std::istringstream in{std::string(lines)};
  for (std::string name; in >> name;) {
    if (name == "requests") in >> counts.requests;
    if (name == "open") in >> counts.open;
    if (name == "connections") in >> counts.connections;
    if (name != "stream") continue;
    std::size_t number = 0;
    in >> number;
    in >> counts.streams[number].sequence >> counts.streams[number].bytes;
  }
  return counts;
}

std::string Source::ask(std::string_view path) const {
  auto fd = connect_to(url_);
  if (!fd) die("cannot connect to " + url_.authority());
  Wire wire(std::move(fd));
  wait_for(wire.fd(), POLLOUT);
  wire.write(fmt::format("GET {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", path,
                         url_.authority()));
  std::string answer;
  std::array<char, 65'536> buffer;  // filled by read()
  for (;;) {
    wait_for(wire.fd(), POLLIN);
    const auto got = wire.read(buffer);
    if (got.progress == Progress::closed) break;
    answer.append(buffer.data(), got.bytes);
  }
  const auto blank = answer.find(kBlankLine);
  if (!answer.starts_with("HTTP/1.1 200") || blank == std::string::npos) {
    die("the application behind the relay is no bench/origin");
  }
  return answer.substr(blank + kBlankLine.size());
}

}  // namespace sluice::bench
