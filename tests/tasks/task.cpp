// SPDX-License-Identifier: MIT
//
// Tasks that are awaited by tasks.
#include "deferred/tasks/task.hpp"

#include <doctest/doctest.h>

#include <any>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<Task<int>>);
static_assert(std::is_nothrow_move_constructible_v<Task<int>>);

namespace {

/// `co_return u;` compiles in a Task<T>.
template <class T, class U>
concept CoReturns =
    requires(typename Task<T>::promise_type& promise, U u) { promise.return_value(std::move(u)); };

Task<int> add(int a, int b) { co_return a + b; }

TEST_CASE_FIXTURE(Loop, "a subtask gives its value to the caller") {
  const auto outcome = outcome_of([]() -> Task<int> {
    const int three = co_await add(1, 2);
    co_return three + co_await add(3, 4);
  });

  CHECK(outcome.value() == 10);
}

TEST_CASE_FIXTURE(Loop, "a task does not run before it is awaited") {
  bool ran = false;
  const auto runs = [&]() -> Task<> {
    ran = true;
    co_return;
  };

  outcome_of([&]() -> Task<> {
    Task<> task = runs();
    CHECK_FALSE(ran);
    co_await std::move(task);
    CHECK(ran);
  }).value();
}

Task<> holds(Counted) { co_return; }

TEST_CASE("a task that is dropped destroys its arguments and has not run") {
  Counted::reset();
  {
    Task<> task = holds(Counted());
    CHECK(Counted::live == 1);
  }

  CHECK(Counted::live == 0);
}

TEST_CASE("a task that is assigned over is dropped") {
  Counted::reset();
  Task<> task = holds(Counted());

  task = Task<>();

  CHECK(Counted::live == 0);
  CHECK_FALSE(task.valid());
}

TEST_CASE_FIXTURE(Loop, "a task that is stored runs when it is awaited later") {
  const auto outcome = outcome_of([]() -> Task<int> {
    std::vector<Task<int>> tasks;
    tasks.push_back(add(1, 1));
    tasks.push_back(add(2, 2));
    int sum = 0;
    for (Task<int>& each : tasks) sum += co_await std::move(each);
    co_return sum;
  });

  CHECK(outcome.value() == 6);
}

TEST_CASE_FIXTURE(Loop, "awaiting a task a second time is a logic_error at the co_await") {
  const auto outcome = outcome_of([]() -> Task<int> {
    Task<int> task = add(1, 2);
    const int first = co_await std::move(task);
    co_return first + co_await std::move(task);
  });

  CHECK(outcome.check<std::logic_error>());
}

Task<int> throws_early() {
  throw std::runtime_error("early");
  co_return 1;
}

Task<int> throws() {
  co_await Pause();
  throw std::runtime_error("from below");
}

TEST_CASE_FIXTURE(Loop, "what a subtask throws can be caught at the co_await") {
  std::string caught;

  outcome_of([&]() -> Task<> {
    try {
      co_await throws();
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
  }).value();

  CHECK(caught == "from below");
}

TEST_CASE_FIXTURE(Loop, "an exception that is not caught passes through all callers") {
  const auto middle = []() -> Task<int> { co_return co_await throws(); };

  const auto outcome = outcome_of([&]() -> Task<int> { co_return co_await middle(); });

  REQUIRE(outcome.check<std::runtime_error>());
  CHECK(outcome.failure().what() == "from below");
}

TEST_CASE_FIXTURE(Loop, "a failure's trace names each await it passed") {
  constexpr int inner = __LINE__ + 2;
  constexpr int outer = __LINE__ + 2;
  const auto middle = []() -> Task<int> { co_return co_await throws(); };
  const auto outcome = outcome_of([&]() -> Task<int> { co_return co_await middle(); });

  std::istringstream report(outcome.failure().report());
  std::vector<std::string> lines;
  for (std::string line; std::getline(report, line);) lines.push_back(line);
  const auto awaited = [](int line) {
    return "  awaited at task.cpp:" + std::to_string(line) + " in ";
  };
  REQUIRE(lines.size() == 4);
  CHECK(lines[1].starts_with("  made at task.cpp:"));
  CHECK(lines[1].ends_with("::throws"));
  CHECK(lines[2].starts_with(awaited(inner)));
  CHECK(lines[3].starts_with(awaited(outer)));
}

TEST_CASE_FIXTURE(Loop, "co_return of a Failure fails without a throw") {
  const auto outcome = outcome_of([]() -> Task<int> { co_return Failure(Oops{"returned"}); });

  REQUIRE(outcome.check<Oops>());
  CHECK(outcome.failure().what() == "returned");
}

TEST_CASE_FIXTURE(Loop, "a task of an Outcome gives it without a throw") {
  const auto fails = []() -> Task<Outcome<int>> { co_return Failure(Oops{}); };
  const auto gives = []() -> Task<Outcome<int>> { co_return 5; };
  const auto throws_inside = []() -> Task<Outcome<int>> {
    co_await throws();
    co_return 1;
  };

  outcome_of([&]() -> Task<> {
    const Outcome<int> failed = co_await fails();
    const Outcome<int> gave = co_await gives();
    const Outcome<int> threw = co_await throws_inside();
    CHECK(failed.check<Oops>());
    CHECK(gave.value() == 5);
    CHECK(threw.check<std::runtime_error>());
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a result can be move-only") {
  const auto outcome = outcome_of([]() -> Task<int> {
    const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    const std::unique_ptr<int> made = co_await make();
    co_return *made;
  });

  CHECK(outcome.value() == 3);
}

// AsyncTask took it for a raised one.
TEST_CASE_FIXTURE(Loop, "a returned exception object is a value, not an error") {
  const auto gives_one = []() -> Task<std::runtime_error> {
    co_return std::runtime_error("only looked at");
  };

  outcome_of([&]() -> Task<> {
    const std::runtime_error of_task = co_await gives_one();
    const std::runtime_error of_deferred = co_await succeed(std::runtime_error("looked at too"));
    CHECK(std::string(of_task.what()) == "only looked at");
    CHECK(std::string(of_deferred.what()) == "looked at too");
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a result is moved out once and never copied") {
  Counted::reset();
  outcome_of([]() -> Task<> {
    const auto make = []() -> Task<Counted> { co_return Counted(7); };
    const Counted made = co_await make();
    CHECK(made.value == 7);
    CHECK(Counted::live == 1);
  }).value();

  CHECK(Counted::live == 0);
  CHECK(Counted::copies == 0);
}

TEST_CASE_FIXTURE(Loop, "a result whose move throws fails at the co_await") {
  const auto outcome = outcome_of([]() -> Task<int> {
    const auto make = []() -> Task<ThrowsOnMove> { co_return 1; };
    ThrowsOnMove::throwing = true;
    try {
      const ThrowsOnMove got = co_await make();
      co_return got.value;
    } catch (const std::runtime_error&) {
      ThrowsOnMove::throwing = false;
      co_return -1;
    }
  });

  CHECK(outcome.value() == -1);
}

TEST_CASE_FIXTURE(Loop, "a subtask's frame is gone before its caller goes on") {
  std::vector<std::string> notes;
  const auto callee = [&]() -> Task<int> {
    const NotesEnd local(notes, "local");
    co_await Pause();
    co_return 1;
  };

  outcome_of([&]() -> Task<> {
    co_await callee();
    notes.push_back("caller");
  }).value();

  CHECK(notes == std::vector<std::string>{"local", "caller"});
}

// PJE's microthreads, and no fault there: Return runs the generator's `finally` first.
TEST_CASE_FIXTURE(Loop, "a subtask's destructors run before its caller resumes") {
  std::vector<std::string> notes;
  const auto callee = [&]() -> Task<int> {
    const NotesEnd finally(notes, "finally");
    co_return 42;
  };

  outcome_of([&]() -> Task<> {
    const int got = co_await callee();
    notes.push_back("caller has " + std::to_string(got));
  }).value();

  CHECK(notes == std::vector<std::string>{"finally", "caller has 42"});
}

TEST_CASE_FIXTURE(Loop, "a subtask's arguments are gone before the caller's next statement") {
  Counted::reset();

  outcome_of([]() -> Task<> {
    co_await holds(Counted());
    CHECK(Counted::live == 0);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a task that never awaits runs to its end in one turn") {
  auto spawned = spawn(reactor, add(1, 2));

  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 3);
}

// AsyncTask: StopIteration was raised at the caller.
TEST_CASE_FIXTURE(Loop, "a task that never awaits has a result like any other") {
  const auto plain = []() -> Task<int> { co_return 1; };
  const auto throws = [](bool really) -> Task<int> {
    if (really) throw Oops("at once");
    co_return 0;
  };

  CHECK(outcome_of(plain()).value() == 1);
  CHECK(outcome_of(throws(true)).check<Oops>());
}

}  // namespace

// Failed the task: `{}` was taken for an empty Failure.
TEST_CASE_FIXTURE(Loop, "co_return {} gives a result made of nothing") {
  const auto text = []() -> Task<std::string> { co_return {}; };
  const auto maybe = []() -> Task<std::optional<int>> { co_return {}; };
  const auto number = []() -> Task<int> { co_return {}; };

  CHECK(outcome_of(text()).value().empty());
  CHECK(!outcome_of(maybe()).value().has_value());
  CHECK(outcome_of(number()).value() == 0);
}

TEST_CASE_FIXTURE(Loop, "co_return of an Outcome is what the Outcome is") {
  const auto gives = []() -> Task<bool> {
    const Outcome<bool> outcome(false);
    co_return outcome;
  };
  const auto fails = []() -> Task<bool> { co_return Outcome<bool>(Failure(Oops{"no"})); };

  CHECK(outcome_of(gives()).value() == false);
  CHECK(outcome_of(fails()).check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "co_return converts as return does") {
  using Numbers = std::vector<int>;
  static_assert(!CoReturns<bool, std::optional<bool>>);
  static_assert(!CoReturns<Numbers, int>);
  static_assert(CoReturns<Numbers, std::initializer_list<int>>);
  static_assert(CoReturns<std::string, const char*>);
  static_assert(CoReturns<std::any, Failure>);
  const auto gives = []() -> Task<std::any> { co_return Failure(Oops{"no"}); };

  CHECK(outcome_of(gives()).check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "an error thrown before a coroutine's first await names the coroutine") {
  const auto outcome = outcome_of([]() -> Task<> { co_await throws_early(); });

  CHECK(outcome.failure().report().find(" in {anonymous}::throws_early") != std::string::npos);
}

// The value was never destroyed.
TEST_CASE_FIXTURE(Loop, "a destructor that throws after co_return loses neither value nor error") {
  struct ThrowsAtEnd {
    ~ThrowsAtEnd() noexcept(false) { throw Oops{"destructor"}; }
  };
  const auto kept = std::make_shared<int>(3);

  const auto outcome = outcome_of([](std::shared_ptr<int> p) -> Task<std::shared_ptr<int>> {
    const ThrowsAtEnd throws;
    co_return p;
  }(kept));

  CHECK(outcome.check<Oops>());
  CHECK(kept.use_count() == 1);
}
