// SPDX-License-Identifier: MIT
//
// The system calls of samples/pyos, one by one.
#include "samples/pyos/pyos.hpp"

#include <sys/socket.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "tests/pyos/system.hpp"

using namespace pyos;
using namespace std::chrono_literals;

namespace {

TEST_CASE_FIXTURE(System, "tids count from 1 up, and are not given again") {
  std::vector<Tid> tids;
  const auto note = [&]() -> Task<> { tids.push_back(co_await GetTid{}); };
  CHECK(scheduler.create(note()) == 1);
  CHECK(scheduler.create(note()) == 2);

  scheduler.mainloop();
  CHECK(scheduler.create(note()) == 3);
  scheduler.mainloop();

  CHECK(tids == std::vector<Tid>{1, 2, 3});
}

TEST_CASE_FIXTURE(System, "a subtask, and a branch of a wait, has the tid of its task") {
  const auto ask = []() -> Task<Tid> { co_return co_await GetTid{}; };
  std::vector<Tid> tids;
  const auto asks = [&]() -> Task<> {
    tids.push_back(co_await ask());
    const auto both = co_await deferred::all(GetTid{}, GetTid{});
    tids.push_back(std::get<0>(both));
    tids.push_back(std::get<1>(both));
  };
  scheduler.create(yield_control(1));
  scheduler.create(asks());

  scheduler.mainloop();

  CHECK(tids == std::vector<Tid>{2, 2, 2});
}

TEST_CASE_FIXTURE(System, "who is no task of the scheduler has no tid") {
  bool refused = false;
  const auto asks = [&]() -> Task<> {
    try {
      co_await GetTid{};
    } catch (const std::logic_error&) {
      refused = true;
    }
  };
  deferred::spawn(reactor, asks());
  scheduler.create(yield_control(3));

  scheduler.mainloop();

  CHECK(refused);
}

TEST_CASE_FIXTURE(System, "a system call outside of a mainloop is refused") {
  const auto outcome = outcome_of([]() -> Task<bool> { co_return co_await KillTask(1); });

  CHECK(outcome.check<std::logic_error>());
}

TEST_CASE_FIXTURE(System, "YieldControl lets each other task run once") {
  std::string order;
  const auto run = [&](char name) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      order += name;
      co_await YieldControl{};
    }
  };
  for (const char name : {'a', 'b', 'c'}) scheduler.create(run(name));

  scheduler.mainloop();

  CHECK(order == "abcabcabc");
}

TEST_CASE_FIXTURE(System, "NewTask gives the tid of a task that has not begun") {
  std::string order;
  const auto child = [&]() -> Task<> {
    order += "child " + std::to_string(co_await GetTid{}) + ", ";
  };
  const auto parent = [&]() -> Task<> {
    const Tid tid = co_await NewTask(child());
    order += "made " + std::to_string(tid) + ", ";
    co_await YieldControl{};
    order += "parent";
  };
  scheduler.create(parent());

  scheduler.mainloop();

  CHECK(order == "made 2, child 2, parent");
}

TEST_CASE_FIXTURE(System, "a task goes on when the one that made it has terminated") {
  const auto parent = []() -> Task<> { co_await NewTask(yield_control(5)); };
  scheduler.create(parent());

  scheduler.mainloop();

  CHECK(terminated() == "1 2 ");
}

TEST_CASE_FIXTURE(System, "KillTask ends a task and gives true, and false if there is none") {
  std::vector<bool> killed;
  const auto kills = [&]() -> Task<> {
    const Tid child = co_await NewTask(yield_control(1'000'000));
    killed.push_back(co_await KillTask(child));
    killed.push_back(co_await KillTask(child));
    killed.push_back(co_await KillTask(0));
    killed.push_back(co_await KillTask(77));
  };
  scheduler.create(kills());

  scheduler.mainloop();

  CHECK(killed == std::vector<bool>{true, false, false, false});
  CHECK(terminated() == "2 1 ");
}

TEST_CASE_FIXTURE(System, "a task that is killed before it has begun never does") {
  bool begun = false;
  const auto begins = [&]() -> Task<> {
    begun = true;
    co_return;
  };
  const auto kills = [&]() -> Task<> { co_await KillTask(2); };
  scheduler.create(kills());
  scheduler.create(begins());

  scheduler.mainloop();

  CHECK_FALSE(begun);
  CHECK(terminated() == "2 1 ");
}

TEST_CASE_FIXTURE(System, "who kills itself does not come back") {
  std::string order;
  const auto kills_itself = [&]() -> Task<> {
    const Tid mine = co_await GetTid{};
    order += "before";
    co_await KillTask(mine);
    order += ", after";
  };
  scheduler.create(kills_itself());

  scheduler.mainloop();

  CHECK(order == "before");
  CHECK(terminated() == "1 ");
}

TEST_CASE_FIXTURE(System, "WaitTask gives true when the task has terminated") {
  std::string order;
  const auto child = [&]() -> Task<> {
    co_await yield_control(3);
    order += "child, ";
  };
  const auto waits = [&]() -> Task<> {
    const Tid tid = co_await NewTask(child());
    const bool waited = co_await WaitTask(tid);
    order += waited ? "waited" : "did not wait";
  };
  scheduler.create(waits());

  scheduler.mainloop();

  CHECK(order == "child, waited");
}

TEST_CASE_FIXTURE(System, "WaitTask gives false at once if there is no such task") {
  std::string order;
  const auto waits = [&]() -> Task<> {
    const bool never_was = co_await WaitTask(77);
    const bool is_gone = co_await WaitTask(1);
    order += never_was || is_gone ? "waited, " : "did not wait, ";
  };
  const auto other = [&]() -> Task<> {
    order += "other";
    co_return;
  };
  scheduler.create(yield_control(0));
  scheduler.mainloop();
  scheduler.create(waits());
  scheduler.create(other());

  scheduler.mainloop();

  CHECK(order == "did not wait, other");
}

TEST_CASE_FIXTURE(System, "several tasks wait for one, and go on in the order of their waits") {
  std::string order;
  const auto waits = [&](char name) -> Task<> {
    const bool waited = co_await WaitTask(1);
    if (waited) order += name;
  };
  scheduler.create(yield_control(3));
  for (const char name : {'a', 'b', 'c'}) scheduler.create(waits(name));

  scheduler.mainloop();

  CHECK(order == "abc");
}

TEST_CASE_FIXTURE(System, "ReadWait goes on when there is something to read, or the end") {
  Pair pair;
  std::string order;
  const auto reads = [&]() -> Task<> {
    co_await ReadWait(pair.near.fd());
    order += "read ";
    char byte = 0;
    CHECK(::recv(pair.near.fd(), &byte, 1, 0) == 1);
    co_await ReadWait(pair.near.fd());
    order += "end";
    CHECK(::recv(pair.near.fd(), &byte, 1, 0) == 0);
  };
  const auto writes = [&]() -> Task<> {
    co_await yield_control(3);
    order += "write ";
    CHECK(::send(pair.far.fd(), "x", 1, 0) == 1);
    co_await yield_control(3);
    order += "close ";
    ::shutdown(pair.far.fd(), SHUT_WR);
  };
  scheduler.create(reads());
  scheduler.create(writes());

  scheduler.mainloop();

  CHECK(order == "write read close end");
}

TEST_CASE_FIXTURE(System, "WriteWait goes on when there is room") {
  Pair pair;
  const std::string much(1 << 16, 'x');
  while (::send(pair.near.fd(), much.data(), much.size(), 0) > 0) continue;
  std::string order;
  const auto writes = [&]() -> Task<> {
    co_await WriteWait(pair.near.fd());
    order += "room";
  };
  const auto reads = [&]() -> Task<> {
    co_await yield_control(3);
    order += "read ";
    std::string heard(much.size(), ' ');
    while (::recv(pair.far.fd(), heard.data(), heard.size(), 0) > 0) continue;
  };
  scheduler.create(writes());
  scheduler.create(reads());

  scheduler.mainloop();

  CHECK(order == "read room");
}

// pyos: a table with one task a descriptor, so that the second took the place of the first.
TEST_CASE_FIXTURE(System, "several tasks wait for one descriptor, in both directions") {
  Pair pair;
  int readers = 0;
  int writers = 0;
  const auto reads = [&]() -> Task<> {
    co_await ReadWait(pair.near.fd());
    ++readers;
  };
  const auto writes = [&]() -> Task<> {
    co_await WriteWait(pair.near.fd());
    ++writers;
  };
  for (int i = 0; i < 3; ++i) {
    scheduler.create(reads());
    scheduler.create(writes());
  }
  const auto answers = [&]() -> Task<> {
    co_await yield_control(3);
    CHECK(readers == 0);
    CHECK(::send(pair.far.fd(), "x", 1, 0) == 1);
  };
  scheduler.create(answers());

  scheduler.mainloop();

  CHECK(readers == 3);
  CHECK(writers == 3);
}

TEST_CASE_FIXTURE(System, "a system call takes a time limit as any yieldable does") {
  Pair pair;
  std::string order;
  const auto waits = [&]() -> Task<> {
    try {
      co_await deferred::with_timeout(2s, ReadWait(pair.near.fd()));
    } catch (const deferred::TimeoutError&) {
      order += "nothing to read, ";
    }
    const auto waited = co_await deferred::move_on_after(3s, WaitTask(2));
    order += waited ? "it is gone" : "it is there";
    co_await KillTask(2);
  };
  const auto never = [&]() -> Task<> { co_await ReadWait(pair.far.fd()); };
  scheduler.create(waits());
  scheduler.create(never());

  scheduler.mainloop();

  CHECK(order == "nothing to read, it is there");
  CHECK(now() == 5s);
  CHECK(reactor.watch_count() == 0);
}

}  // namespace
