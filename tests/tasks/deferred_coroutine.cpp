// SPDX-License-Identifier: MIT
//
// Coroutines that return a Deferred: inlineCallbacks. ("row" is the number of the behaviour in
// Twisted's checklist; rows 106 to 110 are in cancel.cpp.)
#include "deferred/tasks/deferred_coroutine.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

constexpr int passes_on = __LINE__ + 1;
Deferred<int> pass_on(Reactor&, Deferred<int> d) { co_return co_await std::move(d); }
Deferred<int> five(Reactor&) { co_return 5; }

TEST_CASE_FIXTURE(Loop,
                  "row 98: a Deferred coroutine runs inside its call, up to its first real wait") {
  std::vector<std::string> notes;
  const auto body = [&](Reactor&) -> Deferred<int> {
    notes.push_back("begun");
    const int ready = co_await succeed(1);
    notes.push_back("still inside the call");
    co_await Pause(1s);
    notes.push_back("later");
    co_return ready;
  };

  Deferred<int> result = body(reactor);
  CHECK(notes == std::vector<std::string>{"begun", "still inside the call"});
  time.advance(1s);

  CHECK(notes.back() == "later");
  CHECK(std::move(result).result().value() == 1);
}

TEST_CASE_FIXTURE(Loop, "row 92: a fired Deferred is awaited without a suspension") {
  Deferred<int> result = pass_on(reactor, succeed(3));

  REQUIRE(result.has_result());
  CHECK(std::move(result).result().value() == 3);
}

TEST_CASE_FIXTURE(Loop, "row 92: an unfired Deferred suspends, and goes on in the next round") {
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> result = pass_on(reactor, std::move(deferred));

  promise.callback(4);
  CHECK_FALSE(result.has_result());
  settle();

  CHECK(std::move(result).result().value() == 4);
}

TEST_CASE_FIXTURE(Loop, "rows 92, 102: a failure is thrown at the await and can be caught") {
  const auto catches = [](Reactor&, Deferred<int> d) -> Deferred<std::string> {
    try {
      co_await std::move(d);
    } catch (const Oops& e) {
      co_return e.text;
    }
    co_return "nothing";
  };

  Deferred<std::string> result = catches(reactor, fail<int>(Oops{"caught"}));

  CHECK(std::move(result).result().value() == "caught");
}

TEST_CASE_FIXTURE(Loop, "row 93: await of a chained Deferred gives the final result") {
  auto [inner_promise, inner] = make_deferred<int>();
  auto chained = succeed(1).add_callback([&inner = inner](int) { return std::move(inner); });
  Deferred<int> result = pass_on(reactor, std::move(chained));
  settle();
  REQUIRE_FALSE(result.has_result());

  inner_promise.callback(8);
  settle();

  CHECK(std::move(result).result().value() == 8);
}

TEST_CASE_FIXTURE(Loop, "row 93: await of a paused Deferred waits for its end") {
  auto [promise, deferred] = make_deferred<int>();
  deferred.pause();
  promise.callback(9);
  Deferred<int> result = pass_on(reactor, std::move(deferred));
  settle();
  REQUIRE_FALSE(result.has_result());

  promise.unpause();
  settle();

  CHECK(std::move(result).result().value() == 9);
}

TEST_CASE_FIXTURE(Loop,
                  "row 99: a coroutine's exception is the Deferred's failure, with both places") {
  constexpr int last_await = __LINE__ + 2;
  const auto origin = [](Reactor&) -> Deferred<int> {
    co_await Pause(1s);
    throw std::runtime_error("origin");
  };
  Deferred<int> result = pass_on(reactor, origin(reactor));

  time.advance(1s);

  const Outcome<int> outcome = std::move(result).result();
  REQUIRE(outcome.check<std::runtime_error>());
  const std::string report = outcome.failure().report();
  const auto place = [](int line) {
    return " at deferred_coroutine.cpp:" + std::to_string(line) + " in ";
  };
  CAPTURE(report);
  CHECK(report.starts_with("std::runtime_error: origin\n  made" + place(last_await)));
  CHECK(report.find("\n  awaited" + place(passes_on)) == report.rfind("\n"));
  CHECK(report.ends_with("::pass_on"));
}

TEST_CASE_FIXTURE(Loop, "row 100: a call returns a new Deferred, not one that it awaits") {
  auto [promise, deferred] = make_deferred<int>();
  bool in_body = false;
  auto noted = std::move(deferred).add_callback([&](int n) {
    in_body = true;
    return n;
  });
  Deferred<int> result = pass_on(reactor, std::move(noted));

  promise.callback(1);
  CHECK(in_body);
  CHECK_FALSE(result.fired());
  settle();

  CHECK(std::move(result).result().value() == 1);
}

TEST_CASE_FIXTURE(Loop, "row 101: a body that never awaits fires with its value") {
  Deferred<int> result = five(reactor);

  CHECK(std::move(result).result().value() == 5);
}

TEST_CASE_FIXTURE(Loop, "row 101: falling off the end of a Deferred<void> fires it") {
  const auto empty = [](Reactor&) -> Deferred<void> { co_await Pause(1s); };
  Deferred<void> result = empty(reactor);
  settle();
  REQUIRE_FALSE(result.has_result());

  time.advance(1s);

  CHECK(std::move(result).result().has_value());
}

TEST_CASE_FIXTURE(Loop, "row 102: an exception before the first await is a failure, not thrown") {
  const auto throws = [](Reactor&, bool wait) -> Deferred<int> {
    if (!wait) throw Oops{"at once"};
    co_return 1;
  };

  Deferred<int> result = throws(reactor, false);

  CHECK(std::move(result).result().check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "row 104: tasks and Deferred coroutines are awaited alike") {
  const auto task = []() -> Task<int> {
    co_await Pause(1s);
    co_return 2;
  };
  const auto both = [&](Reactor& r) -> Deferred<int> {
    const int a = co_await task();
    const int b = co_await five(r);
    co_return a + b;
  };
  Deferred<int> result = both(reactor);

  time.advance(1s);

  CHECK(std::move(result).result().value() == 7);
}

TEST_CASE_FIXTURE(Loop, "row 111: dropping the Deferred detaches the coroutine, which goes on") {
  std::vector<std::string> notes;
  const auto body = [&](Reactor&) -> Deferred<void> {
    const NotesEnd finally(notes, "finally");
    co_await Pause(1s);
    notes.push_back("went on");
  };
  {
    const Deferred<void> dropped = body(reactor);
  }
  CHECK(notes.empty());

  time.advance(1s);

  CHECK(notes == std::vector<std::string>{"went on", "finally"});
}

TEST_CASE("row 111: destructors of a coroutine that never ends run with the reactor") {
  std::vector<std::string> notes;
  auto [promise, never] = make_deferred<int>();
  {
    Loop loop;
    const auto body = [&](Reactor&, Deferred<int> d) -> Deferred<int> {
      const NotesEnd finally(notes, "finally");
      co_return co_await std::move(d);
    };
    body(loop.reactor, std::move(never)).detach();
    loop.settle();
  }

  CHECK(notes == std::vector<std::string>{"finally"});
}

TEST_CASE_FIXTURE(Loop, "row 112: nothing of a finished coroutine is kept") {
  const auto argument = std::make_shared<int>(1);
  const auto result_value = std::make_shared<int>(2);
  const auto body = [result_value](Reactor&,
                                   std::shared_ptr<int>) -> Deferred<std::shared_ptr<int>> {
    co_await Pause(1s);
    co_return result_value;
  };
  Deferred<std::shared_ptr<int>> result = body(reactor, argument);
  CHECK(argument.use_count() == 2);

  time.advance(1s);

  CHECK(argument.use_count() == 1);
  CHECK(result_value.use_count() == 3);
  std::move(result).detach();
  CHECK(result_value.use_count() == 2);
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "the failure of a coroutine whose Deferred was dropped is reported") {
  const auto body = [](Reactor&) -> Deferred<void> {
    co_await Pause(1s);
    throw std::runtime_error("nobody listens");
  };
  body(reactor).detach();

  time.advance(1s);

  const auto reports = unhandled.take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].find("nobody listens") != std::string::npos);
}

TEST_CASE_FIXTURE(Loop, "callbacks on a coroutine's Deferred run when it is done") {
  int got = 0;
  auto [promise, deferred] = make_deferred<int>();
  pass_on(reactor, std::move(deferred)).add_callback([&](int n) { got = n; }).detach();

  promise.callback(6);
  CHECK(got == 0);
  settle();

  CHECK(got == 6);
}

TEST_CASE_FIXTURE(Loop, "a result can be move-only and is never copied") {
  Counted::reset();
  const auto body = [](Reactor&) -> Deferred<Counted> {
    co_await Pause(1s);
    co_return Counted(3);
  };
  Deferred<Counted> result = body(reactor);
  time.advance(1s);

  CHECK(std::move(result).result().value().value == 3);
  CHECK(Counted::copies == 0);
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Loop, "a Deferred coroutine is a microthread, with a name in dumps") {
  const auto body = [](Reactor&) -> Deferred<void> {
    const TaskRef self = co_await current_task;
    CHECK(self.id() == 1);
    co_await Pause(1s);
  };
  body(reactor).detach();

  CHECK(reactor.dump_tasks().find("task #1 waiting on Pause 1 s at deferred_coroutine.cpp:") == 0);
}

// A Deferred that fires after a time, as krondo's examples make them with callLater.
Deferred<int> later(Reactor& reactor, Duration delay, int value) {
  co_await Pause(delay);
  static_cast<void>(reactor);
  co_return value;
}
Deferred<int> fails_later(Reactor& reactor, Duration delay, int what) {
  co_await Pause(delay);
  static_cast<void>(reactor);
  throw std::runtime_error(std::to_string(what));
}

// Twisted inlineCallbacks: krondo's inline-callbacks-1, its transcript.
TEST_CASE_FIXTURE(
    Loop, "a coroutine goes on with a value, 5 s later with another, 5 s later with an exception") {
  std::vector<std::string> printed;
  const auto say = [&](const std::string& line) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now()).count();
    printed.push_back(std::to_string(seconds) + " " + line);
  };
  const auto my_callbacks = [&](Reactor& r) -> Deferred<void> {
    say("first callback");
    const int one = co_await succeed(1);
    say("second callback got " + std::to_string(one));
    const int two = co_await later(r, 5s, 2);
    say("third callback got " + std::to_string(two));
    try {
      co_await fails_later(r, 5s, 3);
    } catch (const std::runtime_error& e) {
      say(std::string("fourth callback got exception ") + e.what());
    }
    r.stop();
  };
  reactor.post([&] { my_callbacks(reactor).detach(); });

  reactor.run();

  CHECK(printed == std::vector<std::string>{"0 first callback", "0 second callback got 1",
                                            "5 third callback got 2",
                                            "10 fourth callback got exception 3"});
}

// Twisted inlineCallbacks: krondo's inline-callbacks-2, its transcript.
TEST_CASE_FIXTURE(
    Loop, "of two coroutines that run at once one gives its value, the other its exception") {
  std::vector<std::string> printed;
  const auto one = [](Reactor& r) -> Deferred<int> {
    co_await later(r, 2s, 0);
    co_await later(r, 2s, 0);
    co_return 1;
  };
  const auto two = [](Reactor& r) -> Deferred<int> {
    co_await later(r, 3s, 0);
    co_await later(r, 3s, 0);
    throw std::runtime_error("uh oh");
  };
  int finished = 0;
  const auto end = [&] {
    if (++finished == 2) reactor.stop();
  };
  one(reactor)
      .add_callback([&](int n) {
        CHECK(now() == 4s);
        printed.push_back("got result: " + std::to_string(n));
        end();
      })
      .detach();
  two(reactor)
      .add_callback([](int) {})
      .add_errback([&](const std::runtime_error& e) {
        CHECK(now() == 6s);
        printed.push_back(std::string("got exception: ") + e.what());
        end();
      })
      .detach();

  reactor.run();

  CHECK(printed == std::vector<std::string>{"got result: 1", "got exception: uh oh"});
  CHECK(now() == 6s);
}

// ---- Which reactor.

TEST_CASE_FIXTURE(Loop, "the reactor is the parameter that is one, wherever it stands") {
  Loop other;
  const auto body = [](int, Reactor&, Reactor&) -> Deferred<Reactor*> {
    const TaskRef self = co_await current_task;
    co_return &self.reactor();
  };

  Deferred<Reactor*> result = body(1, other.reactor, reactor);

  CHECK(std::move(result).result().value() == &other.reactor);
}

class Client {
 public:
  explicit Client(Reactor& reactor) : reactor_(reactor) {}
  Reactor& reactor() { return reactor_; }
  Deferred<Reactor*> fetch() {
    const TaskRef self = co_await current_task;
    co_return &self.reactor();
  }

 private:
  Reactor& reactor_;
};

TEST_CASE_FIXTURE(Loop, "a member coroutine uses the reactor() of its object") {
  Loop other;
  Client client(other.reactor);

  CHECK(client.fetch().result().value() == &other.reactor);
}

TEST_CASE_FIXTURE(Loop, "a parameter with reactor() counts too") {
  Loop other;
  Client client(other.reactor);
  const auto body = [](Client&) -> Deferred<Reactor*> {
    const TaskRef self = co_await current_task;
    co_return &self.reactor();
  };

  CHECK(body(client).result().value() == &other.reactor);
}

// It was asked for the reactor of a microthread that is done, and threw out of the call.
TEST_CASE_FIXTURE(Loop, "a TaskRef parameter does not choose a coroutine's reactor") {
  TaskRef done = spawn(reactor, []() -> Task<> { co_return; }).task();
  time.advance();
  const auto pausing = [](TaskRef) -> Deferred<int> {
    co_await Pause{};
    co_return 1;
  };

  Deferred<int> result = pausing(done);
  time.advance();

  CHECK(std::move(result).result().value() == 1);
}

Deferred<Reactor*> nameless() {
  const TaskRef self = co_await current_task;
  co_return &self.reactor();
}
Deferred<void> waits() { co_await Pause(1s); }

TEST_CASE_FIXTURE(Loop, "without a parameter it is the reactor of the running microthread") {
  Loop other;
  Reactor* found = nullptr;
  spawn(other.reactor, [&]() -> Task<> { found = co_await nameless(); });

  other.settle();

  CHECK(found == &other.reactor);
}

TEST_CASE_FIXTURE(Loop, "without a running microthread it is the thread's running reactor") {
  Loop other;
  Reactor* found = nullptr;
  other.reactor.post([&] { found = nameless().result().value(); });

  other.settle();

  CHECK(found == &other.reactor);
}

TEST_CASE_FIXTURE(Loop, "without a running reactor it is the thread's only one") {
  CHECK(nameless().result().value() == &reactor);
}

TEST_CASE_FIXTURE(
    Loop, "with two reactors and none named: NoReactorError at the first await that waits") {
  Loop other;

  Deferred<void> result = waits();

  CHECK(std::move(result).result().check<NoReactorError>());
}

TEST_CASE("without any reactor a coroutine runs as long as nothing makes it wait") {
  const Unhandled unhandled;
  const auto ready = []() -> Deferred<int> {
    const int a = co_await succeed(1);
    const Outcome<int> b = co_await as_outcome(fail<int>(Oops{}));
    co_return a + (b.has_value() ? 0 : 1);
  };

  CHECK(ready().result().value() == 2);
}

TEST_CASE("without any reactor the first real wait throws NoReactorError there") {
  const Unhandled unhandled;
  auto [promise, deferred] = make_deferred<int>();
  bool caught = false;
  const auto body = [&](Deferred<int> d) -> Deferred<int> {
    try {
      co_return co_await std::move(d);
    } catch (const NoReactorError&) {
      caught = true;
    }
    co_return -1;
  };

  Deferred<int> result = body(std::move(deferred));

  CHECK(caught);
  CHECK(std::move(result).result().value() == -1);
}

}  // namespace
