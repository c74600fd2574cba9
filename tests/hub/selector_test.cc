#include "gateway/hub/selector.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/hub/interest.h"
#include "tests/hub/reader.h"

namespace sluice::hub {
namespace {

const Url hub = *Url::parse("https://hub.example/.well-known/mercure");

Selector selector(SelectorType type, const std::string& text, const Url* base) {
  auto made = Selector::make(type, text, base);
  REQUIRE(made);
  return *made;
}

TEST_SUITE("types of selectors") {
  TEST_CASE("an exact selector matches the same bytes, also of a template") {
    const Selector exact = selector(SelectorType::exact, "/books/{id}", &hub);
    CHECK(exact.matches("/books/{id}"));
    CHECK_FALSE(exact.matches("/books/1"));
    CHECK_FALSE(exact.matches("https://hub.example/books/{id}"));
    CHECK(exact.kind() == Selector::Kind::exact);
  }

  TEST_CASE("a URL pattern matches topics that are URLs, and not its own text") {
    const Selector pattern = selector(SelectorType::urlpattern, "/books/:id(\\d+)", &hub);
    CHECK(pattern.matches("/books/1"));
    CHECK(pattern.matches("https://hub.example/books/1"));
    CHECK_FALSE(pattern.matches("/books/:id(\\d+)"));
    CHECK_FALSE(pattern.matches("http://"));
    CHECK(pattern.kind() == Selector::Kind::pattern);
  }

  TEST_CASE("without a base only absolute topics match a URL pattern") {
    const Selector pattern = selector(SelectorType::urlpattern, "https://*:*/*", nullptr);
    CHECK(pattern.matches("https://a.example/b"));
    CHECK_FALSE(pattern.matches("/b"));
  }

  TEST_CASE("* matches everything, whatever the type") {
    for (const auto type :
         {SelectorType::selector, SelectorType::exact, SelectorType::urlpattern}) {
      const Selector any = selector(type, "*", &hub);
      CHECK(any.kind() == Selector::Kind::any);
      CHECK(any.matches("http://"));
    }
  }

  TEST_CASE("what is no URL pattern is no selector") {
    const auto made = Selector::make(SelectorType::urlpattern, "/{", &hub);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Errc::invalid);
  }

  TEST_CASE("a topic is a URL once for each base") {
    const Url other = *Url::parse("https://other.example/");
    const std::string text = "/books/1";
    const Topic topic(text);
    const Url* first = topic.resolved(&hub);
    REQUIRE(first);
    CHECK(first == topic.resolved(&hub));
    CHECK(first->hostname == "hub.example");
    CHECK(topic.resolved(&other)->hostname == "other.example");
    CHECK(topic.resolved(nullptr) == nullptr);
  }

  TEST_CASE("interests of the same texts and other types are others") {
    const auto interest = [&](SelectorType type) {
      return Interest::of_selectors({selector(type, "a", &hub)}, {});
    };
    const Interest exact = interest(SelectorType::exact);
    const Interest pattern = interest(SelectorType::urlpattern);
    CHECK(exact.key() != pattern.key());
    CHECK(exact.key() != Interest::of({"a"}, {}).key());
    CHECK(exact.key() == interest(SelectorType::exact).key());
    CHECK(exact.is_exact());
    CHECK_FALSE(pattern.is_exact());
  }

  TEST_CASE("an interest holds each selector once, in one order") {
    const Selector one = selector(SelectorType::exact, "b", &hub);
    const Selector two = selector(SelectorType::urlpattern, "b", &hub);
    const Interest interest = Interest::of_selectors({two, one, two}, {});
    CHECK(interest.topics.size() == 2);
    CHECK(interest.key() == Interest::of_selectors({one, two}, {}).key());
  }

  TEST_CASE("the hub keeps selectors of the same text and other types apart") {
    World world;
    const auto wants = [&](SelectorType type) {
      return Interest::of_selectors({selector(type, "/books/{id}", &hub)}, {});
    };
    Reader exact(world, wants(SelectorType::exact), world.hub.now());
    Reader pattern(world, wants(SelectorType::urlpattern), world.hub.now());
    Reader old(world, wants(SelectorType::selector), world.hub.now());
    world.publish("/books/{id}", "text");
    world.publish("https://hub.example/books/id", "url");
    world.publish("/books/17", "template");
    CHECK(exact.read_all(world).events() == "text");
    CHECK(pattern.read_all(world).events() == "url");
    CHECK(old.read_all(world).events() == "text template");
  }

  TEST_CASE("when one of them leaves, the others stay") {
    World world;
    const auto wants = [&](SelectorType type) {
      return Interest::of_selectors({selector(type, "/books/{id}", &hub)}, {});
    };
    Reader exact(world, wants(SelectorType::exact), world.hub.now());
    Reader pattern(world, wants(SelectorType::urlpattern), world.hub.now());
    Reader(world, wants(SelectorType::selector), world.hub.now()).leave();
    world.publish("/books/{id}", "text");
    world.publish("/books/id", "url");
    CHECK(exact.read_all(world).events() == "text");
    CHECK(pattern.read_all(world).events() == "url");
  }

  TEST_CASE("a private event needs a grant, which may be a URL pattern") {
    World world;
    const auto any = selector(SelectorType::urlpattern, "*", &hub);
    const auto books = selector(SelectorType::urlpattern, "/books/*", &hub);
    Reader reader(world, Interest::of_selectors({any}, {books}), world.hub.now());
    world.publish({.topics = {"/books/1"}, .data = "book", .is_private = true});
    world.publish({.topics = {"/films/1"}, .data = "film", .is_private = true});
    CHECK(reader.read_all(world).events() == "book");
  }
}

}  // namespace
}  // namespace sluice::hub
