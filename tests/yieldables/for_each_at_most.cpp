// SPDX-License-Identifier: MIT
#include "deferred/yieldables/for_each_at_most.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// Runs for so many seconds as the item says.
struct Work {
  Task<> operator()(int seconds) const {
    ++*running;
    *most = std::max(*most, *running);
    order->push_back(seconds);
    co_await Pause{std::chrono::seconds(seconds)};
    --*running;
  }
  std::shared_ptr<int> running = std::make_shared<int>(0);
  std::shared_ptr<int> most = std::make_shared<int>(0);
  std::shared_ptr<std::vector<int>> order = std::make_shared<std::vector<int>>();
};

TEST_CASE_FIXTURE(Loop,
                  "each item is worked on, in the order of the range, at most so many at once") {
  std::vector<int> items = {5, 1, 1, 1, 1, 1};
  const Work work;

  const auto outcome = outcome_of([&]() -> Task<> { co_await for_each_at_most(2, items, work); });

  CHECK(outcome.has_value());
  CHECK(*work.order == items);
  CHECK(*work.most == 2);
  CHECK(now() == 5s);
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop,
                  "as many as may run at once begin in the same turn, and no more than there "
                  "are") {
  const std::vector<int> items(10, 1);
  const Work work;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await for_each_at_most(50, items, work); });
  settle();

  CHECK(*work.running == 10);
  CHECK(reactor.task_count() == 11);
  time.advance(1s);
  CHECK(spawned.done());
}

TEST_CASE_FIXTURE(Loop, "nothing is done for an empty range") {
  const std::vector<int> items;
  CHECK(outcome_of([&]() -> Task<> { co_await for_each_at_most(2, items, Work()); }).has_value());
}

TEST_CASE("none at once is refused") {
  const std::vector<int> items = {1};
  const auto call = [&] { static_cast<void>(for_each_at_most(0, items, Work())); };
  CHECK_THROWS_AS(call(), std::invalid_argument);
}

TEST_CASE_FIXTURE(Loop,
                  "the first error cancels the others, is thrown, and no further item is begun") {
  const std::vector<int> items = {1, 2, 3, 4, 5, 6};
  int begun = 0;
  int unwound = 0;
  const auto work = [&](int item) -> Task<> {
    ++begun;
    struct Unwinds {
      explicit Unwinds(int& count) : count(count) {}
      ~Unwinds() { ++count; }
      int& count;
    } const unwinds(unwound);
    co_await Pause{std::chrono::seconds(item == 2 ? 1 : 10)};
    if (item == 2) throw std::out_of_range("two");
    CHECK_MESSAGE(false, "it is not cancelled");
  };

  const auto outcome = outcome_of([&]() -> Task<> { co_await for_each_at_most(3, items, work); });

  CHECK(outcome.check<std::out_of_range>());
  CHECK(begun == 3);
  CHECK(unwound == 3);
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop, "work that swallows its cancel does not begin with the next item") {
  const std::vector<int> items = {1, 2, 3, 4, 5, 6};
  int begun = 0;
  const auto work = [&](int) -> Task<> {
    ++begun;
    try {
      co_await Pause{1h};
    } catch (const Cancelled&) {
    }
  };
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await for_each_at_most(2, items, work); });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(begun == 2);
}

TEST_CASE_FIXTURE(Loop, "nothing is begun in a task that is cancelled before") {
  const std::vector<int> items = {1, 2, 3};
  const Work work;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await for_each_at_most(2, items, work); });
  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(work.order->empty());
}

TEST_CASE_FIXTURE(Loop, "a cancel, a close and a limit end what runs") {
  const std::vector<int> items(6, 3600);
  const Work work;
  const auto body = [&]() -> Task<> { co_await for_each_at_most(2, items, work); };
  auto cancelled = spawn(reactor, body);
  auto once = spawn(reactor, body);
  auto closed = spawn(reactor, body);
  auto late = spawn(
      reactor, [&]() -> Task<> { co_await with_timeout(1s, for_each_at_most(2, items, work)); });
  settle();
  CHECK(*work.running == 8);

  cancelled.task().cancel();
  once.task().cancel_once();
  closed.task().close();
  time.advance(1s);

  CHECK(outcome_of(std::move(cancelled)).check<Cancelled>());
  CHECK(outcome_of(std::move(once)).check<Cancelled>());
  CHECK(outcome_of(std::move(late)).check<TimeoutError>());
  CHECK(reactor.task_count() == 0);
  CHECK(work.order->size() == 8);
}

TEST_CASE_FIXTURE(Loop, "a range that is given away is kept, and its items stay where they are") {
  std::vector<std::unique_ptr<int>> items;
  for (int i = 0; i < 4; ++i) items.push_back(std::make_unique<int>(i));
  int sum = 0;
  const auto work = [&sum](std::unique_ptr<int>& item) -> Task<> {
    co_await Pause{1s};
    sum += *item;
  };

  outcome_of([&]() -> Task<> {
    auto all = for_each_at_most(2, std::move(items), work);
    items.clear();
    co_await std::move(all);
  }).value();

  CHECK(sum == 6);
}

TEST_CASE_FIXTURE(Loop, "an lvalue range is referred to: its items may be changed") {
  std::map<std::string, int> items = {{"a", 1}, {"b", 2}};
  const auto work = [](std::pair<const std::string, int>& item) -> Task<> {
    co_await Pause{1s};
    item.second *= 10;
  };
  outcome_of([&]() -> Task<> { co_await for_each_at_most(1, items, work); }).value();
  CHECK(items["a"] == 10);
  CHECK(items["b"] == 20);
}

TEST_CASE_FIXTURE(Loop, "an item that a view makes anew lives as long as the work on it") {
  const std::vector<int> numbers = {1, 2, 3};
  std::string got;
  const auto work = [&got](const std::string& item) -> Task<> {
    co_await Pause{1s};
    got += item;
  };
  const auto spell = [](int n) { return std::to_string(n) + " a text that is not held in place "; };

  outcome_of([&]() -> Task<> {
    co_await for_each_at_most(2, numbers | std::views::transform(spell), work);
  }).value();

  CHECK(got == spell(1) + spell(2) + spell(3));
}

TEST_CASE_FIXTURE(Loop, "each item of a stream is worked on once, and stays what it was") {
  std::istringstream numbers("1 2 3 4 5");
  using In = std::istream_iterator<int>;
  std::vector<int> begun;
  std::vector<int> done;
  const auto work = [&](const int& item) -> Task<> {
    begun.push_back(item);
    co_await Pause{1s};
    done.push_back(item);
  };

  outcome_of([&]() -> Task<> {
    co_await for_each_at_most(2, std::ranges::subrange(In(numbers), In()), work);
  }).value();

  CHECK(begun == std::vector<int>{1, 2, 3, 4, 5});
  CHECK(done == begun);
}

TEST_CASE_FIXTURE(Loop, "work on an item of a stream may change it") {
  std::istringstream words("a b c");
  std::string got;
  const auto work = [&](std::string& word) -> Task<> {
    word += '!';
    co_await Pause{1s};
    got += word;
  };
  outcome_of([&]() -> Task<> {
    co_await for_each_at_most(2, std::views::istream<std::string>(words), work);
  }).value();
  CHECK(got == "a!b!c!");
}

TEST_CASE_FIXTURE(Loop, "an endless range is taken as it is needed") {
  Event enough;
  int begun = 0;
  const auto work = [&](int item) -> Task<> {
    ++begun;
    co_await Pause{1s};
    if (item == 10) throw std::runtime_error("enough");
  };
  const auto outcome =
      outcome_of([&]() -> Task<> { co_await for_each_at_most(3, std::views::iota(1), work); });
  CHECK(outcome.check<std::runtime_error>());
  CHECK(begun == 12);
}

TEST_CASE_FIXTURE(Loop, "what the work returns is awaited, whatever it is, and dropped") {
  const std::list<int> items = {1, 2, 3};
  std::vector<Promise<int>> promises;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const auto work = [&promises](int) {
      auto [promise, deferred] = make_deferred<int>();
      promises.push_back(std::move(promise));
      return std::move(deferred);
    };
    co_await for_each_at_most(2, items, work);
    co_await for_each_at_most(2, items, [](int n) { return Pause{std::chrono::seconds(n)}; });
  });
  settle();
  CHECK(promises.size() == 2);
  promises[0].callback(1);
  settle();
  CHECK(promises.size() == 3);
  promises[1].callback(1);
  promises[2].callback(1);
  time.run_until_idle();

  CHECK(outcome_of(std::move(spawned)).has_value());
  CHECK(now() == 4s);
}

TEST_CASE_FIXTURE(Loop, "a function that throws instead of returning something is an error") {
  const std::vector<int> items = {1, 2, 3};
  int called = 0;
  const auto work = [&called](int) -> Task<> {
    ++called;
    throw std::runtime_error("no coroutine");
  };
  const auto outcome = outcome_of([&]() -> Task<> { co_await for_each_at_most(1, items, work); });
  CHECK(outcome.check<std::runtime_error>());
  CHECK(called == 1);
}

TEST_CASE_FIXTURE(Loop, "a million items that are done at once take no stack") {
  int done = 0;
  const auto work = [&done](int) -> Task<> {
    ++done;
    co_return;
  };
  outcome_of([&]() -> Task<> {
    co_await for_each_at_most(10, std::views::iota(0, 1'000'000), work);
  }).value();
  CHECK(done == 1'000'000);
}

}  // namespace
