// SPDX-License-Identifier: MIT
//
// Composed programs over Deferreds: chains, limits, sharing, coroutines that return Deferreds.
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/explore_cancel/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

/// A source of Deferreds, each answered a millisecond after it was made; knows its cancels.
struct Source {
  explicit Source(CutRun& of) : run(of) {}
  Deferred<int> next(int value) {
    const std::size_t index = calls.size();
    auto [promise, deferred] = make_deferred<int>([this, index] {
      ++cancels;
      calls[index].cancel();
    });
    calls.push_back(
        run.reactor().call_later(1ms, [this, value, promise = std::move(promise)]() mutable {
          ++answers;
          promise.callback(value);
        }));
    ++made;
    return std::move(deferred);
  }

  CutRun& run;
  int made = 0, answers = 0, cancels = 0;
  std::vector<DelayedCall> calls;
};

Task<> chain(CutRun& run) {
  auto& source = run.keep<Source>(run);
  const DestroyedOnce counted(run);
  Deferred<int> made = source.next(1)
                           .add_callback([&source, counted](int n) { return source.next(n + 1); })
                           .add_callback([counted](int n) { return n + 1; })
                           .add_errback([counted](const TimeoutError&) { return 0; });
  const int got = co_await std::move(made);
  must(got == 3, "a chain gives another value");
  co_await some_time();
}

Task<> chain_that_answers_a_cancel(CutRun& run) {
  auto& source = run.keep<Source>(run);
  const DestroyedOnce counted(run);
  Deferred<int> made = source.next(1).add_errback([counted](const Cancelled&) { return -1; });
  const int got = co_await std::move(made);
  must(got == 1 || run.cut(), "an errback is called without an error");
  co_await some_time();
}

Task<> limited(CutRun& run) {
  auto& source = run.keep<Source>(run);
  must(co_await add_timeout(source.next(1), 1h) == 1, "a limit changes the value");
  run.may_fail_with<TimeoutError>();
  auto [promise, never] = make_deferred<int>();
  co_await add_timeout(std::move(never), 1ms);
}

Task<> paused(CutRun& run) {
  auto& source = run.keep<Source>(run);
  Deferred<int> held = source.next(1);
  held.pause();
  auto& kept = run.keep<std::optional<Deferred<int>>>(std::move(held));
  const DelayedCall goes_on = run.reactor().call_later(5ms, [&kept] { kept->unpause(); });
  co_await Pause{3ms};
  co_await some_time();
  co_await Pause{5ms};
  must(co_await std::move(*kept) == 1, "a paused Deferred gives another value");
}

/// A coroutine that a callback API calls.
Deferred<int> doubled(CutRun& run, Source& source, int n) {
  const DestroyedOnce counted(run);
  const int once = co_await source.next(n);
  const int twice = co_await source.next(n);
  co_return once + twice;
}
Task<> coroutines(CutRun& run) {
  auto& source = run.keep<Source>(run);
  must(co_await doubled(run, source, 2) == 4, "a coroutine gives another value");
  Deferred<int> chained = doubled(run, source, 1).add_callback([&run, &source](int n) {
    return doubled(run, source, n);
  });
  const int got = co_await std::move(chained);
  must(got == 4, "coroutines in a chain give another value");
}

/// It makes a value of a cancel, and is waited for.
Deferred<int> makes_do(CutRun& run, Source& source) {
  const DestroyedOnce counted(run);
  bool cancelled = false;
  try {
    co_return co_await source.next(1);
  } catch (const Cancelled&) {
    cancelled = true;
  }
  co_await Pause{1ms};
  co_return cancelled ? -1 : 0;
}
Task<> answer_follows(CutRun& run) {
  auto& source = run.keep<Source>(run);
  const int got = co_await makes_do(run, source);
  must(got == 1 || (got == -1 && run.cut()), "a coroutine that makes do gives another value");
  co_await some_time();
}

Task<> canceller_that_follows(CutRun& run) {
  struct Asked {
    Promise<int> promise;
    DelayedCall answer;
  };
  auto& asked = run.keep<Asked>();
  auto [promise, deferred] = make_deferred<int>([&] {
    asked.answer = run.reactor().call_later(1ms, [&] { asked.promise.callback(-1); });
    return Cancelling::answer_follows;
  });
  asked.promise = std::move(promise);
  asked.answer = run.reactor().call_later(2ms, [&] { asked.promise.callback(1); });
  const int got = co_await std::move(deferred);
  must(got == 1 || (got == -1 && run.cut()), "an answer to a cancel is another value");
  co_await some_time();
}

Task<> shared_by_children(CutRun& run) {
  auto& source = run.keep<Source>(run);
  const SharedDeferred<int> shared = source.next(1).share();
  const auto reads = [](CutRun& of, SharedDeferred<int> value) -> Task<int> {
    const DestroyedOnce counted(of);
    co_return co_await value;
  };
  Spawned<int> one = spawn(reads, std::ref(run), shared);
  Spawned<int> other = spawn(reads, std::ref(run), shared);
  const int sum = co_await shared + co_await std::move(one) + co_await std::move(other);
  must(sum == 3, "readers get other values");
}

Task<> chained_promises(CutRun& run) {
  auto& source = run.keep<Source>(run);
  auto [promise, deferred] = make_deferred<int>();
  source.next(4).chain(std::move(promise));
  must(co_await std::move(deferred) == 4, "a chained Deferred gives another value");
  co_await some_time();
}

Task<> fails_and_recovers(CutRun& run) {
  auto& source = run.keep<Source>(run);
  const DestroyedOnce counted(run);
  Deferred<int> made =
      source.next(1)
          .add_callback([counted](int) -> int { throw std::runtime_error("no"); })
          .add_errback([&source](const std::runtime_error&) { return source.next(2); });
  const int got = co_await std::move(made);
  must(got == 2, "an errback's Deferred gives another value");
  co_await some_time();
}

}  // namespace

Programs callback_programs() {
  return {
      {"a chain of callbacks, one of which waits", chain},
      {"an errback that answers a cancel", chain_that_answers_a_cancel},
      {"add_timeout, in time and late", limited},
      {"a Deferred that is paused", paused},
      {"coroutines that return Deferreds", coroutines},
      {"a coroutine that makes a value of a cancel", answer_follows},
      {"a canceller whose answer follows", canceller_that_follows},
      {"children that share a Deferred", shared_by_children},
      {"a Deferred chained to a promise", chained_promises},
      {"an errback that waits", fails_and_recovers},
  };
}

}  // namespace deferred::testing
