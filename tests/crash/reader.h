/// Reader: one subscriber with a connection of its own, which comes back as a browser does.
///
/// It asks by HTTP/1.0, so that the body is the event stream itself, up to the connection's end. An
/// id counts when the blank line of its block was read; half a block is forgotten. Before its
/// first event it asks for all of history, so that nothing that was published is not its own.
///
/// Owner   the witness. Thread  one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "bench/common/net.h"
#include "tests/crash/tally.h"

namespace sluice::crash {

enum class Manner {
  eager,   ///< Reads what there is.
  slow,    ///< Reads a little now and then, less than comes, and so lives on history.
  absent,  ///< Leaves after its first events, and comes back when it is called.
};

class Reader final : public bench::Watcher {
 public:
  struct Place {
    const bench::Url& url;
    const bench::Poller& poller;
    Tally& tally;
    std::mt19937_64& random;
  };

  Reader(Place place, std::size_t number, Manner manner);

  void on_ready(std::uint32_t epoll_events) override;
  /// Does what is due at `now`: connects again, reads a little.
  void tick(std::uint64_t now);
  /// The time of peculiar manners is over: from here on it is eager.
  void hurry();

  /// It had the head of an event stream at least once.
  [[nodiscard]] bool has_subscribed() const { return has_subscribed_; }
  [[nodiscard]] std::size_t connections() const { return connections_; }
  /// Answers that were no event stream.
  [[nodiscard]] std::size_t bad_answers() const { return bad_answers_; }

 private:
  enum class Stage { apart, connecting, head, body, gone };

  void connect(std::uint64_t now);
  void ask();
  void read_some();
  void read_head();
  void read_blocks();
  void read_block(std::string_view block);
  void leave(bool is_soon);
  void watch(std::uint32_t epoll_events);

  const Place place_;
  const std::size_t number_;
  Manner manner_;
  Stage stage_ = Stage::apart;
  bench::Fd fd_;
  std::string buffer_;    ///< Read, and not yet a whole head or block.
  std::size_t seen_ = 0;  ///< Of buffer_: no end of a block begins before here.
  std::string last_id_;
  std::uint64_t due_ = 0;  ///< When to connect, or to read again; 0: nothing is waited for.
  std::size_t connections_ = 0;
  std::size_t bad_answers_ = 0;
  bool has_subscribed_ = false;
  bool has_brought_ = false;  ///< This connection brought an event: it was not parked.
};

}  // namespace sluice::crash
