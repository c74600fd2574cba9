#include "gateway/server/cli.h"

#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

/// What a stream would have shown, while it lives.
class Captured {
 public:
  explicit Captured(std::ostream& stream) : stream_(stream), old_(stream.rdbuf(text_.rdbuf())) {}
  ~Captured() { stream_.rdbuf(old_); }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostream& stream_;
  std::ostringstream text_;
  std::streambuf* old_;
};

Command parsed(const std::vector<const char*>& arguments) {
  std::vector<const char*> argv{"sluice"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return parse_command_line(static_cast<int>(argv.size()), argv.data());
}

template <class T>
T as(const std::vector<const char*>& arguments) {
  const Command command = parsed(arguments);
  REQUIRE(std::holds_alternative<T>(command));
  return std::get<T>(command);
}

struct Refusal {
  int status = 0;
  std::string message;
};

Refusal refusal(const std::vector<const char*>& arguments) {
  const Captured errors(std::cerr);
  const int status = as<Exit>(arguments).status;
  return {status, errors.text()};
}

TEST_SUITE("Command line") {
  TEST_CASE("serve needs nothing") {
    CHECK(as<ServeCommand>({"serve"}).file.empty());
    CHECK(as<ServeCommand>({"serve", "--config", "sluice.toml"}).file == "sluice.toml");
  }

  TEST_CASE("top watches the gateway of the documentation, unless it is told another") {
    CHECK(as<TopCommand>({"top"}).url == "http://localhost:9090");
    const auto command = as<TopCommand>({"top", "http://h:1", "--once", "--sort", "age"});
    CHECK(command.url == "http://h:1");
    CHECK(command.once);
    CHECK(command.sort == "age");
    CHECK(refusal({"top", "--sort", "size"}).status == 2);
  }

  TEST_CASE("a list option takes one value at a time and can be repeated") {
    const auto command = as<PublishCommand>(
        {"publish", "--topic", "a", "https://localhost:8443", "--topic", "b", "--data", ""});
    CHECK(command.topics == std::vector<std::string>{"a", "b"});
    CHECK(command.url == "https://localhost:8443");
    CHECK(command.data == "");
  }

  TEST_CASE("data that is not given is not empty data") {
    CHECK_FALSE(as<PublishCommand>({"publish", "http://h", "--topic", "a"}).data);
  }

  TEST_CASE("publish knows all that an event can have") {
    const auto command =
        as<PublishCommand>({"publish", "http://h/events/a", "--data", "x", "--id", "7", "--type",
                            "note", "--retry", "500", "--private", "--token", "T", "--insecure"});
    CHECK(command.id == "7");
    CHECK(command.type == "note");
    CHECK(command.retry == 500);
    CHECK(command.is_private);
    CHECK(command.access.token == "T");
    CHECK(command.access.insecure);
  }

  TEST_CASE("subscribe knows how a browser comes back") {
    const auto command =
        as<SubscribeCommand>({"subscribe", "http://h", "--topic", "a", "--last-event-id",
                              "earliest", "--json", "--count", "2"});
    CHECK(command.last_event_id == "earliest");
    CHECK(command.json);
    CHECK(command.count == 2);
  }

  TEST_CASE("token takes a duration as it stands in a configuration file") {
    const auto command =
        as<TokenCommand>({"token", "--publish", "*", "--ttl", "30m", "--key-file", "F"});
    CHECK(command.ttl == std::chrono::minutes(30));
    CHECK(as<TokenCommand>({"token", "--subscribe", "*", "--key-file", "F"}).ttl ==
          std::chrono::hours(1));
  }

  TEST_CASE("token knows who it is for, and both versions of the protocol") {
    const auto command =
        as<TokenCommand>({"token", "--subscribe", "urlpattern:/a/*", "--key-file", "F", "--alg",
                          "ES256", "--subject", "ada", "--issuer", "https://i", "--audience", "a",
                          "--audience", "b", "--payload", "{}", "--details"});
    CHECK(command.algorithm == "ES256");
    CHECK(command.subject == "ada");
    CHECK(command.issuer == "https://i");
    CHECK(command.audience == std::vector<std::string>{"a", "b"});
    CHECK(command.payload == "{}");
    CHECK(command.details);
  }

  TEST_CASE("check takes its file with and without the option") {
    CHECK(as<CheckCommand>({"check", "--config", "sluice.toml"}).file == "sluice.toml");
    CHECK(as<CheckCommand>({"check", "sluice.toml"}).file == "sluice.toml");
  }

  TEST_CASE("help is success") {
    const Captured shown(std::cout);
    CHECK(as<Exit>({"--help"}).status == 0);
    CHECK(as<Exit>({"publish", "--help"}).status == 0);
    CHECK(shown.text().find("sluice subscribe https://localhost:8443") != std::string::npos);
  }

  TEST_CASE("arguments that make no sense are refused with status 2 and the reason") {
    const std::vector<std::pair<std::vector<const char*>, const char*>> cases{
        {{}, "Usage: sluice"},
        {{"fly"}, "not expected: fly"},
        {{"serve", "--confg", "x"}, "--confg"},
        {{"check"}, "--config is required"},
        {{"check", "a", "--config", "b"}, "--config"},
        {{"publish"}, "URL is required"},
        {{"publish", "http://h", "--stream", "--data", "x"}, "excludes"},
        {{"publish", "http://h", "--token", "a", "--token-file", "b"}, "excludes"},
        {{"subscribe", "http://h", "--count", "0"}, "--count: Value 0 not in range 1 to "},
        {{"token", "--key-file", "F"}, "--publish, --subscribe, --claim or --subject is required"},
        {{"token", "--publish", "*", "--key-file", "F", "--ttl", "60"},
         "--ttl: \"60\" needs a unit, as in \"15s\""},
        {{"token", "--publish", "*", "--key-file", "F", "--ttl", "1ms"}, "a second is the least"},
        {{"token", "--publish", "*", "--key-file", "F", "--details"}, "--issuer"},
        {{"reference", "everything"}, "everything"},
    };
    for (const auto& [arguments, reason] : cases) {
      const Refusal refused = refusal(arguments);
      CAPTURE(refused.message);
      CHECK(refused.status == 2);
      CHECK(refused.message.find(reason) != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace sluice::server
