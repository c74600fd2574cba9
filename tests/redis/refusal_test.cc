#include "gateway/redis/refusal.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/redis/pace.h"

namespace sluice::redis {
namespace {

TEST_SUITE("a refusal of Redis") {
  TEST_CASE("says what it means for what was to be kept") {
    const auto meaning = [](std::string_view text) { return read_refusal(text).meaning; };
    CHECK(meaning("NOSCRIPT No matching script.") == Meaning::script_is_gone);
    CHECK(meaning("LOADING Redis is loading the dataset in memory") == Meaning::not_now);
    CHECK(meaning("READONLY You can't write against a read only replica.") == Meaning::not_now);
    CHECK(meaning("MASTERDOWN Link with MASTER is down") == Meaning::not_now);
    CHECK(meaning("BUSY Redis is busy running a script.") == Meaning::not_now);
    CHECK(meaning("CLUSTERDOWN The cluster is down") == Meaning::not_now);
    CHECK(meaning("OOM command not allowed when used memory > 'maxmemory'.") ==
          Meaning::nothing_kept);
    CHECK(meaning("MISCONF Redis is configured to save RDB snapshots") == Meaning::nothing_kept);
    CHECK(meaning("NOREPLICAS Not enough good replicas to write.") == Meaning::nothing_kept);
    CHECK(meaning("EPOCH this history is b, not a") == Meaning::other_history);
    CHECK(meaning("ERR unknown command") == Meaning::other);
    CHECK(meaning("BUSYGROUP no such thing here") == Meaning::other);
    CHECK(meaning("") == Meaning::other);
    CHECK(meaning("WRONGTYPE Operation against a key holding the wrong kind of value script: 9fa1, "
                  "on @user_script:174.") == Meaning::broke_off);
    CHECK(meaning("ERR Error running script (call to f_9fa1): @user_script:7: @user_script: 7: "
                  "WRONGTYPE Operation against a key") == Meaning::broke_off);
  }

  TEST_CASE("of Redis 6 stands behind other words, and means the same") {
    const Refusal refusal = read_refusal(
        "ERR Error running script (call to f_9fa1): @user_script:214: @user_script: 214: -OOM "
        "command not allowed when used memory > 'maxmemory'.");
    CHECK(refusal.meaning == Meaning::nothing_kept);
    CHECK(refusal.code == "OOM");
  }

  TEST_CASE("says what to do, or what Redis said") {
    CHECK(read_refusal("OOM x").what.find("raise its maxmemory") != std::string::npos);
    CHECK(read_refusal("MISCONF x").what.find("see its log") != std::string::npos);
    CHECK(read_refusal("NOREPLICAS x").what.find("min-replicas-to-write") != std::string::npos);
    CHECK(read_refusal("READONLY x").what.find("history.url") != std::string::npos);
    CHECK(read_refusal("BUSY x").what.find("SCRIPT KILL") != std::string::npos);
    CHECK(read_refusal("WRONGTYPE x").what.find("another history.key") != std::string::npos);
    CHECK(read_refusal("NOPERM x").what ==
          "NOPERM x" + std::string(". history.user lacks a right, or a key: docs/scaling.md has "
                                   "the line of ACL SETUSER"));
    CHECK(read_refusal("ERR The user executing the script can't run this command or subcommand "
                       "script: 9fa1, on @user_script:7.")
              .what.find("ACL SETUSER") != std::string::npos);
    CHECK(read_refusal("ERR no such thing").what == "ERR no such thing");
  }
}

TEST_SUITE("for how many entries is asked") {
  TEST_CASE("many small ones, few large ones, one if need be") {
    Pace pace(2, 512, 64 << 20);
    CHECK(pace.count() == 2);
    for (const std::size_t count : {8U, 32U, 128U, 512U, 512U}) {
      pace.took(pace.count(), pace.count() * 500);
      CHECK(pace.count() == count);
    }
    pace.took(512, 512 << 20);
    CHECK(pace.count() == 16);
    pace.took(1, 60 << 20);
    CHECK(pace.count() == 1);
    pace.took(0, 0);
    CHECK(pace.count() == 1);
  }

  TEST_CASE("one again, where it was too much all the same") {
    Pace pace(2, 512, 64 << 20);
    for (int i = 0; i < 9; ++i) pace.took(512, 512 * 500);
    CHECK(pace.count() == 512);
    pace.was_too_much();
    CHECK(pace.count() == 1);
  }
}

}  // namespace
}  // namespace sluice::redis
