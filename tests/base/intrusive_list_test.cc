#include "gateway/base/intrusive_list.h"

#include <memory>
#include <vector>

#include <doctest/doctest.h>

namespace sluice {
namespace {

struct ByAge;
struct ByRank;

/// Something that can be in two lists at once.
struct Item : ListHook<ByAge>, ListHook<ByRank> {
  explicit Item(int v) : value(v) {}
  int value;
};
using Ages = IntrusiveList<Item, ByAge>;
using Ranks = IntrusiveList<Item, ByRank>;

template <class List>
std::vector<int> values_of(List& list) {
  std::vector<int> values;
  list.for_each([&](Item& item) { values.push_back(item.value); });
  return values;
}

using Values = std::vector<int>;

TEST_SUITE("IntrusiveList") {
  TEST_CASE("a new list is empty") {
    Ages list;
    CHECK(list.empty());
    CHECK(values_of(list).empty());
  }

  TEST_CASE("elements come out in the order in which they went in") {
    Item a(1), b(2), c(3);
    Ages list;
    list.push_back(a);
    list.push_back(b);
    list.push_back(c);
    CHECK(&list.front() == &a);
    CHECK(list.pop_front().value == 1);
    CHECK(list.pop_front().value == 2);
    CHECK(list.pop_front().value == 3);
    CHECK(list.empty());
  }

  TEST_CASE("an element that is destroyed leaves its list") {
    Item a(1), c(3);
    auto b = std::make_unique<Item>(2);
    Ages list;
    list.push_back(a);
    list.push_back(*b);
    list.push_back(c);
    b.reset();
    CHECK(values_of(list) == Values{1, 3});
  }

  TEST_CASE("a list that is destroyed leaves its elements free") {
    Item a(1);
    {
      Ages list;
      list.push_back(a);
    }
    CHECK_FALSE(a.ListHook<ByAge>::is_linked());
    Ages other;
    other.push_back(a);
    CHECK(values_of(other) == Values{1});
  }

  TEST_CASE("an element can be in one list for each tag") {
    Item a(1), b(2);
    Ages ages;
    Ranks ranks;
    ages.push_back(a);
    ages.push_back(b);
    ranks.push_back(b);
    ranks.push_back(a);
    b.ListHook<ByAge>::unlink();
    CHECK(values_of(ages) == Values{1});
    CHECK(values_of(ranks) == Values{2, 1});
  }

  TEST_CASE("unlinking twice does no harm") {
    Item a(1);
    Ages list;
    list.push_back(a);
    a.ListHook<ByAge>::unlink();
    a.ListHook<ByAge>::unlink();
    CHECK(list.empty());
  }

  TEST_CASE("a whole list moves to the end of another") {
    Item a(1), b(2), c(3);
    Ages from, to;
    to.push_back(a);
    from.push_back(b);
    from.push_back(c);
    to.take_all(from);
    CHECK(from.empty());
    CHECK(values_of(to) == Values{1, 2, 3});
    to.take_all(from);
    CHECK(values_of(to) == Values{1, 2, 3});
  }

  TEST_CASE("an element may leave while the list is being walked") {
    Item a(1), b(2), c(3);
    Ages list;
    for (Item* item : {&a, &b, &c}) list.push_back(*item);
    list.for_each([](Item& item) {
      if (item.value == 2) item.ListHook<ByAge>::unlink();
    });
    CHECK(values_of(list) == Values{1, 3});
  }
}

}  // namespace
}  // namespace sluice
