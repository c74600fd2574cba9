#include "gateway/server/predecessor.h"

#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <string>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/server/files.h"

namespace sluice::server {
namespace {

using Word = UpgradeChannel::Word;

/// What waits to be stored over there may need a slow disk.
constexpr Millis kPatience{30'000};

tl::unexpected<Error> unexpected_word(const UpgradeChannel::Message& message) {
  return fail(Errc::io, fmt::format("the process before this one said '{}{}', which this version "
                                    "does not understand: restart instead of upgrading",
                                    static_cast<char>(message.word), message.text));
}

Result<UpgradeChannel::Message> next(UpgradeChannel& channel) {
  auto message = channel.receive();
  if (!message) return tl::unexpected(message.error());
  if (!*message) return fail(Errc::io, "the process before this one does not answer");
  return std::move(**message);
}

}  // namespace

Result<std::unique_ptr<Predecessor>> Predecessor::find(Sockets& sockets) {
  if (environment(kVariable).empty()) return nullptr;
  const auto number = environment_number(kVariable);
  ::unsetenv(kVariable);  // NOLINT(concurrency-mt-unsafe): before any thread
  const int fd = number && *number <= INT_MAX ? static_cast<int>(*number) : -1;
  if (::fcntl(fd, F_GETFD) < 0) {
    return fail(Errc::invalid, fmt::format("{} is set by an upgrade, not by hand", kVariable));
  }
  UpgradeChannel channel{UniqueFd(fd)};
  channel.set_patience(kPatience);
  std::unique_ptr<Predecessor> found(new Predecessor(std::move(channel)));
  if (auto taken = found->take_sockets(sockets); !taken) return tl::unexpected(taken.error());
  return found;
}

Result<void> Predecessor::take_sockets(Sockets& sockets) {
  for (;;) {
    auto message = next(channel_);
    if (!message) return tl::unexpected(message.error());
    if (message->word == Word::begin) return {};
    if (message->word == Word::hello && message->text == UpgradeChannel::kVersion) continue;
    if (message->word != Word::socket || !message->fd) return unexpected_word(*message);
    sockets.inherit(std::move(message->text), std::move(message->fd));
  }
}

Result<void> Predecessor::ask_for_history() {
  if (auto sent = channel_.send(Word::want_history); !sent) return sent;
  auto message = next(channel_);
  if (!message) return tl::unexpected(message.error());
  if (message->word != Word::history_is_yours) return unexpected_word(*message);
  return {};
}

void Predecessor::say_ready() {
  if (auto sent = channel_.send(Word::ready); !sent) log::warning("{}", sent.error().what);
}

}  // namespace sluice::server
