/// Predecessor: the process that this one replaces, as this one sees it (upgrade.h).
///
///   find() ─► its sockets are in `sockets` ─► ask_for_history() ─► open the journal ─► say_ready()
///
/// Until say_ready() the other one serves, but for the moment between ask_for_history() and then,
/// in which publishers are told to ask again. When this process ends before, the other one goes on.
/// Owner   server::serve(). Thread  main.
/// Errors  the other one is gone or says what nobody understands: this process cannot begin.
#pragma once

#include <memory>
#include <utility>

#include "gateway/base/result.h"
#include "gateway/server/sockets.h"
#include "gateway/server/upgrade_channel.h"

namespace sluice::server {

class Predecessor {
 public:
  /// Of the environment, in upgrade.h's form.
  static constexpr const char* kVariable = "SLUICE_UPGRADE";

  /// Null: nobody has started this process for that. Asked once.
  static Result<std::unique_ptr<Predecessor>> find(Sockets& sockets);

  /// Returns when nobody but this process stores events.
  Result<void> ask_for_history();
  void say_ready();

 private:
  explicit Predecessor(UpgradeChannel channel) : channel_(std::move(channel)) {}
  Result<void> take_sockets(Sockets& sockets);

  UpgradeChannel channel_;
};

}  // namespace sluice::server
