// SPDX-License-Identifier: MIT
//
// KJ, the promises of Cap'n Proto. They run through its event loop, so each work ends in wait().
// The packaged release has no coroutines: its like of a microthread is a detached promise, its like
// of a yield is evalLater.
#include <kj/async.h>
#include <kj/exception.h>
#include <kj/timer.h>

#include <cstdlib>
#include <optional>
#include <vector>

#include "bench.hpp"
#include "posts.hpp"

namespace {

kj::Exception failed() { return kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__); }

void chain(bench::Program& program, kj::WaitScope& scope) {
  const auto handle = [](int k) {
    return [k](kj::Exception&& e) {
      return e.getType() == kj::Exception::Type::FAILED ? k : throw kj::mv(e);
    };
  };
  program.each("W1", [&] {
    auto pair = kj::newPromiseAndFulfiller<int>();
    const int k = bench::opaque(1);
    auto end = pair.promise.then([k](int v) { return v + k; })
                   .then([k](int v) { return v ^ k; })
                   .then([k](int v) { return v + k; });
    pair.fulfiller->fulfill(int{k});
    bench::keep(end.wait(scope));
  });
  program.each("chain-8", [&] {
    auto pair = kj::newPromiseAndFulfiller<int>();
    const int k = bench::opaque(1);
    auto end = pair.promise.then([k](int v) { return v + k; })
                   .then([k](int v) { return v ^ k; })
                   .then([k](int v) { return v + k; })
                   .then([k](int v) { return v ^ k; })
                   .then([k](int v) { return v + k; })
                   .then([k](int v) { return v ^ k; })
                   .then([k](int v) { return v + k; })
                   .then([k](int v) { return v ^ k; });
    pair.fulfiller->fulfill(int{k});
    bench::keep(end.wait(scope));
  });
  program.each("W1b", [&] {
    const int k = bench::opaque(1);
    bench::keep(kj::Promise<int>(k)
                    .then([k](int v) { return v + k; })
                    .then([k](int v) { return v ^ k; })
                    .then([k](int v) { return v + k; })
                    .wait(scope));
  });
  program.each(
      "W1c",
      [&] {
        auto pair = kj::newPromiseAndFulfiller<int>();
        const int k = bench::opaque(1);
        auto end = pair.promise.then([k](int v) { return v + k; })
                       .then([k](int v) { return v ^ k; })
                       .catch_(handle(k));
        pair.fulfiller->reject(failed());
        bench::keep(end.wait(scope));
      },
      "one exception type, told by its kind");
  program.each("W1c-throw",
               [&] {
                 auto pair = kj::newPromiseAndFulfiller<int>();
                 const int k = bench::opaque(1);
                 auto end = pair.promise.then([](int) -> int { kj::throwFatalException(failed()); })
                                .then([k](int v) { return v ^ k; })
                                .catch_(handle(k));
                 pair.fulfiller->fulfill(int{k});
                 bench::keep(end.wait(scope));
               },
               "takes a stack trace", {0, 200});
}

kj::Promise<void> yielding(std::size_t left) {
  if (left == 0) return kj::READY_NOW;
  return kj::evalLater([left] { return yielding(left - 1); });
}

void tasks(bench::Program& program, kj::WaitScope& scope) {
  const auto switches = [&scope](std::size_t tasks) {
    return [tasks, &scope](std::size_t n) {
      auto all = kj::heapArrayBuilder<kj::Promise<void>>(tasks);
      for (std::size_t i = 0; i != tasks; ++i) all.add(yielding(n / tasks));
      kj::joinPromises(all.finish()).wait(scope);
    };
  };
  program.batch("W4", switches(2), "evalLater");
  program.batch("W4-1000", switches(1'000), "evalLater", {1'000'000, 100'000});
  program.batch(
      "W5",
      [&scope](std::size_t n) {
        for (std::size_t done = 0; done < n; done += 100) {
          for (int i = 0; i != 100; ++i) kj::evalLater([] {}).detach([](kj::Exception&&) {});
          scope.poll();
        }
      },
      "evalLater, detached; 100 a turn");
  struct Ignored : kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override { std::abort(); }
  } ignored;
  program.batch(
      "nursery-spawn",
      [&](std::size_t n) {
        kj::TaskSet set(ignored);
        for (std::size_t done = 0; done < n; done += 100) {
          for (int i = 0; i != 100; ++i) set.add(kj::evalLater([] {}));
          scope.poll();
        }
      },
      "TaskSet of evalLater; 100 a turn");
}

void joins(bench::Program& program, kj::WaitScope& scope) {
  program.each(
      "race",
      [&] {
        kj::evalLater([] { return 1; }).exclusiveJoin(kj::Promise<int>(kj::NEVER_DONE)).wait(scope);
      },
      "exclusiveJoin of evalLater and NEVER_DONE");
  program.each(
      "all",
      [&] {
        auto both = kj::heapArrayBuilder<kj::Promise<void>>(2);
        both.add(kj::evalLater([] {}));
        both.add(kj::evalLater([] {}));
        kj::joinPromises(both.finish()).wait(scope);
      },
      "joinPromises of evalLater");
}

void timers(bench::Program& program, kj::WaitScope& scope) {
  const auto delays = bench::random_delays(bench::many_timers);
  const bench::Ops all{bench::many_timers, bench::many_timers};
  const auto ns = [](std::chrono::nanoseconds d) { return d.count() * kj::NANOSECONDS; };
  kj::TimerImpl timer(kj::origin<kj::TimePoint>());
  program.each("W6-alone", [&] {
    auto waiting = timer.afterDelay(bench::opaque(std::int64_t{1'000'000}) * kj::NANOSECONDS);
    bench::keep(waiting);
  });
  std::vector<kj::Promise<void>> waiting;
  waiting.reserve(delays.size());
  program.batch(
      "W6-cancel",
      [&](std::size_t n) {
        for (std::size_t i = 0; i != n; ++i) waiting.push_back(timer.afterDelay(ns(delays[i])));
        for (std::size_t i = 0; i != n; ++i) auto dropped = kj::mv(waiting[i]);
        waiting.clear();
      },
      "", all);
  program.batch(
      "W6-fire",
      [&](std::size_t n) {
        std::size_t fired = 0;
        for (std::size_t i = 0; i != n; ++i) {
          waiting.push_back(
              timer.afterDelay(ns(delays[i])).then([&fired] { ++fired; }).eagerlyEvaluate(nullptr));
        }
        timer.advanceTo(timer.now() + 1 * kj::SECONDS);
        scope.poll();
        waiting.clear();
        if (fired != n) std::abort();
      },
      "its clock put forward by hand", all);
}

// W7. Each message is answered with a promise, which the sender keeps; its own loop takes them in
// at the end.
void posts(bench::Program& program, kj::WaitScope& scope) {
  const kj::Executor& executor = kj::getCurrentThreadExecutor();
  const auto send_all = [&executor](std::size_t n, auto& arrived) {
    kj::EventLoop loop;
    kj::WaitScope scope(loop);
    auto answers = kj::heapArrayBuilder<kj::Promise<void>>(n);
    for (std::size_t i = 0; i != n; ++i)
      answers.add(executor.executeAsync([&arrived] { arrived(); }));
    kj::joinPromises(answers.finish()).wait(scope);
  };
  program.batch("W7",
                [&](std::size_t n) {
                  auto all_arrived = kj::newPromiseAndFulfiller<void>();
                  std::size_t missing = n;
                  const auto arrived = [&] {
                    if (--missing == 0) all_arrived.fulfiller->fulfill();
                  };
                  bench::CountedThread sender([&] { send_all(n, arrived); });
                  all_arrived.promise.wait(scope);
                  // The last answers may be under way: this loop has no part in them any more.
                  sender.join();
                },
                "executeAsync, whose promises are kept and waited for", {5'000, 5'000});
  program.batch("W7-rtt",
                [&](std::size_t n) {
                  const bench::OnOneCore on_one_core;
                  auto all_arrived = kj::newPromiseAndFulfiller<void>();
                  std::size_t missing = n;
                  const auto arrived = [&] {
                    if (--missing == 0) all_arrived.fulfiller->fulfill();
                  };
                  bench::CountedThread sender([&] {
                    for (std::size_t i = 0; i != n; ++i)
                      executor.executeSync([&arrived] { arrived(); });
                  });
                  all_arrived.promise.wait(scope);
                  sender.join();
                },
                "executeSync", {1'000, 1'000});
}

}  // namespace

int main(int argc, char** argv) {
  bench::Program program(argc, argv, "kj");
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  chain(program, scope);
  tasks(program, scope);
  joins(program, scope);
  timers(program, scope);
  posts(program, scope);
}
