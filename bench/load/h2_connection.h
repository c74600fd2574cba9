/// H2Connection: one HTTP/2 connection to a server, over TLS or in the clear: handshake, reading
/// and writing. What is said on it its heirs decide, through nghttp2.
///
/// Owner   whoever made it; destroyed only when no turn is running.
/// Thread  one.
/// Errors  a connection that fails is told of once, by on_fail(), and stays closed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "bench/common/net.h"
#include "bench/common/wire.h"

namespace sluice::bench {

struct SessionFree {
  void operator()(nghttp2_session* session) const noexcept;
};
using SessionPtr = std::unique_ptr<nghttp2_session, SessionFree>;

/// A field of a request, for nghttp2 to copy.
nghttp2_nv field(std::string_view name, std::string_view value);
std::string_view text_of(const std::uint8_t* bytes, std::size_t size);

class H2Connection : public Watcher {
 public:
  void on_ready(std::uint32_t epoll_events) final;
  [[nodiscard]] bool is_open() const { return state_ == State::open; }
  [[nodiscard]] bool is_closed() const { return state_ == State::closed; }
  /// Sends what nghttp2 has and the socket takes.
  void flush();
  /// From now on the socket is not looked at, whatever comes.
  void turn_deaf();

 protected:
  /// Starts to connect; `tls` is for https. `buffer` is for reading and may be shared.
  H2Connection(const Poller& poller, const Url& url, ssl_ctx_st* tls, std::span<char> buffer);

  /// The handshake is done. Makes the session and submits the first frames.
  virtual void on_open() = 0;
  virtual void on_fail(bool was_open) = 0;
  /// Gives what was read to nghttp2; false when it is no HTTP/2.
  virtual bool take(std::string_view bytes);

  /// `self` is what the callbacks get.
  void make_session(nghttp2_session_callbacks* callbacks, void* self,
                    const nghttp2_option* option = nullptr);
  [[nodiscard]] nghttp2_session* session() const { return session_.get(); }

 private:
  enum class State { connecting, open, closed };

  void shake_hands();
  void read();
  bool collect();
  void fail();
  void watch(std::uint32_t epoll_events);

  const Poller& poller_;
  const std::span<char> buffer_;
  Wire wire_;
  SessionPtr session_;
  State state_ = State::connecting;
  bool is_deaf_ = false;
  std::uint32_t watched_;
  std::string unsent_;
};

}  // namespace sluice::bench
