#include "gateway/base/log.h"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>

#include "gateway/base/c_handle.h"

namespace sluice::log {
namespace {

/// What `act` writes to stderr at `level`.
std::string logged(Level level, const std::function<void()>& act) {
  const CHandle<std::FILE, std::fclose> file(std::tmpfile());
  REQUIRE(file != nullptr);
  const UniqueFd terminal(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  REQUIRE(::dup2(::fileno(file.get()), STDERR_FILENO) >= 0);
  set_level(level);
  act();
  set_level(Level::info);
  std::fflush(stderr);
  REQUIRE(::dup2(terminal.get(), STDERR_FILENO) >= 0);
  std::rewind(file.get());
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_SUITE("log") {
  TEST_CASE("an entry is one line on stderr with its level and its text") {
    const auto text = logged(Level::info, [] { info("listening on {}", "127.0.0.1:8443"); });
    CHECK(lines_in(text) == 1);
    CHECK(contains(text, " info listening on 127.0.0.1:8443\n"));
  }

  TEST_CASE("what is below the level is not written") {
    const auto text = logged(Level::warning, [] {
      debug("one");
      info("two");
      warning("three");
      error("four");
    });
    CHECK(lines_in(text) == 2);
    CHECK(contains(text, "three"));
    CHECK(contains(text, "four"));
  }

  TEST_CASE("off is silence") {
    CHECK(logged(Level::off, [] { error("nobody hears this"); }).empty());
  }

  TEST_CASE("what a peer sent cannot begin a line of its own") {
    const auto text = logged(Level::info, [] { info("path {}", "/a\r\nforged\x1b[2J"); });
    CHECK(lines_in(text) == 1);
    CHECK(contains(text, "path /a\\x0d\\x0aforged\\x1b[2J\n"));
  }

  TEST_CASE("braces in an argument stay braces") {
    CHECK(contains(logged(Level::info, [] { info("{}", "{}{0}"); }), " {}{0}\n"));
  }

  TEST_CASE("levels are known by name, and a wrong name is told the right ones") {
    CHECK(parse_level("debug") == Level::debug);
    CHECK(parse_level("off") == Level::off);
    const auto wrong = parse_level("verbose");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().what ==
          "\"verbose\" is no log level; use debug, info, warning, error or off");
  }

  TEST_CASE("a set level is on, with everything above it") {
    set_level(Level::warning);
    CHECK_FALSE(is_on(Level::info));
    CHECK(is_on(Level::warning));
    CHECK(is_on(Level::error));
    set_level(Level::info);
  }
}

}  // namespace
}  // namespace sluice::log
