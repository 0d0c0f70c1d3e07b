// SPDX-License-Identifier: MIT
//
// How trees of microthreads are closed, and cancelled: deepest and newest first, in a loop, also
// where one of them does it while it runs.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/in_time.hpp"
#include "tests/support/million.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// Notes its end.
class Noted {
 public:
  Noted(std::vector<std::string>& ends, std::string name) : ends_(ends), name_(std::move(name)) {}
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;
  ~Noted() { ends_.push_back(name_); }

 private:
  std::vector<std::string>& ends_;
  std::string name_;
};

Task<> waits(std::vector<std::string>& ends, std::string name) {
  const Noted noted(ends, std::move(name));
  co_await Pause{1h};
}

/// Acts at its end.
class AtEnd {
 public:
  explicit AtEnd(std::function<void()> f) : f_(std::move(f)) {}
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
  ~AtEnd() { f_(); }

 private:
  std::function<void()> f_;
};

}  // namespace

TEST_CASE_FIXTURE(InTime, "a tree is closed deepest and newest first, and the owner last") {
  std::vector<std::string> ends;
  auto owner = spawn(reactor, [&]() -> Task<> {
    const Noted noted(ends, "owner");
    co_await with_nursery([&](Nursery& outer) -> Task<> {
      outer.spawn(waits, std::ref(ends), "outer 1");
      outer.spawn([&]() -> Task<> {
        const Noted also(ends, "outer 2");
        co_await with_nursery([&](Nursery& grand) -> Task<> {
          grand.spawn(waits, std::ref(ends), "grandchild 1");
          grand.spawn(waits, std::ref(ends), "grandchild 2");
          co_await Pause{1h};
        });
      });
      co_await with_nursery([&](Nursery& inner) -> Task<> {
        inner.spawn(waits, std::ref(ends), "inner");
        co_await waits(ends, "body");
      });
    });
  });
  time.advance(1ms);

  owner.task().close();

  CHECK(owner.done());
  CHECK(reactor.task_count() == 0);
  CHECK(ends == std::vector<std::string>{"inner", "grandchild 2", "grandchild 1", "outer 2",
                                         "outer 1", "body", "owner"});
  std::move(owner).detach();
}

TEST_CASE_FIXTURE(InTime, "a child that closes its owner goes on until it gives control back") {
  std::vector<std::string> steps;
  SUBCASE("and waits") {
    auto owner = spawn(reactor, [&]() -> Task<> {
      const Noted noted(steps, "owner");
      TaskRef self = current_task();
      co_await with_nursery([&](Nursery& nursery) -> Task<> {
        nursery.spawn(waits, std::ref(steps), "sibling");
        nursery.spawn([&, self]() mutable -> Task<> {
          const Noted also(steps, "child");
          co_await Pause{1ms};
          self.close();
          CHECK(!self.done());
          steps.push_back("goes on");
          co_await Pause{1h};
          steps.push_back("too far");
        });
        co_return;
      });
    });
    time.advance(2ms);
    CHECK(owner.done());
    CHECK(steps == std::vector<std::string>{"goes on", "child", "sibling", "owner"});
    std::move(owner).detach();
  }
  SUBCASE("and returns") {
    auto owner = spawn(reactor, [&]() -> Task<> {
      const Noted noted(steps, "owner");
      TaskRef self = current_task();
      co_await with_nursery([&](Nursery& nursery) -> Task<> {
        nursery.spawn([&, self]() mutable -> Task<> {
          co_await Pause{1ms};
          self.close();
          steps.push_back("goes on");
        });
        co_await Pause{1h};
      });
    });
    time.advance(2ms);
    CHECK(owner.done());
    CHECK(steps == std::vector<std::string>{"goes on", "owner"});
    std::move(owner).detach();
  }
  SUBCASE("from a grandchild") {
    auto owner = spawn(reactor, [&]() -> Task<> {
      const Noted noted(steps, "owner");
      TaskRef self = current_task();
      co_await with_nursery([&](Nursery& nursery) -> Task<> {
        nursery.spawn([&, self]() -> Task<> {
          const Noted also(steps, "child");
          co_await with_nursery([&](Nursery& inner) -> Task<> {
            inner.spawn([&, self]() mutable -> Task<> {
              co_await Pause{1ms};
              TaskRef(self).close();
              steps.push_back("goes on");
            });
            co_await Pause{1h};
          });
        });
        co_await Pause{1h};
      });
    });
    time.advance(2ms);
    CHECK(owner.done());
    CHECK(steps == std::vector<std::string>{"goes on", "child", "owner"});
    CHECK(reactor.task_count() == 0);
    std::move(owner).detach();
  }
  SUBCASE("from a destructor, in its own close") {
    auto owner = spawn(reactor, [&]() -> Task<> {
      const Noted noted(steps, "owner");
      TaskRef self = current_task();
      co_await with_nursery([&](Nursery& nursery) -> Task<> {
        Spawned<void> child = nursery.spawn([&, self]() mutable -> Task<> {
          const AtEnd closes([&steps, self]() mutable {
            self.close();
            steps.push_back("child");
          });
          co_await Pause{1h};
        });
        co_await Pause{1ms};
        TaskRef task = child.task();
        reactor.post([task]() mutable { task.close(); });
        co_await Pause{1h};
      });
    });
    time.advance(2ms);
    CHECK(owner.done());
    CHECK(steps == std::vector<std::string>{"child", "owner"});
    std::move(owner).detach();
  }
  SUBCASE("from a destructor, while the owner is being closed") {
    auto owner = spawn(reactor, [&]() -> Task<> {
      const Noted noted(steps, "owner");
      TaskRef self = current_task();
      co_await with_nursery([&](Nursery& nursery) -> Task<> {
        nursery.spawn([&, self]() mutable -> Task<> {
          const AtEnd closes([&steps, self]() mutable {
            self.close();
            steps.push_back("child");
          });
          co_await Pause{1h};
        });
        co_await Pause{1h};
      });
    });
    time.advance(1ms);
    owner.task().close();
    CHECK(owner.done());
    CHECK(steps == std::vector<std::string>{"child", "owner"});
    std::move(owner).detach();
  }
  CHECK(reactor.task_count() == 0);
}

// The end of another one was taken for the time at which the owner could be closed.
TEST_CASE_FIXTURE(InTime, "a child that closes its owner, and then another, closes no third one") {
  std::vector<std::string> steps;
  auto owner = spawn(reactor, [&]() -> Task<> {
    TaskRef self = current_task();
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      TaskRef sibling = nursery.spawn(waits, std::ref(steps), "sibling").task();
      nursery.spawn([&, self, sibling]() mutable -> Task<> {
        co_await Pause{1ms};
        self.close();
        const TaskRef late = nursery.spawn(Pause{1h}).task();
        sibling.close();
        CHECK_FALSE(late.done());
        steps.push_back("goes on");
      });
      co_await Pause{1h};
    });
  });
  time.advance(2ms);
  CHECK(owner.done());
  CHECK(reactor.task_count() == 0);
  CHECK(steps == std::vector<std::string>{"sibling", "goes on"});
  std::move(owner).detach();
}

TEST_CASE_FIXTURE(InTime, "a child spawned by a destructor during close() is closed as well") {
  std::vector<std::string> ends;
  auto owner = spawn(reactor, [&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.spawn([&]() -> Task<> {
        const AtEnd spawns([&] { nursery.spawn(waits, std::ref(ends), "late"); });
        co_await Pause{1h};
      });
      co_await waits(ends, "body");
    });
  });
  time.advance(1ms);

  owner.task().close();

  CHECK(owner.done());
  CHECK(reactor.task_count() == 0);
  std::move(owner).detach();
}

TEST_CASE_FIXTURE(InTime, "a child that destroys its nursery goes on as the reactor's") {
  auto nursery = std::make_unique<Nursery>(reactor);
  std::vector<std::string> steps;
  Nursery& of = *nursery;
  of.spawn(waits, std::ref(steps), "sibling");
  of.spawn([&]() -> Task<> {
    const Noted noted(steps, "child");
    co_await Pause{1ms};
    nursery.reset();
    steps.push_back("goes on");
    co_await Pause{1ms};
    steps.push_back("too far");
  });
  time.run_until_idle();

  CHECK(steps == std::vector<std::string>{"sibling", "goes on", "child"});
  CHECK(reactor.task_count() == 0);
}

TEST_CASE("a nursery that the last of its children owns ends with it") {
  for (const bool by_reactor : {true, false}) {
    std::vector<std::string> ends;
    auto loop = std::make_unique<InTime>();
    auto nursery = std::make_shared<Nursery>(loop->reactor);
    for (const char* name : {"one", "other"}) {
      nursery->spawn([&ends, name, owns = nursery]() -> Task<> { co_await waits(ends, name); });
    }
    loop->time.advance(1ms);
    Nursery& of = *nursery;
    if (by_reactor) {
      nursery.reset();
    } else {
      loop->reactor.post([&of] { of.cancel(); });
      nursery.reset();
      loop->time.advance(1ms);
    }
    loop.reset();
    CHECK(ends.size() == 2);
  }
}

TEST_CASE_FIXTURE(InTime, "a child that destroys its nursery, while somebody waits for that") {
  for (const bool at_end : {false, true}) {
    auto nursery = std::make_unique<Nursery>(reactor);
    bool ended = false;
    nursery->spawn([&]() -> Task<> {
      const AtEnd noted([&] { ended = true; });
      if (at_end) {
        const AtEnd destroys([&] { nursery.reset(); });
        co_await Pause{1ms};
      } else {
        co_await Pause{1ms};
        nursery.reset();
        co_await Pause{1h};
      }
    });
    const auto outcome = outcome_of([&]() -> Task<> { co_await *nursery; });

    CHECK(outcome.check<AbandonedError>());
    CHECK(ended);
    CHECK(reactor.task_count() == 0);
  }
}

TEST_CASE_FIXTURE(InTime, "who waits for a Nursery that is destroyed hears of it") {
  auto nursery = std::make_unique<Nursery>(reactor);
  nursery->spawn(Pause{1h});
  const DelayedCall drops = reactor.call_later(1ms, [&] { nursery.reset(); });
  const auto outcome = outcome_of([&]() -> Task<> { co_await *nursery; });

  CHECK(outcome.check<AbandonedError>());
}

TEST_CASE_FIXTURE(InTime, "a Nursery has one who waits for it") {
  Nursery nursery(reactor);
  nursery.spawn(Pause{1ms});
  auto first = spawn(reactor, [&]() -> Task<> { co_await nursery; });
  const auto second = outcome_of([&]() -> Task<> { co_await nursery; });

  CHECK(second.check<std::logic_error>());
  CHECK(end_of(std::move(first)).has_value());
}

TEST_CASE("reactor, nursery and owner end in any order") {
  std::vector<std::string> ends;
  std::optional<Nursery> nursery;
  {
    reactors::VirtualTime time;
    Reactor reactor{time};
    nursery.emplace(reactor);
    nursery->spawn(waits, std::ref(ends), "child of an object");
    spawn(reactor, [&]() -> Task<> {
      co_await with_nursery([&](Nursery& inner) -> Task<> {
        inner.spawn(waits, std::ref(ends), "child");
        co_await waits(ends, "body");
      });
    });
    time.advance(1ms);
  }
  CHECK(ends.size() == 3);
  CHECK(nursery->size() == 0);
  CHECK_THROWS_AS(nursery->reactor(), NoReactorError);
  CHECK_THROWS_AS(nursery->spawn(Pause{}), NoReactorError);
  nursery.reset();
}

TEST_CASE_FIXTURE(InTime, "a nursery on another reactor") {
  reactors::VirtualTime other_time;
  Reactor other{other_time};
  Nursery nursery(other);
  int ended = 0;
  nursery.spawn([&]() -> Task<> {
    co_await Pause{1ms};
    ++ended;
  });
  auto waiting = spawn(reactor, [&]() -> Task<> { co_await nursery; });
  time.run_until_idle();
  CHECK(!waiting.done());
  other_time.run_until_idle();
  time.run_until_idle();

  CHECK(ended == 1);
  CHECK(waiting.done());
}

namespace {

Task<> nest(int left, int& deepest) {
  if (left == 0) {
    ++deepest;
    co_await Pause{1h};
    co_return;
  }
  co_await with_nursery([&](Nursery& nursery) -> Task<> {
    nursery.spawn(nest(left - 1, deepest));
    co_return;
  });
}
constexpr int depth = million / 10;

/// Lets them begin, one a turn.
void begin_all(Reactor& reactor, const int& deepest) {
  while (deepest == 0) reactor.backend().run_once(false);
}

}  // namespace

TEST_CASE_FIXTURE(InTime, "nurseries in each other, deep, are cancelled without recursion") {
  int deepest = 0;
  auto owner = spawn(reactor, nest(depth, deepest));
  begin_all(reactor, deepest);

  owner.task().cancel();
  time.advance(1ms);

  CHECK(owner.done());
  CHECK(reactor.task_count() == 0);
  CHECK(std::move(owner).deferred().result().check<Cancelled>());
}

TEST_CASE_FIXTURE(InTime, "nurseries in each other, deep, are closed without recursion") {
  int deepest = 0;
  auto owner = spawn(reactor, nest(depth, deepest));
  begin_all(reactor, deepest);

  owner.task().close();

  CHECK(owner.done());
  CHECK(reactor.task_count() == 0);
  std::move(owner).detach();
}

TEST_CASE("nurseries in each other, deep, end with the reactor") {
  int deepest = 0;
  {
    InTime loop;
    spawn(loop.reactor, nest(depth, deepest));
    begin_all(loop.reactor, deepest);
  }
  CHECK(deepest == 1);
}

TEST_CASE_FIXTURE(InTime, "thousands of Nursery objects in each other are destroyed") {
  constexpr int objects = million / 200;  // their destructors nest
  int ended = 0;
  const std::function<Task<>(int)> own = [&](int left) -> Task<> {
    const AtEnd noted([&] { ++ended; });
    Nursery nursery;
    if (left > 1) nursery.spawn(own, left - 1);
    co_await nursery;
    co_await Pause{1h};
  };
  {
    Nursery outermost(reactor);
    outermost.spawn(own, objects);
    while (reactor.task_count() < objects) reactor.backend().run_once(false);
    reactor.backend().run_once(false);
  }

  CHECK(ended == objects);
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(InTime, "a million children of one nursery are cancelled, and closed") {
  for (const bool cancelled : {true, false}) {
    auto owner = spawn(reactor, []() -> Task<> {
      co_await with_nursery([](Nursery& nursery) -> Task<> {
        for (int i = 0; i < million; ++i) nursery.spawn(Pause{1h});
        co_return;
      });
    });
    time.advance(1ms);
    CHECK(reactor.task_count() == million + 1);

    if (cancelled) {
      owner.task().cancel();
    } else {
      owner.task().close();
    }
    time.advance(1ms);

    CHECK(owner.done());
    CHECK(reactor.task_count() == 0);
    std::move(owner).detach();
  }
}
