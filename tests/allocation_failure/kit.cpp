// SPDX-License-Identifier: MIT
//
// with_allocation_failures finds what it says it finds.
#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/deferred.hpp"
#include "deferred/testing/allocation_failure.hpp"
#include "reactors/virtual_time.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

// Not to be left out by an optimizer, as what makes an object and drops it may be.
void allocate() { ::operator delete(::operator new(8)); }

void turn(Reactor& reactor) { reactor.backend().run_once(false); }

/// The faults of a function that leaves `what` behind when an allocation fails.
template <class F>
std::vector<std::string> faults_of(F what) {
  return with_allocation_failures([&](Reactor& reactor) {
           try {
             allocate();
           } catch (const std::bad_alloc&) {
             const AllocationsSucceed memory;
             what(reactor);
           }
         })
      .faults;
}
bool each_has(const std::vector<std::string>& faults, const std::string& text) {
  for (const std::string& fault : faults) {
    CHECK_MESSAGE(fault.find(text) != std::string::npos, fault);
  }
  return faults.size() == 2;  // once, and from then on
}

}  // namespace

TEST_CASE("each allocation fails once, and then all from it on") {
  std::vector<std::string> ran;
  ran.reserve(10);
  const auto report = with_allocation_failures([&](Reactor&) {
    std::string made;
    for (const char letter : {'a', 'b', 'c'}) {
      try {
        allocate();
        made += letter;
      } catch (const std::bad_alloc&) {
      }
    }
    const AllocationsSucceed memory;
    ran.push_back(made);
  });

  CHECK(report.allocations == 3);
  CHECK(report.runs == 6);
  CHECK(report.faults.empty());
  const std::vector<std::string> expected = {"abc", "bc", "ac", "ab", "abc", "", "a", "ab", "abc"};
  std::vector<std::string> kept(ran.begin(), ran.end());
  CHECK(kept == expected);
}

TEST_CASE("all ways to ask for memory fail") {
  int failed = 0;
  const auto report = with_allocation_failures([&](Reactor&) {
    const auto tries = [&](auto allocate, auto give_back) {
      try {
        void* const memory = allocate();
        if (!memory) ++failed;
        give_back(memory);
      } catch (const std::bad_alloc&) {
        ++failed;
      }
    };
    constexpr std::align_val_t wide{64};
    const auto one = [](void* memory) { ::operator delete(memory); };
    const auto many = [](void* memory) { ::operator delete[](memory); };
    const auto wide_one = [](void* memory) { ::operator delete(memory, wide); };
    const auto wide_many = [](void* memory) { ::operator delete[](memory, wide); };
    tries([] { return ::operator new(8); }, one);
    tries([] { return ::operator new[](8); }, many);
    tries([] { return ::operator new(8, std::nothrow); }, one);
    tries([] { return ::operator new[](8, std::nothrow); }, many);
    tries([] { return ::operator new(8, wide); }, wide_one);
    tries([] { return ::operator new[](8, wide); }, wide_many);
    tries([] { return ::operator new(8, wide, std::nothrow); }, wide_one);
    tries([] { return ::operator new[](8, wide, std::nothrow); }, wide_many);
  });

  CHECK(report.allocations == 8);
  CHECK(failed == 8 + 8 * 9 / 2);
  CHECK(report.faults.empty());
}

TEST_CASE("what is left behind is a fault, named with the allocation that failed") {
  CHECK(each_has(faults_of([](Reactor& reactor) { reactor.call_later(1h, [] {}).detach(); }),
                 "allocation 0"));
  CHECK(each_has(faults_of([](Reactor& reactor) { reactor.call_later(1h, [] {}).detach(); }),
                 "it leaves behind 1 timers"));
  CHECK(each_has(faults_of([](Reactor& reactor) { spawn(reactor, Pause{1h}); }),
                 "it leaves behind 1 tasks, 1 timers: task #1 waiting on Pause"));
  CHECK(each_has(faults_of([](Reactor&) { static_cast<void>(::dup(0)); }),
                 "it leaves open descriptor "));
}

TEST_CASE("memory that is left is a fault") {
  std::vector<std::unique_ptr<char[]>> leaked;
  {
    const AllocationsSucceed memory;
    leaked.reserve(10);
  }

  const auto faults = faults_of([&](Reactor&) { leaked.push_back(std::make_unique<char[]>(100)); });

  CHECK(each_has(faults, "bytes allocated"));
}

TEST_CASE("what the library recycles elsewhere is memory that is left, or that fails") {
  const auto report = with_allocation_failures([](Reactor& reactor) {
    bool called = false;
    reactor.post([&] { called = true; });
    turn(reactor);
    reactor.post([&] { called = true; });  // of the same size
    turn(reactor);
  });

  CHECK(report.allocations == 2);
  CHECK(report.faults.empty());
}

TEST_CASE("an error that is no bad_alloc is a fault, and so is a bad_alloc that nothing gave") {
  CHECK(each_has(faults_of([](Reactor&) { throw std::logic_error("a check fails"); }),
                 "allocation 0"));
  const auto faults = with_allocation_failures([](Reactor&) { throw std::bad_alloc(); }).faults;
  CHECK(faults.front() == "nothing fails: it throws std::bad_alloc");
}

TEST_CASE("an unhandled failure is a fault, unless it comes of the allocation that failed") {
  const auto leave = [](auto error) { return [error](Reactor&) { fail<void>(error).detach(); }; };

  CHECK(each_has(faults_of(leave(std::logic_error("unhandled"))), "unhandled"));
  CHECK(faults_of(leave(std::bad_alloc())).empty());
}

// Without memory its name could not be made, and so nobody heard of it.
TEST_CASE("an unhandled failure is a fault while there is no memory") {
  using Texts = std::vector<std::string>;
  const auto loses = [](Reactor&) {
    std::optional<Deferred<Texts>> lost;
    {
      const AllocationsSucceed memory;
      lost.emplace(fail<Texts>(std::logic_error("unhandled")));
    }
    try {
      allocate();
      const AllocationsSucceed memory;
      std::move(*lost).add_errback([](const Failure&) { return Texts(); }).detach();
    } catch (const std::bad_alloc&) {
    }
  };

  CHECK(each_has(with_allocation_failures(loses).faults, "unhandled"));
}

TEST_CASE("an unhandled failure is a fault at the reactor's end too") {
  const auto leave = [](Reactor& reactor) {
    const auto kept = std::make_shared<Deferred<int>>(fail<int>(std::logic_error("unhandled")));
    reactor.at_shutdown(Phase::after, [kept] {}).detach();
  };

  CHECK(each_has(faults_of(leave), "unhandled"));
}

TEST_CASE("a reactor that does not go on is a fault") {
  class Sleeps final : public Backend {
   public:
    TimePoint now() noexcept override { return {}; }
    void arm(TimePoint) noexcept override {}
    void wake() noexcept override {}
    void watch(int, Ready, IoHandler&) override {}
    void rewatch(int, Ready) override {}
    void unwatch(int) noexcept override {}
    void run_once(bool) override {}
  };

  const auto report = with_allocation_failures([](Reactor&) {},
                                               {.make = [] { return std::make_unique<Sleeps>(); }});

  REQUIRE(!report.faults.empty());
  CHECK(report.faults.front().find("the reactor does not go on: what does not come is a post, ") !=
        std::string::npos);
}

TEST_CASE("a function that allocates without end is a fault") {
  const auto report = with_allocation_failures(
      [](Reactor&) {
        for (int i = 0; i != 50; ++i) {
          try {
            allocate();
          } catch (const std::bad_alloc&) {
          }
        }
      },
      {.from_then_on = false, .most = 20});

  CHECK(report.runs == 20);
  CHECK(report.faults == std::vector<std::string>{"it has made 20 allocations, and goes on"});
}

TEST_CASE("the summary says how many, and names the faults") {
  AllocationFailureReport report;
  report.allocations = 3;
  report.runs = 6;
  report.faults = {"one fault"};

  CHECK(report.summary() == "3 allocations, 6 runs, 1 faults\n  one fault");
}
