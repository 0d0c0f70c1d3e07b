// SPDX-License-Identifier: MIT
//
// What is called later, and again and again; futures.
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "deferred/testing/manual_pool.hpp"
#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

/// A loop that was made; nothing if there is no memory for it.
template <class F>
std::optional<LoopingCall> loop_of(Reactor& reactor, Duration interval, F f) {
  try {
    return LoopingCall(reactor, interval, f);
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}
/// Starts it, or not for want of memory.
std::optional<Deferred<void>> started(LoopingCall& loop, bool at_once) {
  try {
    return at_once ? loop.start() : loop.start_later();
  } catch (const std::bad_alloc&) {
    right(!loop.running(), "a loop that was not started runs");
    return std::nullopt;
  }
}
// It runs until it is stopped, or says that it has ended for want of memory.
void looping_calls(Reactor& reactor) {
  int calls = 0;
  auto loop = loop_of(reactor, 1ms, [&calls] { ++calls; });
  if (!loop) return;
  for (const bool at_once : {true, false}) {
    auto ended = started(*loop, at_once);
    if (!ended) continue;
    const int wanted = calls + 2;
    turn_until(reactor, [&] { return calls >= wanted || ended->has_result(); });
    if (loop->running()) loop->stop();
    right(ended->has_result(), "a loop that was stopped goes on");
    has_value_or_no_memory(std::move(*ended).result());
  }
}
void looping_call_that_waits(Reactor& reactor) {
  int begun = 0;
  int unwound = 0;
  const auto work = [&]() -> Task<> {
    ++begun;
    try {
      co_await Pause{1ms};
    } catch (...) {
    }
    ++unwound;
  };
  auto loop = loop_of(reactor, 1ms, work);
  if (!loop) return;
  auto ended = started(*loop, true);
  if (!ended) return;
  turn_until(reactor, [&] { return unwound >= 2 || ended->has_result(); });
  if (loop->running()) loop->reset();
  loop.reset();
  has_value_or_no_memory(end_of(reactor, std::move(*ended)));
  right(begun == unwound, "a loop ends before what it has begun");
}
void looping_call_cancelled(Reactor& reactor) {
  int given = 0;
  int asked = 0;
  Promise<int> kept;
  auto loop = loop_of(reactor, 1h, [&] {
    auto [promise, deferred] = make_deferred<int>([&asked] { ++asked; });
    kept = std::move(promise);
    ++given;
    return std::move(deferred);
  });
  if (!loop) return;
  auto ended = started(*loop, true);
  if (!ended) return;
  ended->cancel();
  right(ended->has_result(), "a cancel does not reach a loop");
  const Outcome<void> outcome = std::move(*ended).result();
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
  right(asked == given, "what a loop has begun is not cancelled with it");
}

void calls_later(Reactor& reactor) {
  int calls = 0;
  const auto body = [&]() -> Task<int> {
    co_await defer_later(1ms);
    co_return co_await defer_later(reactor, 1ms, [&calls] { return ++calls; });
  };
  has_value_or_no_memory(end_of(reactor, body), 1);
  try {
    defer_later(1h, [&calls] { ++calls; }).abandon();
  } catch (const std::bad_alloc&) {
  }
  right(calls <= 1, "what was taken back is called");
}

// A future is ready or throws, a Deferred fires; the future that is dropped is told nothing.
void futures(Reactor& reactor) {
  std::optional<std::future<std::string>> future;
  auto [promise, deferred] = [] {
    const AllocationsSucceed memory;
    return make_deferred<std::string>();
  }();
  try {
    future = to_future(std::move(deferred));
  } catch (const std::bad_alloc&) {
  }
  try {
    promise.callback("a text that is longer than what a string holds in place");
  } catch (const std::bad_alloc&) {
    promise.errback(1);
  }
  if (!future) return;
  ManualPool pool;
  Deferred<std::string> back;
  try {
    back = from_future(reactor, pool, std::move(*future));
  } catch (const std::bad_alloc&) {
    return;
  }
  for (int i = 0; i != 4; ++i) {
    turns(reactor, 1);
    pool.run_all();
  }
  right(back.has_result(), "what a future gives is lost");
  const Outcome<std::string> outcome = std::move(back).result();
  right(out_of_memory(outcome) || (allocation_failed() && outcome.check<int>()) ||
            (outcome.has_value() && outcome->size() > 20),
        "a future gives another value");
}
void future_that_throws(Reactor&) {
  std::optional<std::future<int>> future;
  try {
    future = to_future(fail<int>(std::logic_error("an error that is long enough for it")));
  } catch (const std::bad_alloc&) {
    return;
  }
  try {
    future->get();
    right(false, "a future that should throw does not");
  } catch (const std::bad_alloc&) {
    right(allocation_failed(), "no memory, without reason");
  } catch (const std::logic_error& error) {
    right(std::string_view(error.what()).starts_with("an error"), "another error");
  }
}
void future_of_a_task(Reactor& reactor) {
  int ran = 0;
  Spawned<int> spawned = spawn(reactor, [&]() -> Task<int> {
    co_await Pause{};
    co_return ++ran;
  });
  try {
    std::future<int> future = to_future(std::move(spawned));
    turns(reactor, 3);
    right(future.get() == 1, "what a task gives is lost");
  } catch (const std::bad_alloc&) {
    turns(reactor, 3);
    right(ran == 0, "a task goes on whose result nobody gets");
  }
}

}  // namespace

Programs call_programs() {
  return {
      {"LoopingCall",
       {"deferred::LoopingCall::LoopingCall()", "deferred::LoopingCall::start()",
        "deferred::LoopingCall::start_later()", "deferred::LoopingCall::stop()",
        "deferred::LoopingCall::running()"},
       &looping_calls},
      {"LoopingCall of a task", {"deferred::LoopingCall::reset()"}, &looping_call_that_waits},
      {"defer_later", {"deferred::defer_later()"}, &calls_later},
      {"LoopingCall, cancelled", {"deferred::LoopingCall::start()"}, &looping_call_cancelled},
      {"to_future and from_future", {"deferred::to_future()", "deferred::from_future()"}, &futures},
      {"to_future of a failure", {"deferred::to_future()"}, &future_that_throws},
      {"to_future of a task", {"deferred::to_future()"}, &future_of_a_task},
  };
}

}  // namespace deferred::testing
