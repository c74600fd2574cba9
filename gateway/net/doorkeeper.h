/// Doorkeeper: who counts the clients, and says whether one more connection of one may come in now.
///
/// Connections asks before it does anything for a newcomer that costs more than its socket: no TLS
/// session is made, no byte of it is read. Whom the answer keeps out waits (connections.h), and it
/// is asked again.
///
/// Owner   whoever made the Connections; it outlives them. Thread  any: each worker has
/// connections.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::net {

class Doorkeeper {
 public:
  /// What the doorkeeper knows its client by; his own.
  class Guest {
   public:
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

   protected:
    Guest() = default;
    ~Guest() = default;
  };

  /// A connection is there. Null: nobody counts this one, and it may come in. Else it is good until
  /// leave(), which comes once.
  virtual Guest* knock(std::string_view address) = 0;
  enum class Verdict : std::uint8_t {
    come_in,
    too_many,  ///< Of this client's connections: when one has left, perhaps.
    too_fast,  ///< It shakes hands too often: in a moment.
  };
  /// `by_tls`: it shakes hands when it is in. At the first time, and again while it waits.
  virtual Verdict enter(Guest& guest, bool by_tls) = 0;
  virtual void leave(Guest& guest, bool was_in) = 0;

 protected:
  ~Doorkeeper() = default;
};

}  // namespace sluice::net
