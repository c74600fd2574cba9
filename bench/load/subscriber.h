/// Subscriber: one TLS connection that reads its streams as a browser would, over HTTP/2.
///
/// Owner   the Run; destroyed only when no turn is running.
/// Thread  one.
/// Errors  counted in Audience::counts; a failed subscriber stays closed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/load/audience.h"
#include "bench/load/event_scanner.h"

struct nghttp2_session;

namespace sluice::bench {

struct SessionFree {
  void operator()(nghttp2_session* session) const noexcept;
};
using SessionPtr = std::unique_ptr<nghttp2_session, SessionFree>;

class Subscriber final : public Watcher {
 public:
  /// Starts to connect. Its streams are `first_stream` and those after it in the ledger.
  Subscriber(Audience& audience, std::size_t first_stream);

  void on_ready(std::uint32_t epoll_events) override;

 private:
  struct Callbacks;  // the only code nghttp2 calls back into
  enum class State { connecting, open, closed };
  struct Stream {
    EventScanner scanner;
    bool answered_200 = false;
    bool has_first_byte = false;
  };

  void shake_hands();
  void open_streams();
  void open_stream(std::size_t number);
  void read();
  void flush();
  void fail(std::uint64_t Audience::Counts::*cause);
  Stream& stream_of(std::int32_t stream_id);
  void on_data(std::int32_t stream_id, std::string_view bytes);

  Audience& audience_;
  const std::size_t first_stream_;
  const std::uint64_t started_ns_;
  Wire wire_;
  SessionPtr session_;
  State state_ = State::connecting;
  std::vector<Stream> streams_;  ///< Stream id 1 is the first, 3 the second.
  std::size_t ready_streams_ = 0;
  std::string unsent_;
  bool watches_write_ = true;
};

}  // namespace sluice::bench
