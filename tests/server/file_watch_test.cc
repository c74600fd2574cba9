#include "gateway/server/file_watch.h"

#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/server/temp_dir.h"

namespace sluice::server {
namespace {

namespace fs = std::filesystem;

/// A watch on two files that have been read.
struct House {
  House() {
    static_cast<void>(dir.file("cert.pem", "old"));
    static_cast<void>(dir.file("key.pem", "old"));
    watch.watch({stamp_of(dir.path("cert.pem")), stamp_of(dir.path("key.pem"))});
  }

  TempDir dir;
  FileWatch watch;
};

TEST_SUITE("File watch") {
  TEST_CASE("nothing has happened as long as nothing happens") {
    House house;
    for (int i = 0; i < 5; ++i) CHECK_FALSE(house.watch.look());
  }

  TEST_CASE("a change counts when it stands still for one look, and once") {
    House house;
    static_cast<void>(house.dir.file("cert.pem", "renewed"));
    CHECK_FALSE(house.watch.look());
    CHECK(house.watch.look());
    CHECK_FALSE(house.watch.look());
  }

  TEST_CASE("a pair that is half written is not taken") {
    House house;
    static_cast<void>(house.dir.file("cert.pem", "renewed"));
    CHECK_FALSE(house.watch.look());
    static_cast<void>(house.dir.file("key.pem", "renewed"));
    CHECK_FALSE(house.watch.look());
    CHECK(house.watch.look());
  }

  TEST_CASE("a file of the same size and time that took another's place is noticed") {
    House house;
    const auto time = fs::last_write_time(house.dir.path("cert.pem"));
    fs::last_write_time(house.dir.file("cert.pem.new", "new"), time);
    fs::rename(house.dir.path("cert.pem.new"), house.dir.path("cert.pem"));
    CHECK_FALSE(house.watch.look());
    CHECK(house.watch.look());
  }

  TEST_CASE("a symbolic link that points elsewhere is a change") {
    const TempDir dir;
    static_cast<void>(dir.file("one", "same"));
    static_cast<void>(dir.file("two", "same"));
    fs::create_symlink("one", dir.path("cert.pem"));
    FileWatch watch;
    watch.watch({stamp_of(dir.path("cert.pem"))});
    fs::remove(dir.path("cert.pem"));
    fs::create_symlink("two", dir.path("cert.pem"));
    CHECK_FALSE(watch.look());
    CHECK(watch.look());
  }

  TEST_CASE("a file that goes is a change, and so is one that comes back") {
    House house;
    fs::remove(house.dir.path("key.pem"));
    CHECK_FALSE(house.watch.look());
    CHECK(house.watch.look());
    static_cast<void>(house.dir.file("key.pem", "again"));
    CHECK_FALSE(house.watch.look());
    CHECK(house.watch.look());
  }

  TEST_CASE("what changed while it was read is noticed") {
    const TempDir dir;
    const FileStamp before = stamp_of(dir.file("cert.pem", "old"));
    static_cast<void>(dir.file("cert.pem", "renewed"));
    FileWatch watch;
    watch.watch({before});
    CHECK_FALSE(watch.look());
    CHECK(watch.look());
  }

  TEST_CASE("what is taken back before anybody has read it is no change") {
    House house;
    const auto time = fs::last_write_time(house.dir.path("cert.pem"));
    static_cast<void>(house.dir.file("cert.pem", "oops"));
    CHECK_FALSE(house.watch.look());
    static_cast<void>(house.dir.file("cert.pem", "old"));
    fs::last_write_time(house.dir.path("cert.pem"), time);
    CHECK_FALSE(house.watch.look());
    CHECK_FALSE(house.watch.look());
  }
}

}  // namespace
}  // namespace sluice::server
