/// Outlet: one event stream of the application that somebody reads, on whatever connection.
///
/// Owner   the connection's dialect of HTTP; it tells the Application when it comes and goes.
/// Thread  one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::bench {

/// What the path of a request asks for. Nothing else decides what a stream gets.
struct Ask {
  static constexpr std::uint64_t kAsFastAsItGoes = UINT64_MAX;

  std::uint32_t stream = 0;  ///< Stands in each event, where a publisher's number would be.
  std::uint64_t rate = 0;    ///< Events a second; 0: none, ever.
  std::size_t size = 100;    ///< Bytes of each event's data.
  bool greets = false;       ///< A comment comes with the head.
  bool is_posted = false;    ///< Gets what is posted instead.
};
/// Of `/app/events?stream=N&rate=N|max&size=N&greet=on`, each of which may be missing, or
/// `/app/posted?greet=on`; nothing of any other.
std::optional<Ask> parse_ask(std::string_view target);

/// What was done for all streams of one number; it outlives them.
struct Tally {
  std::uint32_t sequence = 0;  ///< Of the newest event.
  std::uint64_t bytes = 0;     ///< Of event text that the connection took.
};

class Outlet {
 public:
  explicit Outlet(const Ask& asked) : ask(asked) {}
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;
  virtual ~Outlet() = default;

  /// Adds an event to what waits for the connection; Application flushes that.
  virtual void push(std::string_view event) = 0;
  [[nodiscard]] virtual std::size_t waiting() const = 0;
  /// Has the connection flushed behind the turn's last push.
  virtual void mark() = 0;

  const Ask ask;

  // The Application's.
  Tally* tally = nullptr;
  std::uint32_t sequence = 0;
  std::uint64_t due_ns = 0;  ///< Of the next event.
};

}  // namespace sluice::bench
