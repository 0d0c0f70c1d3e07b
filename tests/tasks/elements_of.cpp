// SPDX-License-Identifier: MIT
//
// Generators that yield all of another.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/tasks/generator.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/million.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

using Echo = Generator<std::string, std::string, std::string>;

/// Yields what it was sent, until that is "stop".
Echo echoes(std::string name) {
  std::string got = co_yield name;
  while (got != "stop") got = co_yield name + ":" + got;
  co_return name + " stopped";
}

Echo passes_on(std::string name) {
  const std::string result = co_yield elements_of(echoes(name));
  co_yield "after: " + result;
  co_return "passed on";
}

TEST_CASE("what is sent goes to the inner generator, and what that returns comes out") {
  Echo generator = passes_on("inner");

  CHECK(generator.next() == "inner");
  CHECK(generator.send("x") == "inner:x");
  CHECK(generator.send("stop") == "after: inner stopped");
  CHECK(generator.next() == std::nullopt);
  CHECK(generator.result() == "passed on");
}

TEST_CASE("what is thrown in goes to the inner generator, and from there to the outer") {
  Counted::reset();
  const auto inner = []() -> Generator<int> {
    const Counted local(1);
    co_yield 1;
  };
  const auto outer = [&]() -> Generator<int> {
    std::string caught;
    try {
      co_yield elements_of(inner());
    } catch (const std::runtime_error& error) {
      caught = error.what();
      CHECK(Counted::live == 0);  // the inner one is gone by then
    }
    co_yield caught == "in" ? 2 : 3;
  };
  Generator<int> generator = outer();

  CHECK(generator.next() == 1);
  CHECK(Counted::live == 1);
  CHECK(generator.throw_(std::runtime_error("in")) == 2);
}

TEST_CASE("an inner generator that has begun goes on from where it is") {
  Generator<int> begun = []() -> Generator<int> {
    for (int i = 0; i < 4; ++i) co_yield i;
  }();
  CHECK(begun.next() == 0);
  const auto outer = [](Generator<int> inner) -> Generator<int> {
    co_yield elements_of(std::move(inner));
  };
  // Twice: the row that is appended has two frames already.
  Generator<int> middle = outer(std::move(begun));
  CHECK(middle.next() == 1);
  Generator<int> generator = outer(std::move(middle));

  CHECK(generator.next() == 2);
  CHECK(generator.next() == 3);
  CHECK(generator.next() == std::nullopt);
}

TEST_CASE(
    "an inner generator that has ended gives its result at once, and without one is refused") {
  const auto returns = [](int value) -> Generator<int, void, int> {
    co_return value;
    co_yield 0;
  };
  Generator<int, void, int> ended = returns(5);
  CHECK(ended.next() == std::nullopt);
  const auto outer = [](Generator<int, void, int> inner) -> Generator<int> {
    co_yield co_yield elements_of(std::move(inner));
  };

  Generator<int> takes = outer(std::move(ended));
  CHECK(takes.next() == 5);
  CHECK(takes.next() == std::nullopt);

  Generator<int> empty = outer({});
  CHECK_THROWS_AS(empty.next(), std::logic_error);
}

TEST_CASE("a generator cannot be given to its own body") {
  std::optional<Generator<int>> self;
  const auto body = [&]() -> Generator<int> { co_yield elements_of(*std::move(self)); };
  self.emplace(body());

  CHECK_THROWS_AS(self->next(), std::logic_error);
}

TEST_CASE("a generator that is dropped destroys the row of those it delegates to, the leaf first") {
  std::vector<int> order;
  struct Says {
    std::vector<int>& order;
    int depth;
    ~Says() { order.push_back(depth); }
  };
  struct Nested {
    static Generator<int> of(std::vector<int>& order, int depth) {
      const Says says{order, depth};
      if (depth == 3) {
        co_yield depth;
      } else {
        co_yield elements_of(of(order, depth + 1));
      }
    }
  };
  {
    Generator<int> generator = Nested::of(order, 1);
    CHECK(generator.next() == 3);
  }

  CHECK(order == std::vector{3, 2, 1});
}

Generator<int, void, int> nested(int depth) {
  int result = 0;
  if (depth > 0) {
    result = co_yield elements_of(nested(depth - 1));
  } else {
    co_yield 1;
    co_yield 2;
  }
  co_return result + 1;
}

TEST_CASE("a million generators delegate to each other: no step, end or drop uses the stack") {
  {
    auto generator = nested(million);
    CHECK(generator.next() == 1);
    CHECK(generator.next() == 2);
    CHECK(generator.next() == std::nullopt);
    CHECK(generator.result() == million + 1);
  }
  auto dropped = nested(million);
  CHECK(dropped.next() == 1);
  dropped.close();
  CHECK(dropped.done());
}

TEST_CASE("a million generators that own each other and have not begun are dropped in a loop") {
  struct Wraps {
    static Generator<int> around(Generator<int> inner) { co_yield elements_of(std::move(inner)); }
  };
  Generator<int> generator;
  for (int i = 0; i < million; ++i) generator = Wraps::around(std::move(generator));

  generator.close();

  CHECK(generator.done());
}

TEST_CASE("an error passes a row of generators by each one's catch") {
  struct Fails {
    static Generator<int> at(int depth, int& passed) {
      try {
        if (depth == 0) throw std::runtime_error("leaf");
        co_yield elements_of(at(depth - 1, passed));
      } catch (const std::runtime_error&) {
        ++passed;
        throw;
      }
    }
  };
  int passed = 0;
  Generator<int> generator = Fails::at(100, passed);

  CHECK_THROWS_WITH_AS(generator.next(), "leaf", std::runtime_error);
  CHECK(passed == 101);
}

}  // namespace
