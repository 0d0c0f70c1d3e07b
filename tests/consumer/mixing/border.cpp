// SPDX-License-Identifier: MIT
//
// What has to hold between a library and a program or plug-in that was built in another way: what
// one side makes the other finds, catches, counts and frees. run() returns how much does not.
#include <cstring>
#include <deferred/results/errors.hpp>
#include <deferred/tasks/deferred_coroutine.hpp>
#include <deferred/tasks/spawn.hpp>
#include <deferred/tasks/value.hpp>
#include <deferred/threads/in_thread.hpp>
#include <deferred/yieldables/current_task.hpp>
#include <deferred/yieldables/pause.hpp>
#include <deferred/yieldables/with_timeout.hpp>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using namespace deferred;

namespace {

int failures = 0;

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "does not hold: " << what << '\n';
  ++failures;
}

struct Question {
  int number;
};

class OddError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

Task<int> give(Reactor& reactor, int value) {
  const TaskRef self = co_await current_task;
  check(self.id() != 0, "the library's running task is the program's");
  co_await Pause{};
  auto one = []() -> Task<int> { co_return 1; };
  auto child = spawn(reactor, one);
  const int added = co_await std::move(child);
  co_return value + added;
}

// Finds its reactor by itself.
Deferred<int> give_later() {
  co_await Pause{1ms};
  co_return 5;
}

Task<> errors() {
  auto [promise, never] = make_deferred<int>();
  bool in_time = true;
  try {
    co_await with_timeout(1ms, std::move(never));
  } catch (const TimeoutError&) {
    in_time = false;
  }
  check(!in_time, "an exception of the library is caught by its type");

  bool unknown = false;
  Value number{3.5};
  try {
    Value answer = co_await std::move(number);
    check(!answer.has_value(), "a number cannot be awaited");
  } catch (const UnknownYieldable& error) {
    unknown = std::string(error.what()).find("double") != std::string::npos;
  }
  check(unknown, "an exception's text comes over");

  auto fail = []() -> int { throw OddError("odd"); };
  bool odd = false;
  try {
    co_await in_thread(fail);
  } catch (const std::runtime_error& error) {
    odd = dynamic_cast<const OddError*>(&error) != nullptr;
  }
  check(odd, "an exception of the program comes back as what it was");

  const Failure failure{OddError("odd")};
  check(failure.check<OddError>() != nullptr, "a Failure is asked for its type");
  check(failure.check<std::runtime_error>() != nullptr, "a Failure is asked for a base");
  check(failure.report().find("made at border.cpp:") != std::string::npos,
        "a Failure has its place");
}

Task<> main_task(Reactor& reactor) {
  const int six = co_await give(reactor, 5);
  check(six == 6, "tasks are awaited and spawned");
  Deferred<int> later = give_later();
  const int five = co_await std::move(later);
  check(five == 5, "a Deferred coroutine finds the running reactor");

  const Registration answers = reactor.registry().when_type<Question>(
      [](const Question& asked, Waiter<int> waiter) { waiter.resume(asked.number + 1); });
  Value question{Question{41}};
  Value answer = co_await std::move(question);
  check(answer.as<int>() == 42, "the registry finds a type of the program");

  for (int i = 0; i < 1000; ++i) {
    auto square = [i] { return i * i; };
    const int squared = co_await in_thread(square);
    check(squared == i * i, "messages between threads are freed by either side");
  }
  // With AddressSanitizer: the library, built without, takes it for a block of 24 bytes or more.
  void* const block = detail::allocate(17);
  std::memset(block, 0, 24);
  detail::release(block, 17);
  co_await errors();

  const TaskRef self = co_await current_task;
  check(reactor.dump_tasks().find("border.cpp:") != std::string::npos, "a task has its place");
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int run() {
  failures = 0;
  Reactor reactor;
  std::string fired;
  {
    auto [promise, chain] = make_deferred<std::string>();
    std::move(chain)
        .add_callback([](std::string text) { return text + "!"; })
        .add_callback([&](std::string text) { fired = std::move(text); })
        .detach();
    promise.callback("a text that is too long to be kept in place");
  }
  check(fired.ends_with("place!"), "a chain runs");
  const int code = reactor.run(main_task(reactor));
  check(code == 0, "the main task ends well");
  return failures;
}
