/// H2Poster: one HTTP/2 connection that posts, with or without TLS: requests one after the other
/// in each of its slots, or one request whose body goes on.
///
/// Owner   a run; destroyed only when no turn is running.
/// Thread  one.
/// Errors  a connection that fails is told of once, by on_lost(), and stays closed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/h2_connection.h"

namespace sluice::bench {

class H2Poster final : public H2Connection {
 public:
  enum class Fill {
    more,   ///< Ask again when this is sent.
    later,  ///< There is nothing now; proceed() asks again.
    end,    ///< This is the end of the body.
  };
  /// Who has the bodies and gets the answers. It must not destroy the poster from inside a call.
  class Client {
   public:
    virtual ~Client() = default;
    Client() = default;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    /// Appends to `body`, which is empty, what comes next in the request of `slot`.
    virtual Fill fill(std::size_t slot, std::string& body) = 0;
    /// A piece of the answer's body.
    virtual void on_text(std::size_t slot, std::string_view text) = 0;
    /// The answer is over; status 0: it was reset. The slot is free again.
    virtual void on_end(std::size_t slot, int status) = 0;
    virtual void on_lost() = 0;
  };
  struct Target {
    Url url;  ///< With the path that is posted to.
    std::string content_type;
    std::string token;
  };

  /// Starts to connect. `tls` is for https. All but `slots` outlive it.
  H2Poster(const Poller& poller, ssl_ctx_st* tls, const Target& target, Client& client,
           std::size_t slots);

  [[nodiscard]] bool is_busy(std::size_t slot) const { return slots_[slot].is_busy; }
  /// Begins a request. REQUIRES: is_open(), !is_busy(number). It is sent by flush() or proceed().
  void post(std::size_t number);
  /// Asks again for bodies that had nothing, and sends what it can.
  void proceed();

 private:
  struct Callbacks;  // the only code nghttp2 calls back into
  struct Slot {
    H2Poster* poster = nullptr;
    std::size_t number = 0;
    std::int32_t stream = 0;
    int status = 0;
    bool is_busy = false;
    bool is_deferred = false;
    Fill fill = Fill::more;
    std::string body;
    std::size_t sent = 0;  ///< Of body.
  };

  void on_open() override;
  void on_fail(bool was_open) override;

  const Target& target_;
  Client& client_;
  std::vector<Slot> slots_;
};

}  // namespace sluice::bench
