#include "gateway/base/file.h"

#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>

#include <doctest/doctest.h>

#include "tests/server/temp_dir.h"

namespace sluice {
namespace {

using server::TempDir;

TEST_SUITE("Files read whole") {
  TEST_CASE("a file, and what a link leads to, are read to their end") {
    const TempDir home;
    const std::string text(50'000, 'x');
    const auto path = home.file("file", text);
    std::filesystem::create_symlink(path, home.path("link"));
    CHECK(read_file(path) == text);
    CHECK(read_file(home.path("link")) == text);
    CHECK(read_file(home.file("empty", "")) == "");
  }

  TEST_CASE("what cannot be read is named, with the reason") {
    const TempDir home;
    const auto none = read_file(home.path("none"), "the key file");
    REQUIRE_FALSE(none);
    CHECK(none.error().code == Errc::not_found);
    CHECK(none.error().what ==
          "cannot read the key file " + home.path("none") + ": No such file or directory");
  }

  TEST_CASE("a pipe that nobody writes into is refused, not waited for") {
    const TempDir home;
    const auto path = home.path("pipe");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(read_file(path).error().what ==
          "cannot read " + path + ": it is a pipe, and has to be a regular file");
    CHECK_FALSE(open_file(path).has_value());
    std::filesystem::create_symlink(path, home.path("link"));
    CHECK_FALSE(read_file(home.path("link")).has_value());
  }

  TEST_CASE("folders, devices and sockets are refused") {
    const TempDir home;
    CHECK(read_file(home.path()).error().what ==
          "cannot read " + home.path() + ": it is a folder, and has to be a regular file");
    CHECK(read_file("/dev/zero").error().what ==
          "cannot read /dev/zero: it is a device, and has to be a regular file");

    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    home.path("socket").copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    REQUIRE(::bind(socket.get(), generic, sizeof address) == 0);
    CHECK(read_file(home.path("socket")).error().what ==
          "cannot read " + home.path("socket") +
              ": it is a socket or a device, and has to be a regular file");
  }

  TEST_CASE("a file of the largest size is read, and one of a byte more is not") {
    const TempDir home;
    const auto path = home.file("large", "");
    std::filesystem::resize_file(path, kMostOfFile);
    CHECK(read_file(path)->size() == kMostOfFile);
    std::filesystem::resize_file(path, kMostOfFile + 1);
    const auto larger = read_file(path);
    REQUIRE_FALSE(larger);
    CHECK(larger.error().code == Errc::limit);
    CHECK(larger.error().what == "cannot read " + path + ": it has more than 16MiB");
    CHECK(read_file(home.file("small", "1234"), {}, 4) == "1234");
    CHECK_FALSE(read_file(home.file("small", "12345"), {}, 4).has_value());
    CHECK_FALSE(read_input(home.path("small"), 4).has_value());
  }

  TEST_CASE("what a command is given may be a pipe") {
    const TempDir home;
    const auto path = home.path("pipe");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    std::thread writer([&] { (void)home.file("pipe", "all of it"); });
    CHECK(read_input(path) == "all of it");
    writer.join();
    CHECK_FALSE(read_input("/dev/zero").has_value());
  }
}

}  // namespace
}  // namespace sluice
