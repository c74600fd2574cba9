#include "gateway/server/access_log.h"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "gateway/base/log.h"

namespace sluice::server {
namespace {

/// A folder that goes with the test.
struct Folder {
  Folder() {
    char name[] = "/tmp/sluice-access-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const char* name) const { return path + "/" + name; }

  std::string path;
};

std::string read(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <class Holds>
bool soon(Holds holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::unique_ptr<AccessLog> open(const std::string& file, std::size_t queue = 1_MiB) {
  auto log = AccessLog::open({.file = file, .queue_bytes = queue});
  REQUIRE(log.has_value());
  return std::move(*log);
}

TEST_SUITE("access log") {
  TEST_CASE("what was added stands in the file, in order, when it is closed") {
    const Folder folder;
    std::string wanted;
    {
      const auto log = open(folder.file("a"));
      for (int i = 0; i < 10'000; ++i) {
        const std::string line = std::to_string(i) + "\n";
        log->add(line);
        wanted += line;
      }
    }
    CHECK(read(folder.file("a")) == wanted);
  }

  TEST_CASE("it is added to what the file has") {
    const Folder folder;
    { open(folder.file("a"))->add("one\n"); }
    { open(folder.file("a"))->add("two\n"); }
    CHECK(read(folder.file("a")) == "one\ntwo\n");
  }

  TEST_CASE("a file that was moved away loses no line: what comes behind is in the new one") {
    const Folder folder;
    {
      const auto log = open(folder.file("a"));
      for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 100; ++i) log->add("x\n");
        std::filesystem::rename(folder.file("a"), folder.file("b") + std::to_string(round));
        log->reopen();
        for (int i = 0; i < 100; ++i) log->add("y\n");
        CHECK(soon([&] { return read(folder.file("a")).size() == 200; }));
      }
    }
    std::string all = read(folder.file("a"));
    for (int round = 0; round < 5; ++round) {
      const std::string part = read(folder.file("b") + std::to_string(round));
      CHECK(part.ends_with("x\n"));
      all += part;
    }
    CHECK(all.size() == 5 * 400);
  }

  TEST_CASE("a folder that has gone leaves the old file in use") {
    log::set_level(log::Level::off);
    const Folder folder;
    const std::string inner = folder.file("inner");
    std::filesystem::create_directory(inner);
    const auto log = open(inner + "/a");
    std::filesystem::rename(inner, folder.file("moved"));
    log->reopen();
    log->add("still\n");
    CHECK(soon([&] { return read(folder.file("moved") + "/a") == "still\n"; }));
    log::set_level(log::Level::info);
  }

  TEST_CASE("what cannot be opened is told with its name and the reason") {
    const auto log = AccessLog::open({.file = "/nowhere/at/all"});
    REQUIRE_FALSE(log.has_value());
    CHECK(log.error().what.find("/nowhere/at/all") != std::string::npos);
    CHECK(log.error().what.find("No such file") != std::string::npos);
  }

  TEST_CASE("a pipe that nobody reads is told to be one") {
    const Folder folder;
    const std::string pipe = folder.file("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const auto log = AccessLog::open({.file = pipe});
    REQUIRE_FALSE(log.has_value());
    CHECK(log.error().what == "the access log " + pipe +
                                  " is a pipe that nobody reads: start its reader first, or name a "
                                  "file in access_log.file");
  }

  TEST_CASE("a full disk loses lines, counts them, and holds nobody up") {
    log::set_level(log::Level::off);
    const auto log = open("/dev/full");
    for (int i = 0; i < 100; ++i) log->add("line\n");
    CHECK(soon([&] { return log->failed() == 100; }));
    CHECK(log->written() == 0);
    log::set_level(log::Level::info);
  }

  TEST_CASE("a reader that does not read loses what finds no room, and does not hold the end up") {
    log::set_level(log::Level::off);
    const Folder folder;
    const std::string pipe = folder.file("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    const auto begin = std::chrono::steady_clock::now();
    {
      const auto log = open(pipe, 64_KiB);
      const std::string line(1'023, 'x');
      for (int i = 0; i < 1'000; ++i) log->add(line + "\n");
      CHECK(log->dropped() > 0);
    }
    CHECK(std::chrono::steady_clock::now() - begin < 3 * AccessLog::kLastWords);
    log::set_level(log::Level::info);
  }
}

}  // namespace
}  // namespace sluice::server
