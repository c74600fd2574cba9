/// Subscriber: one TLS connection that reads its streams as a browser would, over HTTP/2.
///
/// Owner   the Run; destroyed only when no turn is running.
/// Thread  one.
/// Errors  counted in Audience::counts; a failed subscriber stays closed.
#pragma once

#include <string_view>
#include <vector>

#include "bench/load/audience.h"
#include "bench/load/event_scanner.h"
#include "bench/load/h2_connection.h"

namespace sluice::bench {

class Subscriber final : public H2Connection {
 public:
  /// Starts to connect. Its streams are `first_stream` and those after it in the ledger.
  Subscriber(Audience& audience, std::size_t first_stream);

  /// Each stream whose pace is `slow` takes this much more of what waits for it, if so much
  /// does. How much all of them took.
  std::size_t take_slowly(std::size_t bytes);

 private:
  struct Callbacks;  // the only code nghttp2 calls back into
  struct Stream {
    EventScanner scanner;
    Pace pace = Pace::full;
    bool is_measured = true;
    bool answered_200 = false;
    bool is_ready = false;
    bool has_heartbeat = false;
    std::uint32_t held_back = 0;  ///< Bytes that came and were not given back to flow control.
  };

  void on_open() override;
  void on_fail(bool was_open) override;
  bool take(std::string_view bytes) override;
  void open_stream(std::size_t index);
  Stream& stream_of(std::int32_t stream_id);
  void on_head(std::int32_t stream_id, std::string_view status);
  void note_ready(Stream& stream);
  void on_data(std::int32_t stream_id, std::string_view bytes);
  void on_event(std::int32_t stream_id, const EventScanner::Event& event);
  void on_close(std::int32_t stream_id, std::uint32_t code);
  void give_back(std::int32_t stream_id, std::size_t bytes);

  Audience& audience_;
  const std::size_t first_stream_;
  const std::uint64_t started_ns_;
  std::vector<Stream> streams_;  ///< Stream id 1 is the first, 3 the second.
  std::size_t ready_streams_ = 0;
  std::size_t closed_streams_ = 0;
};

}  // namespace sluice::bench
