/// Server: a real redis-server of the test's own, on a free port, which can be hurt.
///
/// Where redis-server is not installed every test that needs one fails, and says what to install.
#pragma once

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/c_handle.h"
#include "gateway/redis/codec.h"
#include "tests/server/temp_dir.h"

namespace sluice::redis {

/// Looks until it is so, for at most ten seconds.
template <class Condition>
bool comes_true(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class Server {
 public:
  using Options = std::vector<std::string>;

  explicit Server(Options options = {}) : options_(std::move(options)), port_(free_port()) {
    start();
  }
  /// A sentinel, by what is its own in its configuration.
  struct Sentinel {
    std::string configuration;
  };
  explicit Server(const Sentinel& sentinel)
      : port_(free_port()), sentinel_(sentinel.configuration) {
    start();
  }
  ~Server() { kill(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// It has what it kept on its disk, if `options` had it keep anything.
  void start(const Options& more = {}) {
    std::vector<std::string> words{"redis-server",
                                   "--port",
                                   std::to_string(port_),
                                   "--bind",
                                   "127.0.0.1",
                                   "--save",
                                   "",
                                   "--dir",
                                   dir_.path(""),
                                   "--logfile",
                                   dir_.path("log")};
    words.insert(words.end(), options_.begin(), options_.end());
    words.insert(words.end(), more.begin(), more.end());
    if (!sentinel_.empty()) words = {"redis-server", sentinel_file(), "--sentinel"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A test that crashes leaves nothing behind.
      ::execvp("redis-server", arguments.data());
      ::_exit(127);
    }
    const bool is_there =
        comes_true([&] { return has_ended() || !try_ask(Words{"PING"}).empty(); });
    REQUIRE_MESSAGE((is_there && pid_ > 0),
                    "redis-server does not start: is it installed? apt-get install redis-server");
  }
  /// As a power cut would, as far as the process is concerned.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void freeze() const { ::kill(pid_, SIGSTOP); }
  void thaw() const { ::kill(pid_, SIGCONT); }

  /// The text of what it answers, the number of an integer, "" of a list.
  std::string ask(const Words& words) const {
    const std::string answer = try_ask(words);
    CHECK_MESSAGE(answer.find("ERR") != 0, answer);
    return answer;
  }
  /// The same, or "" when it is not there; it may answer with an error.
  [[nodiscard]] std::string try_ask(const Words& words) const {
    const auto reply = converse(words);
    if (!reply) return "";
    if (!reply->text().empty()) return std::string(reply->text());
    const auto number = reply->integer();
    return number ? std::to_string(*number) : "";
  }
  /// None when it is not there.
  std::optional<Reply> converse(const Words& words) const {
    const UniqueFd socket = make_socket();
    const sockaddr_in address = loopback(port_);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return std::nullopt;
    }
    const std::string command = words.command();
    if (::write(socket.get(), command.data(), command.size()) < 0) return std::nullopt;
    Decoder decoder;
    std::vector<std::byte> bytes(65'536);
    for (;;) {
      const ssize_t n = ::read(socket.get(), bytes.data(), bytes.size());
      if (n <= 0) return std::nullopt;
      decoder.feed(std::span(bytes).first(static_cast<std::size_t>(n)));
      auto reply = decoder.next();
      if (!reply) return std::nullopt;
      if (reply->has_value()) return std::move(**reply);
    }
  }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + port(); }
  /// Where its files are.
  [[nodiscard]] std::string path(const std::string& name) const { return dir_.path(name); }

  static std::uint16_t free_port() {
    const UniqueFd socket = make_socket();
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
  }

 private:
  static UniqueFd make_socket() {
    return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  [[nodiscard]] std::string sentinel_file() const {
    return dir_.file("conf", "port " + port() + "\nbind 127.0.0.1\ndir " + dir_.path() +
                                 "\nlogfile " + dir_.path("log") + "\n" + sentinel_);
  }
  bool has_ended() {
    if (::waitpid(pid_, nullptr, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
  }

  const server::TempDir dir_;
  const Options options_;
  const std::uint16_t port_;
  const std::string sentinel_;  ///< Empty: it is none.
  pid_t pid_ = -1;
};

}  // namespace sluice::redis
