// SPDX-License-Identifier: MIT
//
// Programs that await what is called later, and again and again.
#include <future>
#include <optional>
#include <utility>

#include "deferred/testing/manual_pool.hpp"
#include "tests/explore_cancel/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

// However the wait for it is cut, the loop has ended then.
Task<> looping(CutRun& run) {
  const DestroyedOnce counted(run);
  auto& calls = run.keep<int>(0);
  LoopingCall loop(1ms, [&calls, counted](std::uint64_t ticks) {
    calls += static_cast<int>(ticks);
    if (calls == 3) throw 3;
  });
  run.may_fail_with<int>();
  const Outcome<void> outcome = co_await as_outcome(loop.start());
  must(!loop.running(), "a loop goes on that nobody waits for");
  must(run.cut() || outcome.check<int>(), "a loop ends with another error");
  co_await some_time();
}

// What it has begun is cancelled, or waited for.
Task<> looping_task(CutRun& run) {
  struct Work {
    std::optional<LoopingCall> loop;
    int begun = 0, unwound = 0;
  };
  struct Unwinds {
    explicit Unwinds(int& count) : counted(count) {}
    Unwinds(const Unwinds&) = delete;
    Unwinds& operator=(const Unwinds&) = delete;
    ~Unwinds() { ++counted; }
    int& counted;
  };
  auto& work = run.keep<Work>();
  work.loop.emplace(run.reactor(), 2ms, [&work, &run]() -> Task<> {
    const DestroyedOnce counted(run);
    ++work.begun;
    const Unwinds unwinds(work.unwound);
    co_await some_time();
    if (work.begun == 2) work.loop->stop();
    co_await some_time();
  });
  run.at_end([&] { must(work.begun == work.unwound, "work is left that nobody waits for"); });
  co_await work.loop->start();
  must(work.begun == 2 || run.cut(), "a loop ends early");
  must(work.begun == work.unwound, "a loop ends before what it has begun");
  co_await some_time();
}

// What was put off is taken back with the wait for it, or has been called.
Task<> later(CutRun& run) {
  const DestroyedOnce counted(run);
  auto& calls = run.keep<int>(0);
  const auto begun = [&calls, &run, counted] {
    ++calls;
    return to_deferred(run.reactor(), Pause{1ms}).add_callback([] { return 7; });
  };
  co_await defer_later(1ms);
  Deferred<int> made = defer_later(1ms, begun);
  const int got = co_await std::move(made);
  must(calls == 1 && got == 7, "defer_later() gives another value");
  co_await some_time();
}

// The future is waited for by nobody afterwards, or has been asked.
Task<> future(CutRun& run) {
  struct Asked {
    ManualPool pool;
    std::promise<int> promise;
    DelayedCall answers;
  };
  auto& asked = run.keep<Asked>();
  asked.answers = run.reactor().call_later(1ms, [&asked] {
    asked.promise.set_value(5);
    asked.pool.run_all();
  });
  run.at_end([&] { must(asked.pool.queued() == 0, "a future is waited for by nobody"); });
  const int got = co_await from_future(asked.pool, asked.promise.get_future());
  must(got == 5, "a future gives another value");
  std::future<int> again = to_future(succeed(got));
  must(again.get() == 5, "a future gives another value");
  co_await some_time();
}

}  // namespace

Programs call_programs() {
  return {
      {"a LoopingCall that fails", looping},
      {"a LoopingCall of tasks, stopped", looping_task},
      {"defer_later, of what waits", later},
      {"a std::future", future},
  };
}

}  // namespace deferred::testing
