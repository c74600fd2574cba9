/// Line: one connection to one server, of Redis or of Sentinel, made once.
///
///   Line() ─► [its name is looked up] ─► dialled, TLS ─► on_open() ─► on_reply() … ─► on_closed()
///                                                           from anywhere behind Line() ─┘
///
/// It knows no time limits but that of dialling: who has it, has them.
///
/// Owner   who hears its events. Destroying it closes the connection and ends the events; it may be
///         destroyed inside any of them.
/// Thread  the loop's. No event comes from inside the constructor.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "gateway/net/address.h"
#include "gateway/redis/codec.h"
#include "gateway/redis/place.h"
#include "gateway/redis/wiring.h"

namespace sluice::redis {

class Line {
 public:
  class Events {
   public:
    /// Once.
    virtual void on_open() = 0;
    /// Once for each command, in their order; a server may also say what nobody asked for.
    virtual void on_reply(Reply reply) = 0;
    /// It broke, or could not be made. Once, and nothing comes behind it.
    /// `code`: Errc::limit: what came was more than an answer may take; else Errc::io.
    virtual void on_closed(std::string_view why, Errc code) = 0;

   protected:
    ~Events() = default;
  };

  /// `turn`: of several addresses of a name another one is tried each time.
  Line(const Wiring& wiring, Place place, std::size_t turn, Events& events);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /// Behind on_open() only.
  void send(std::string_view command);

 private:
  class Conn;

  void resolve(std::size_t turn);
  void dial(const net::SocketAddress& address);
  void closed(std::string_view why, Errc code = Errc::io);

  // Set in the constructor.
  const Wiring& wiring_;
  const Place place_;
  Events& events_;
  const std::shared_ptr<Line*> self_;  ///< For what comes back when this may be gone.

  Conn* conn_ = nullptr;  ///< Its transport owns it.
};

}  // namespace sluice::redis
