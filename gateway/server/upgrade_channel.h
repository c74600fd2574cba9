/// UpgradeChannel: what the old and the new process of an upgrade say to each other.
///
///   old → new   hello VERSION, socket NAME with its descriptor …, begin
///   new → old   want_history       it has all else that it needs
///   old → new   history_is_yours   the old one stores nothing more
///   new → old   ready              it serves
///
/// One message is one packet of a pair of sockets; that the other process has ended shows as the
/// end of the channel. Both run the same program, perhaps in two versions: VERSION changes when
/// an older one would misunderstand.
/// Owner   server::Upgrade and server::Predecessor. Thread  main.
/// Errors  Errc::io: the other one is gone, or does not speak this.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/c_handle.h"
#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace sluice::server {

class UpgradeChannel {
 public:
  static constexpr std::string_view kVersion = "1";

  enum class Word : char {
    hello = 'v',
    socket = 's',
    begin = 'b',
    want_history = 'w',
    history_is_yours = 'h',
    ready = 'r',
  };
  struct Message {
    Word word;
    std::string text;  ///< Of hello and socket.
    UniqueFd fd;       ///< Of socket.
  };
  struct Pair {
    UniqueFd ours;
    UniqueFd theirs;
  };

  /// Neither is inherited by a program that is started, unless it is given to it.
  static Result<Pair> make_pair();

  UpgradeChannel() = default;
  explicit UpgradeChannel(UniqueFd fd) : fd_(std::move(fd)) {}

  Result<void> send(Word word, std::string_view text = {}, int fd = -1);
  /// None: nothing has come, or not within set_patience().
  Result<std::optional<Message>> receive();
  /// receive() waits for so long; without it, not at all.
  void set_patience(Millis time);
  [[nodiscard]] int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  bool is_patient_ = false;
};

}  // namespace sluice::server
