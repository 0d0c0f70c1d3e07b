// SPDX-License-Identifier: MIT
//
// Callback interfaces of every habit, each waited for in a single line by a Reply: they take a
// callback for success and one for failure, and call them at once, later, in a thread, too often,
// or never. Runs under ThreadSanitizer too. (resumeback: send_self)
#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "deferred/yieldables/reply.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

using OnSuccess = std::function<bool(int)>;
using OnError = std::function<bool(std::string)>;

/// What a test's callback interface does with the two that it is given.
using Habit = std::function<void(OnSuccess, OnError)>;

/// As a user writes it: both callbacks belong to one wait, and the task keeps no sender itself.
Task<int> ask(Habit habit) {
  Reply<int> reply;
  const auto fail = [](const ReplySender<int>& send) {
    return [send](const std::string& what) { return send.throw_(std::runtime_error(what)); };
  };
  habit(reply.send(), fail(reply.send()));
  co_return co_await reply;
}

/// Keeps the callbacks, for the test to call.
struct Kept {
  Habit habit() {
    return [this](OnSuccess success, OnError error) {
      on_success = std::move(success);
      on_error = std::move(error);
    };
  }
  OnSuccess on_success;
  OnError on_error;
};

TEST_CASE_FIXTURE(Loop, "a success that is called first wins, and the error says false") {
  Kept kept;
  auto spawned = spawn(reactor, ask(kept.habit()));
  settle();

  CHECK(kept.on_success(5));
  CHECK_FALSE(kept.on_error("too late"));
  CHECK_FALSE(kept.on_success(6));
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Loop, "an error that is called first wins, and the success says false") {
  Kept kept;
  auto spawned = spawn(reactor, ask(kept.habit()));
  settle();

  CHECK(kept.on_error("no"));
  CHECK_FALSE(kept.on_success(5));
  CHECK_FALSE(kept.on_error("no, again"));
  settle();

  const Outcome<int> outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<std::runtime_error>());
  CHECK(outcome.check<std::runtime_error>()->what() == std::string("no"));
}

TEST_CASE_FIXTURE(Loop, "of callbacks that are all called inside the call the first wins") {
  std::vector<bool> said;
  const Habit calls_all = [&](const OnSuccess& success, const OnError& error) {
    said = {success(1), success(2), error("no")};
  };
  const Habit fails_and_calls = [&](const OnSuccess& success, const OnError& error) {
    said.push_back(error("no"));
    said.push_back(success(1));
  };

  CHECK(outcome_of(ask(calls_all)).value() == 1);
  CHECK(outcome_of(ask(fails_and_calls)).check<std::runtime_error>());

  CHECK(said == std::vector<bool>{true, false, false, true, false});
}

TEST_CASE_FIXTURE(Loop, "a callback that is called again after the task went on changes nothing") {
  Kept kept;
  auto spawned = spawn(reactor, ask(kept.habit()));
  settle();
  CHECK(kept.on_success(5));
  settle();
  REQUIRE(spawned.done());

  CHECK_FALSE(kept.on_success(6));
  CHECK_FALSE(kept.on_error("no"));
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Loop, "a callback of one wait does not answer the next") {
  Kept first;
  Kept second;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int tens = co_await ask(first.habit());
    const int ones = co_await ask(second.habit());
    co_return 10 * tens + ones;
  });
  settle();
  CHECK(first.on_success(4));
  settle();

  CHECK_FALSE(first.on_success(9));
  settle();
  CHECK_FALSE(spawned.done());
  CHECK(second.on_success(2));
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 42);
}

TEST_CASE_FIXTURE(Loop, "one of two callbacks that is dropped leaves the wait to the other") {
  Kept kept;
  auto spawned = spawn(reactor, ask(kept.habit()));
  settle();

  kept.on_error = nullptr;
  settle();
  CHECK_FALSE(spawned.done());
  CHECK(kept.on_success(5));
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Loop, "callbacks that are dropped inside the call abandon the wait") {
  const Habit forgets = [](const OnSuccess&, const OnError&) {};

  const Outcome<int> outcome = outcome_of(ask(forgets));

  REQUIRE(outcome.check<AbandonedError>());
  CHECK_FALSE(outcome.check<AbandonedError>()->by_closing());
}

TEST_CASE_FIXTURE(Loop, "a sender that the task keeps itself counts: nobody is seen to be gone") {
  auto spawned = spawn(reactor, []() -> Task<int> {
    Reply<int> reply;
    const ReplySender<int> mine = reply.send();
    co_return co_await reply;
  });

  settle();

  CHECK_FALSE(spawned.done());
}

// resumeback: what stands behind the yield in a `finally` runs when the generator is collected.
TEST_CASE_FIXTURE(Loop, "the destructors of a task that is never called back run") {
  Counted::reset();
  Kept kept;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const Counted cleaned_up;
    co_return co_await ask(kept.habit());
  });
  settle();
  REQUIRE(Counted::live == 1);

  kept = Kept();
  settle();

  CHECK(Counted::live == 0);
  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "callbacks in threads: one wins, before the await or after it") {
  std::vector<std::thread> threads;
  std::vector<int> won(8);
  const Habit asks_all = [&](const OnSuccess& success, const OnError& error) {
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&won, success, error, i] {
        won[static_cast<std::size_t>(i)] = i % 2 == 0 ? success(i) : error(std::to_string(i));
      });
    }
  };
  std::optional<int> winner;

  try {
    winner = reactor.run_until(spawn(reactor, ask(asks_all)));
  } catch (const std::runtime_error& error) {
    winner = std::stoi(error.what());
  }
  for (std::thread& each : threads) each.join();

  std::vector<int> expected(8);
  expected[static_cast<std::size_t>(*winner)] = 1;
  CHECK(won == expected);
}

// resumeback: it was resumed on the thread that called back.
TEST_CASE_FIXTURE(Loop, "a task that is called back by a thread goes on on its own") {
  std::thread thread;
  const Habit asks_thread = [&](const OnSuccess& success, const OnError&) {
    thread = std::thread([success] { success(1); });
  };
  const std::thread::id home = std::this_thread::get_id();

  const auto went_on = reactor.run_until(spawn(reactor, [&]() -> Task<std::thread::id> {
    co_await ask(asks_thread);
    co_return std::this_thread::get_id();
  }));

  thread.join();
  CHECK(went_on == home);
}

// resumeback: get_number, print_num and print_plus_10, embedded by `yield from`.
TEST_CASE_FIXTURE(Loop,
                  "an answer comes up through subtasks, each of which can be spawned itself") {
  Kept kept;
  std::vector<std::string> printed;
  const auto print_number = [&]() -> Task<int> {
    const int number = co_await ask(kept.habit());
    printed.push_back(std::to_string(number));
    co_return number;
  };
  const auto print_plus_10 = [&]() -> Task<int> {
    const int number = co_await print_number();
    co_return number + 10;
  };

  auto outer = spawn(reactor, print_plus_10());
  settle();
  kept.on_success(5);
  settle();
  auto inner = spawn(reactor, print_number());
  settle();
  kept.on_success(7);
  settle();

  CHECK(outcome_of(std::move(outer)).value() == 15);
  CHECK(outcome_of(std::move(inner)).value() == 7);
  CHECK(printed == std::vector<std::string>{"5", "7"});
}

TEST_CASE_FIXTURE(Loop, "an error that a callback brings can be caught in any subtask") {
  Kept kept;
  const auto zero_instead = [&]() -> Task<int> {
    try {
      co_return co_await ask(kept.habit());
    } catch (const std::runtime_error&) {
    }
    co_return 0;
  };
  auto spawned = spawn(reactor, [&]() -> Task<int> { co_return 1 + co_await zero_instead(); });
  settle();

  kept.on_error("no");
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 1);
}

}  // namespace
