// SPDX-License-Identifier: MIT
//
// Yieldables that keep the law pass check_yieldable: the library's, decorators, coroutines.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "deferred/deferred.hpp"
#include "deferred/testing/check_yieldable.hpp"
#include "deferred/testing/manual_pool.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

template <class F>
void passes(F make, const CheckYieldableOptions& options = {}) {
  const auto report = check_yieldable(make, options);
  CHECK_MESSAGE(report.faults.empty(), report.summary());
  CHECK(report.runs > 10);
}
CheckYieldableOptions once() {
  CheckYieldableOptions options;
  options.again = false;
  return options;
}

/// Answered in a millisecond; cancelled before, it is not.
struct Operation {
  std::optional<Promise<int>> promise;
  DelayedCall answers;
};
Deferred<int> begin_operation(CutRun& run) {
  auto& operation = run.keep<Operation>();
  auto [promise, deferred] = make_deferred<int>([&operation] { operation.answers.cancel(); });
  operation.promise.emplace(std::move(promise));
  operation.answers =
      run.reactor().call_later(1ms, [&operation] { operation.promise->callback(7); });
  return std::move(deferred);
}

/// As in samples/decorator.cpp.
template <class Y>
class Counted {
 public:
  Counted(int& waits, Y&& x) : waits_(waits), x_(std::forward<Y>(x)) {}

  class Wait {
   public:
    Wait(int& waits, Y&& x, Waiter<AwaitedResult<Y>> waiter)
        : waits_(++waits), wait_(deferred::yield_to(std::forward<Y>(x), std::move(waiter))) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() { --waits_; }
    Cancelling request_cancel() { return wait_.request_cancel(); }

   private:
    int& waits_;
    Undo<Y> wait_;
  };
  Wait yield_to(Waiter<AwaitedResult<Y>> waiter) && {
    return Wait(waits_, std::forward<Y>(x_), std::move(waiter));
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  int& waits_;
  Y x_;
};

struct Both {
  Task<int> yield_to() const {
    int sum = 0;
    for (int i = 1; i < 3; ++i) {
      co_await Pause{1ms};
      sum += i;
    }
    co_return sum;
  }
};

Task<int> subtask() {
  co_await Pause{1ms};
  co_return 7;
}

}  // namespace

TEST_CASE("pauses and timers keep the law") {
  passes([](CutRun&) { return Pause{1ms}; });
  passes([](CutRun&) { return Pause{}; });
  passes([](CutRun&) { return Timer(1ms); });
  passes([](CutRun& run) -> Timer& { return run.keep<Timer>(1ms); });
  passes([](CutRun&) { return cancel_point; });
}

TEST_CASE("Deferreds keep the law") {
  passes([](CutRun& run) { return begin_operation(run); });
  passes([](CutRun& run) {
    run.may_fail_with<AbandonedError>();  // it goes on without its readers, until the run is over
    return begin_operation(run).share();
  });
  CheckYieldableOptions with_memory;  // without, a child is dropped, and goes on
  with_memory.allocations = false;
  passes([](CutRun& run) { return spawn(run.reactor(), subtask()); }, with_memory);
  passes([](CutRun&) { return succeed(7); });
}

TEST_CASE("readiness keeps the law") {
  struct Pipe {
    Pipe() {
      if (::pipe(ends.data()) != 0) throw std::bad_alloc();
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
      ::close(ends[0]);
      ::close(ends[1]);
    }
    std::array<int, 2> ends{};
    DelayedCall writes;
  };

  passes([](CutRun& run) {
    auto& pipe = run.keep<Pipe>();
    pipe.writes = run.reactor().call_later(1ms, [&pipe] {
      if (::write(pipe.ends[1], "x", 1) != 1) throw std::runtime_error("write");
    });
    return Readable{pipe.ends[0]};
  });
  passes([](CutRun& run) { return Writable{run.keep<Pipe>().ends[1]}; });
}

TEST_CASE("a Reply, which is awaited once, keeps the law") {
  struct Asked {
    std::optional<ReplySender<int>> sender;
    DelayedCall answers;
  };

  passes(
      [](CutRun& run) -> Reply<int>& {
        auto& asked = run.keep<Asked>();
        auto& reply = run.keep<Reply<int>>();
        asked.sender.emplace(reply.send());
        asked.answers = run.reactor().call_later(1ms, [&asked] { (*asked.sender)(7); });
        return reply;
      },
      once());
}

TEST_CASE("decorators keep the law, around what is kept and what is given away") {
  passes([](CutRun&) { return with_timeout(1h, Pause{1ms}); });
  passes([](CutRun& run) { return with_timeout(1h, begin_operation(run)); });
  passes([](CutRun&) { return as_outcome(with_timeout(1ms, Pause{1h})); });
  passes([](CutRun& run) {
    int& waits = run.keep<int>(0);
    run.at_end([&waits] { must(waits == 0, "a wait is not undone"); });
    return Counted<Deferred<int>>(waits, begin_operation(run));
  });
  passes([](CutRun&) { return Value(Pause{1ms}); });
}

TEST_CASE("what is a coroutine keeps the law") {
  passes([](CutRun&) { return subtask(); });
  passes([](CutRun&) { return Both(); });
  passes([](CutRun&) { return shield(subtask()); });
  passes([](CutRun&) { return move_on_after(1ms, Pause{1h}); });
  passes([](CutRun&) {
    return with_nursery([](Nursery& nursery) -> Task<int> {
      nursery.spawn(Pause{2ms});
      co_return co_await nursery.spawn(subtask());
    });
  });
}

TEST_CASE("work in a thread keeps the law") {
  struct Work {
    ManualPool pool;
    DelayedCall runs;
  };

  passes(
      [](CutRun& run) {
        auto& work = run.keep<Work>();
        work.runs = run.reactor().call_later(1ms, [&work] { work.pool.run_all(); });
        return in_thread(work.pool, [] { return 7; });
      },
      once());
}

TEST_CASE("what is given in the documents keeps the law") {
  class Countdown {  // an undo of one's own
   public:
    explicit Countdown(int from) : from_(from) {}
    class Undo {
     public:
      Undo(int left, Waiter<std::string> waiter) : left_(left), waiter_(std::move(waiter)) {
        step();
      }
      Undo(const Undo&) = delete;
      Undo& operator=(const Undo&) = delete;

     private:
      void step() {
        if (left_-- == 0) {
          waiter_.resume("lift-off");
          return;
        }
        try {
          next_ = waiter_.reactor().call_later(1s, [this] { step(); });
        } catch (...) {  // without memory nobody would hear of it
          waiter_.throw_(Failure::current());
        }
      }
      int left_;
      Waiter<std::string> waiter_;
      DelayedCall next_;
    };
    Undo yield_to(Waiter<std::string> waiter) const { return Undo(from_, std::move(waiter)); }

   private:
    int from_;
  };

  passes([](CutRun&) { return Countdown(3); });
}
