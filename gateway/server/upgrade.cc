#include "gateway/server/upgrade.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/c_handle.h"
#include "gateway/base/log.h"
#include "gateway/server/notify.h"
#include "gateway/server/predecessor.h"

namespace sluice::server {
namespace {

using Word = UpgradeChannel::Word;

/// Where the new process finds its end of the channel; all above is closed in it.
constexpr int kChannelFd = 3;
constexpr Millis kTakeBackAgain{1'000};

/// As the kernel shows what this process was started with: strings with a NUL behind each.
std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<std::string> arguments;
  for (std::string_view left = bytes; !left.empty();) {
    const std::size_t end = std::min(left.find('\0'), left.size());
    arguments.emplace_back(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return arguments;
}

/// This process's, but for what was meant for it alone.
std::vector<std::string> environment_for_successor() {
  constexpr std::array<std::string_view, 5> kOwn{
      "SLUICE_UPGRADE=", "WATCHDOG_PID=", "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES="};
  std::vector<std::string> all;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const bool is_own = std::any_of(kOwn.begin(), kOwn.end(),
                                    [text](std::string_view own) { return text.starts_with(own); });
    if (!is_own) all.emplace_back(text);
  }
  all.push_back(fmt::format("{}={}", Predecessor::kVariable, kChannelFd));
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// What posix_spawn() is told; it is not copied.
struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

/// Returns errno's number; 0: `pid` runs.
int spawn_with(int channel, pid_t& pid) {
  std::vector<std::string> arguments = own_arguments();
  if (arguments.empty()) return ENOENT;
  std::vector<std::string> environment = environment_for_successor();
  SpawnPlan plan;
  posix_spawn_file_actions_adddup2(&plan.actions, channel, kChannelFd);
  posix_spawn_file_actions_addclosefrom_np(&plan.actions, kChannelFd + 1);
  // Signals begin as they were when this process was started.
  sigset_t none{};
  sigset_t ignored{};
  sigemptyset(&none);
  sigemptyset(&ignored);
  sigaddset(&ignored, SIGPIPE);
  sigaddset(&ignored, SIGXFSZ);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &ignored);
  posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(environment);
  return ::posix_spawnp(&pid, argv.front(), &plan.actions, &plan.attributes, argv.data(),
                        envp.data());
}

}  // namespace

Upgrade::Upgrade(net::Loop& loop, Millis timeout, Doors doors)
    : loop_(loop),
      timeout_(timeout),
      doors_(std::move(doors)),
      too_late_(loop,
                [this] {
                  give_up(fmt::format("it was not ready within {}", format_duration(timeout_)));
                }),
      again_(loop, [this] { take_back(); }) {}

Upgrade::~Upgrade() {
  if (!is_done_ && successor_ != 0) static_cast<void>(kill_successor());
}

void Upgrade::begin() {
  if (is_done_) return log::warning("an upgrade has been done: this process ends");
  if (successor_ != 0) return log::warning("an upgrade has begun: wait for it");
  if (is_handed_over_) return log::warning("no upgrade before the history is taken back");
  if (auto started = start(); !started) {
    channel_.close();
    log::error("no upgrade: {}; this process goes on", started.error().what);
  }
}

Result<void> Upgrade::start() {
  auto pair = UpgradeChannel::make_pair();
  if (!pair) return tl::unexpected(pair.error());
  channel_ = UpgradeChannel(std::move(pair->ours));
  if (const int error = spawn_with(pair->theirs.get(), successor_); error != 0) {
    successor_ = 0;
    return fail(Errc::io, fmt::format("the program cannot be started again: {}",
                                      std::generic_category().message(error)));
  }
  log::info("upgrade: process {} is started", successor_);
  watch_ = std::make_unique<net::FdWatch>(loop_, channel_.fd(), [this] { on_message(); });
  too_late_.start(timeout_);
  if (auto introduced = introduce(); !introduced) give_up(introduced.error().what);
  return {};
}

Result<void> Upgrade::introduce() {
  if (auto sent = channel_.send(Word::hello, UpgradeChannel::kVersion); !sent) return sent;
  for (const Sockets::Named& socket : doors_.sockets.in_use()) {
    if (auto sent = channel_.send(Word::socket, socket.name, socket.fd); !sent) return sent;
  }
  return channel_.send(Word::begin);
}

void Upgrade::on_message() {
  const auto message = channel_.receive();
  if (!message) return is_done_ ? watch_->stop() : give_up("it ended before it was ready");
  if (!*message) return;
  switch ((*message)->word) {
    case Word::want_history:
      return give_history();
    case Word::ready:
      return hand_on();
    default:
      return give_up("it says what this version does not understand");
  }
}

void Upgrade::give_history() {
  if (std::exchange(is_handed_over_, true)) return;
  doors_.hand_over();
  if (auto sent = channel_.send(Word::history_is_yours); !sent) give_up(sent.error().what);
}

void Upgrade::hand_on() {
  if (std::exchange(is_done_, true)) return;
  too_late_.stop();
  // Where the journal is not one for two processes, it was not asked for.
  if (!std::exchange(is_handed_over_, true)) doors_.hand_over();
  log::info("upgrade: process {} serves from now on; this one ends", successor_);
  notify_service_manager(fmt::format("MAINPID={}", successor_));
  doors_.step_down();
}

void Upgrade::give_up(const std::string& why) {
  watch_->stop();
  too_late_.stop();
  const pid_t pid = successor_;
  const std::string end = kill_successor();
  log::error(
      "no upgrade: process {}: {} ({}); this process goes on. What it wrote to its log says "
      "more; `sluice check` may, too",
      pid, why, end);
  if (is_handed_over_) take_back();
}

/// What is in the way, as a full disk, may go: publishers are refused no longer than it is there.
void Upgrade::take_back() {
  if (auto taken = doors_.take_back(); !taken) {
    log::error("{}; publishers are refused until that is over, and it is tried again",
               taken.error().what);
    return again_.start(kTakeBackAgain);
  }
  is_handed_over_ = false;
}

std::string Upgrade::kill_successor() {
  int status = 0;
  ::kill(successor_, SIGKILL);  // It may have ended: then that is what it ended with.
  while (::waitpid(successor_, &status, 0) < 0 && errno == EINTR) {
  }
  successor_ = 0;
  channel_.close();
  if (WIFEXITED(status)) return fmt::format("exit status {}", WEXITSTATUS(status));
  return fmt::format("ended by signal {}", WTERMSIG(status));
}

bool Upgrade::cancel() {
  again_.stop();
  if (is_done_ || successor_ == 0) return false;
  // It may have said that it serves, and have been read from no more.
  for (auto message = channel_.receive(); message && *message; message = channel_.receive()) {
    if ((*message)->word != Word::ready) continue;
    hand_on();
    return true;
  }
  watch_->stop();
  too_late_.stop();
  static_cast<void>(kill_successor());
  if (is_handed_over_) take_back();
  return false;
}

}  // namespace sluice::server
