/// Upgrade: another process takes over from this one, on the same sockets.
///
///   idle ─ begin() ─► starting ─ want_history ─► handed over ─ ready ─► step_down(): the drain
///     ▲                  │                            │
///     └── the new process ends, or is not ready in time: it is killed, this one goes on ──┘
///
/// The program is started again, as this one was: the file at the same path, which may be a newer
/// one, with the same arguments; it reads the configuration anew. It gets this one's listening
/// sockets, so that no connection is refused or reset; from want_history to its `ready` publishers
/// are told to ask again, and then this process ends its streams one by one, as in any drain, but
/// without a delay: newcomers go to the new one.
///
/// Owner   server::Gateway. Thread  the control loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/units.h"
#include "gateway/net/fd_watch.h"
#include "gateway/net/loop.h"
#include "gateway/net/timer.h"
#include "gateway/server/sockets.h"
#include "gateway/server/upgrade_channel.h"

namespace sluice::server {

class Upgrade {
 public:
  /// What it asks of the gateway.
  struct Doors {
    const Sockets& sockets;
    std::function<void()> hand_over;  ///< Of the journal.
    std::function<Result<void>()> take_back;
    std::function<void()> step_down;  ///< The other one serves: this one ends.
  };

  /// `timeout`: from begin() to `ready`.
  Upgrade(net::Loop& loop, Millis timeout, Doors doors);
  /// A process that is not ready yet is killed.
  ~Upgrade();
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;

  void begin();
  /// This process is to end for another reason: one that is not ready yet is killed, one that has
  /// just become so serves, and step_down() was called. True: that is so.
  bool cancel();

 private:
  Result<void> start();
  Result<void> introduce();
  void on_message();
  void give_history();
  void hand_on();
  void give_up(const std::string& why);
  void take_back();
  std::string kill_successor();

  // Set in the constructor.
  net::Loop& loop_;
  const Millis timeout_;
  const Doors doors_;
  net::Timer too_late_;
  net::Timer again_;

  pid_t successor_ = 0;  ///< 0: none.
  bool is_handed_over_ = false;
  bool is_done_ = false;
  UpgradeChannel channel_;
  std::unique_ptr<net::FdWatch> watch_;
};

}  // namespace sluice::server
