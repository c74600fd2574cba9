/// What tests of connections need: a protocol that does as it is told, and the other end of its
/// socket.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "gateway/base/c_handle.h"
#include "gateway/base/protocol.h"

namespace sluice::net {

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// What a test sees and wants of the protocol of one connection.
struct Conversation {
  std::string alpn;
  std::string peer;
  std::string first;
  std::size_t listener = 0;
  bool is_tls = false;
  Transport* transport = nullptr;
  std::string heard;
  std::string to_say;
  bool echoes = true;
  bool reads = true;
  bool eof = false;
  bool finished = false;
  bool finishes_at_eof = true;
  bool promises_more = false;  ///< Says at each fill that there is more.
  bool is_gone = false;
  int fills = 0;
  int checks = 0;
  TimePoint check_at = TimePoint::max();
  std::optional<TimePoint> idle_since;
  bool is_newcomer = false;

  void say(std::string_view text) {
    to_say += text;
    transport->flush_later();
  }
};

class Script final : public Protocol {
 public:
  explicit Script(Conversation& talk) : talk_(talk) {}
  ~Script() override { talk_.is_gone = true; }
  void feed(std::span<const std::byte> bytes) override {
    talk_.heard += text_of(bytes);
    if (talk_.echoes) talk_.to_say += text_of(bytes);
  }
  void on_eof() override {
    talk_.eof = true;
    if (talk_.finishes_at_eof) talk_.finished = true;
  }
  bool fill(OutBuffer& out) override {
    ++talk_.fills;
    const std::size_t n = std::min(out.room(), talk_.to_say.size());
    out.append(bytes_of(std::string_view(talk_.to_say).substr(0, n)));
    talk_.to_say.erase(0, n);
    return n > 0 && (talk_.promises_more || !talk_.to_say.empty());
  }
  bool wants_read() const override { return talk_.reads; }
  bool is_finished() const override { return talk_.finished && talk_.to_say.empty(); }
  TimePoint check(TimePoint) override {
    ++talk_.checks;
    return talk_.check_at;
  }
  bool is_newcomer() const override { return talk_.is_newcomer; }
  std::optional<TimePoint> idle_since() const override { return talk_.idle_since; }
  void drain_notice() override {}
  void drain_finish() override { talk_.finished = true; }

 private:
  Conversation& talk_;
};

inline void send(const UniqueFd& fd, std::string_view text) {
  REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(text.size()));
}

/// What has arrived; "<end>" after a FIN, "<reset>" after a reset.
inline std::string receive(const UniqueFd& fd) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const auto n = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (n == 0) return text + "<end>";
    if (n < 0) return errno == EAGAIN ? text : text + "<reset>";
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

inline std::string pattern(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ",";
  text.resize(size);
  return text;
}

}  // namespace sluice::net
