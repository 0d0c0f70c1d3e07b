// SPDX-License-Identifier: MIT
//
// How tasks of samples/pyos end, and what of them is left: in the original, too much.
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/pyos/system.hpp"
#include "tests/support/counted.hpp"

using namespace pyos;
using deferred::testing::Counted;

namespace {

Task<> wait_and_tell(Tid tid, std::string& told) {
  const bool waited = co_await WaitTask(tid);
  told += waited ? "true " : "false ";
}

TEST_CASE_FIXTURE(System, "the scheduler says which task has terminated") {
  scheduler.create(yield_control(1));
  scheduler.create(yield_control(0));

  scheduler.mainloop();

  CHECK(log.str() == "Task 2 terminated\nTask 1 terminated\n");
}

TEST_CASE_FIXTURE(System, "the mainloop of no tasks ends at once, and can be called again") {
  scheduler.mainloop();
  scheduler.create(yield_control(2));
  scheduler.mainloop();
  scheduler.mainloop();

  CHECK(terminated() == "1 ");
  CHECK(reactor.task_count() == 0);
}

// pyos: KillTask left it in the tables of those that wait, and its own waiters hung.
TEST_CASE_FIXTURE(System, "who waits for a task that is killed while it waits is told") {
  const Pair pair;
  std::string told;
  const auto waits = [&]() -> Task<> { co_await ReadWait(pair.near.fd()); };
  const auto kills = [&]() -> Task<> {
    co_await yield_control(2);
    CHECK(reactor.watch_count() == 1);
    const bool killed = co_await KillTask(1);
    CHECK(killed);
    CHECK(reactor.watch_count() == 0);
  };
  scheduler.create(waits());
  scheduler.create(wait_and_tell(1, told));
  scheduler.create(wait_and_tell(1, told));
  scheduler.create(kills());

  scheduler.mainloop();

  CHECK(told == "true true ");
}

TEST_CASE_FIXTURE(System, "a task that is killed while it waits for another leaves no wait") {
  std::string told;
  const auto kills = [&]() -> Task<> {
    co_await yield_control(2);
    co_await KillTask(2);
    co_await KillTask(1);
  };
  scheduler.create(yield_control(1'000'000));
  scheduler.create(wait_and_tell(1, told));
  scheduler.create(wait_and_tell(1, told));
  scheduler.create(kills());

  scheduler.mainloop();

  CHECK(told == "true ");
  CHECK(terminated() == "2 1 3 4 ");
}

// pyos8: it closed the innermost generator only.
TEST_CASE_FIXTURE(System, "a task that is killed is closed whole, the innermost subtask first") {
  struct Frame {
    Frame(std::string& where, char as) : closed(where), name(as) {}
    Frame(const Frame&) = delete;
    ~Frame() { closed += name; }
    std::string& closed;
    const char name;
  };
  std::string closed;
  const auto inner = [&]() -> Task<> {
    const Frame frame(closed, 'c');
    co_await yield_control(1'000'000);
  };
  const auto middle = [&]() -> Task<> {
    const Frame frame(closed, 'b');
    co_await inner();
  };
  const auto outer = [&]() -> Task<> {
    const Frame frame(closed, 'a');
    co_await middle();
  };
  const auto kills = [&]() -> Task<> {
    co_await yield_control(2);
    co_await KillTask(1);
  };
  scheduler.create(outer());
  scheduler.create(kills());

  scheduler.mainloop();

  CHECK(closed == "cba");
}

TEST_CASE_FIXTURE(System, "tasks that kill and await each other all end") {
  std::string told;
  const auto kills = [&](Tid other) -> Task<> {
    co_await YieldControl{};
    co_await KillTask(other);
    co_await yield_control(5);
  };
  scheduler.create(kills(2));
  scheduler.create(kills(1));
  scheduler.create(wait_and_tell(1, told));
  scheduler.create(wait_and_tell(2, told));

  scheduler.mainloop();

  CHECK(told == "true true ");
}

// pyos: it came out of the mainloop, and all others were lost.
TEST_CASE_FIXTURE(System, "what a task throws ends that one only, and is reported") {
  std::string told;
  const auto fails = []() -> Task<> {
    co_await YieldControl{};
    throw std::runtime_error("broken");
  };
  scheduler.create(fails());
  scheduler.create(wait_and_tell(1, told));
  scheduler.create(yield_control(5));

  scheduler.mainloop();

  CHECK(told == "true ");
  CHECK(terminated() == "1 2 3 ");
  CHECK(unhandled.take() == std::vector<std::string>{"broken"});
}

TEST_CASE_FIXTURE(System, "what a subtask throws comes up to who catches it") {
  std::string caught;
  const auto inner = []() -> Task<> {
    co_await YieldControl{};
    throw std::runtime_error("broken");
  };
  const auto outer = [&]() -> Task<> {
    try {
      co_await inner();
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
  };
  scheduler.create(outer());

  scheduler.mainloop();

  CHECK(caught == "broken");
}

TEST_CASE_FIXTURE(System, "a scheduler kills at its end what is left, also what never ran") {
  Counted::reset();
  const Pair pair;
  std::ostringstream said;
  const auto waits = [&]() -> Task<> {
    const Counted counted;
    co_await ReadWait(pair.near.fd());
  };
  {
    Scheduler other(reactor, said);
    other.create(waits());
    settle();
    other.create(waits());
    REQUIRE(Counted::live == 1);
    REQUIRE(reactor.watch_count() == 1);
  }

  CHECK(said.str() == "Task 1 terminated\nTask 2 terminated\n");
  CHECK(Counted::live == 0);
  CHECK(reactor.watch_count() == 0);
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(System, "two schedulers on two reactors count for themselves") {
  deferred::reactors::VirtualTime other_time;
  deferred::Reactor other_reactor{other_time};
  std::ostringstream said;
  Scheduler other(other_reactor, said);
  std::vector<Tid> tids;
  const auto note = [&]() -> Task<> { tids.push_back(co_await GetTid{}); };
  scheduler.create(note());
  other.create(note());
  other.create(note());

  other.mainloop();
  scheduler.mainloop();

  CHECK(tids == std::vector<Tid>{1, 2, 1});
  CHECK(said.str() == "Task 1 terminated\nTask 2 terminated\n");
}

TEST_CASE_FIXTURE(System, "a stop() of the reactor comes out of the mainloop, which can go on") {
  scheduler.create(yield_control(100));
  const auto stops = [&]() -> Task<> {
    reactor.stop();
    co_return;
  };
  scheduler.create(stops());

  CHECK_THROWS_AS(scheduler.mainloop(), deferred::ReactorStateError);
  CHECK_THROWS_AS(Scheduler::current(), std::logic_error);
  scheduler.mainloop();

  CHECK(terminated() == "2 1 ");
}

}  // namespace
