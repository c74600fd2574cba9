#include "gateway/server/descriptors.h"

#include <sys/resource.h>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

TEST_SUITE("the limit of open files") {
  Config asking_for(std::size_t connections) {
    Config config;
    config.limits.connections = connections;
    config.listens.resize(2);
    return config;
  }

  TEST_CASE("leaves room for what the configuration asks for, or for what it has room for") {
    CHECK(connection_limit(asking_for(1'000), 2, 20'000) == 1'000);
    // 32, and for each of two workers 8 and two listeners.
    CHECK(connection_limit(asking_for(100'000), 2, 20'000) == 20'000 - 52);
    CHECK(connection_limit(asking_for(19'948), 2, 20'000) == 19'948);
  }

  TEST_CASE("that is tiny leaves one; one that cannot be told leaves all") {
    CHECK(connection_limit(asking_for(1'000), 2, 20) == 1);
    CHECK(connection_limit(asking_for(1'000), 2, 0) == 1'000);
  }

  TEST_CASE("is raised as far as it may be without asking") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit lowered{.rlim_cur = before.rlim_max / 2, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
    CHECK(raise_descriptor_limit() == before.rlim_max);
    rlimit after{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
    CHECK(after.rlim_cur == before.rlim_max);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  }
}

}  // namespace
}  // namespace sluice::server
