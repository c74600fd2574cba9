/// Application: an SSE application as stands behind a relay, made to be measured with.
///
/// Each stream gets events of its own at its own steady rate, each in a chunk (HTTP/1.1) or DATA
/// frame of its own, in ticks of a millisecond: `~SEQUENCE.SENT_NS.STREAM~`, padded. The time is
/// when the event was due, so that what holds the application up is delay as well. Where a
/// connection takes nothing more, events wait until it does, and none is left out.
///
/// Thread  one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/common/net.h"
#include "bench/origin/outlet.h"

namespace sluice::bench {

class Visitor;

class Application {
 public:
  struct Options {
    std::uint16_t port = 0;
    std::uint32_t most_streams = 256;  ///< Of each HTTP/2 connection.
  };

  explicit Application(const Options& options);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_of(listener_); }
  [[nodiscard]] std::uint32_t most_streams() const { return options_.most_streams; }
  /// Serves until SIGTERM or SIGINT.
  void run();

  // For the connections.
  void open(Outlet& outlet);
  void close(Outlet& outlet);
  /// A connection has its first stream.
  void note_connection() { connections_ += 1; }
  /// An event for all who read what is posted.
  void post(std::string_view data);
  /// No stream gets an event any more.
  void stop() { is_stopped_ = true; }
  /// What was asked for and sent so far: lines of a name and numbers.
  [[nodiscard]] std::string counts() const;
  void mark(Visitor& visitor) { marked_.push_back(&visitor); }

 private:
  void tick(std::uint64_t now);
  void feed(Outlet& outlet, std::uint64_t now);
  void push(Outlet& outlet, std::uint64_t due_ns);
  /// The tick at or behind a time.
  [[nodiscard]] std::uint64_t tick_from(std::uint64_t ns) const;
  void flush();

  /// Accepts, or hears the signal.
  class Door;

  const Options options_;
  const std::uint64_t start_ns_;
  Poller poller_;
  Fd listener_;
  Fd signals_;
  std::unique_ptr<Door> listener_door_, signal_door_;
  bool is_ended_ = false;
  bool is_stopped_ = false;
  std::vector<char> read_buffer_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
  std::vector<Visitor*> marked_;
  std::vector<Outlet*> generated_, posted_;
  std::map<std::uint32_t, Tally> tallies_;
  Tally posted_tally_;
  std::uint64_t requests_ = 0;
  std::uint64_t open_ = 0;
  std::uint64_t connections_ = 0;
};

}  // namespace sluice::bench
