/// Child: a process of the test's own, for what would hurt the test itself.
#pragma once

#include <csignal>
#include <cstdio>
#include <functional>
#include <string>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/assert.h"
#include "gateway/base/c_handle.h"

namespace sluice::journal {

/// Runs `body` with the writing end of a pipe, and then ends. No other thread may run when it is
/// made.
class Child {
 public:
  explicit Child(const std::function<void(int)>& body) {
    int ends[2];
    SLUICE_ASSERT(::pipe(ends) == 0, "no pipe could be made");
    std::fflush(nullptr);  // Or it would be printed twice.
    pid_ = ::fork();
    SLUICE_ASSERT(pid_ >= 0, "no process could be made");
    if (pid_ == 0) {
      ::close(ends[0]);
      body(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    read_end_.reset(ends[0]);
  }
  ~Child() {
    if (pid_ > 0) kill();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Ends it as a power cut would, as far as the process is concerned.
  void kill() {
    ::kill(pid_, SIGKILL);
    static_cast<void>(wait());
  }
  /// True: it ended by itself, and well.
  bool wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  /// What it wrote up to its n-th line, or to its end.
  std::string read_lines(int n) {
    std::string text;
    char c = 0;
    while (n > 0 && ::read(read_end_.get(), &c, 1) == 1) {
      text += c;
      if (c == '\n') --n;
    }
    return text;
  }
  std::string read_rest() { return read_lines(1'000'000'000); }

 private:
  pid_t pid_ = -1;
  UniqueFd read_end_;
};

/// Writes a line with one system call, so that it is whole or not there.
inline void say(int fd, const std::string& line) {
  const std::string text = line + "\n";
  SLUICE_ASSERT(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
                "nobody listens");
}

}  // namespace sluice::journal
