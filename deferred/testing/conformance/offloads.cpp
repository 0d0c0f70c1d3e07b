// SPDX-License-Identifier: MIT
// Functions in a pool of threads, calls that block a thread, and tasks on another thread's reactor:
// what other threads ask of a reactor, as a user writes it.
#include <future>

#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/threads/blocking_call_from_thread.hpp"
#include "deferred/threads/defer_to_thread.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

int twice(int number) { return 2 * number; }
int fail_with(const std::string& text) { throw std::runtime_error(text); }

const ConformanceCase cases_of_offloads[] = {
    {"a function in a thread gives its result to the task that waits", threads,
     [](Context& c) {
       ThreadPool pool(2);
       const int got = c.run([&pool](Context&) -> Task<int> {
         const int result = co_await in_thread(pool, twice, 21);
         co_return result;
       });
       c.equal(got, 42, "the result");
     }},
    {"a function in a thread that throws, throws where it is awaited", threads,
     [](Context& c) {
       ThreadPool pool(1);
       const std::string said = c.run([&pool](Context&) -> Task<std::string> {
         const auto outcome = co_await as_outcome(in_thread(pool, fail_with, "from a thread"));
         co_return what_of(outcome);
       });
       c.equal(said, "from a thread", "what is thrown");
     }},
    {"timers and descriptors go on while a function runs in a thread",
     threads | descriptors | real_time,
     [](Context& c) {
       ThreadPool pool(1);
       std::promise<void> enough;
       SocketPair pair;
       pair.write(1);
       int ticks = 0, reports = 0;
       std::function<void()> tick = [&] {
         if (++ticks == 5) {
           enough.set_value();
         } else {
           c.reactor().call_later(1ms, tick).detach();
         }
       };
       c.reactor().call_later(1ms, tick).detach();
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++reports; });
       const auto wait = [future = enough.get_future().share()] { future.wait(); };
       c.reactor().run_until(defer_to_thread(c.reactor(), pool, wait));
       c.check(ticks == 5 && reports > 0, "the function waited for both");
     }},
    {"a pool runs no more functions at once than it has threads, and all in the end", threads,
     [](Context& c) {
       ThreadPool pool(3);
       std::atomic<int> now{0}, most{0};
       const auto count = [&now, &most] {
         const int here = ++now;
         for (int seen = most; here > seen && !most.compare_exchange_weak(seen, here);) {
         }
         std::this_thread::yield();
         --now;
       };
       std::vector<Deferred<void>> all;
       for (int i = 0; i < 40; ++i) all.push_back(defer_to_thread(c.reactor(), pool, count));
       for (Deferred<void>& one : all) c.reactor().run_until(std::move(one));
       c.check(most >= 1 && most <= 3, "between one and three");
       c.equal(pool.size(), std::size_t{3}, "the size of the pool");
     },
     "threads.getThreadPool threads.suggestThreadPoolSize"},
    {"a pool that is made while the reactor runs ends before run() returns", threads,
     [](Context& c) {
       int got = 0;
       c.reactor().run([](int& result) -> Task<void> {
         ThreadPool pool(1);
         result = co_await in_thread(pool, twice, 4);
       }(got));
       c.equal(got, 8, "the result");
     },
     "threads.stopThreadPool threads.stopThreadPoolWhenStartedAfterReactorRan"},
    {"a pool with work ends although its reactor never ran", threads,
     [](Context& c) {
       std::atomic<int> calls{0};
       {
         ThreadPool pool(1);
         for (int i = 0; i < 3; ++i) {
           defer_to_thread(c.reactor(), pool, [&calls] { ++calls; }).abandon();
         }
       }
       c.check(calls <= 3, "each was called once, or never");
       c.turns(3);
     },
     "threads.cleanUpThreadPoolEvenBeforeReactorIsRun"},
    {"a reactor ends while functions run for it in threads", threads,
     [](Context& c) {
       ThreadPool pool(2);
       std::promise<void> go;
       const auto wait = [future = go.get_future().share()] { future.wait(); };
       for (int i = 0; i < 4; ++i) {
         defer_to_thread(c.reactor(), pool, wait)
             .add_errback([](const AbandonedError&) {})
             .detach();
       }
       c.turn();
       c.end_reactor();
       go.set_value();
     }},
    {"a thread blocks until the reactor has answered it", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       int got = 0;
       std::thread::id id;
       Joined asking([&got, &id, remote = reactor.remote()] {
         got = blocking_call_from_thread(remote, [&id] {
           id = std::this_thread::get_id();
           return 7;
         });
         remote.stop();
       });
       reactor.run();
       asking.join();
       c.equal(got, 7, "the answer");
       c.check(id == std::this_thread::get_id(), "given on the reactor's thread");
     }},
    {"the reactor's own thread may not block for its reactor", threads,
     [](Context& c) {
       const RemoteReactor remote = c.reactor().remote();
       c.throws<ReactorStateError>(
           [&remote] { blocking_call_from_thread(remote, [] { return 1; }); },
           "blocking_call_from_thread()");
     }},
};

}  // namespace

std::span<const ConformanceCase> offload_cases() { return cases_of_offloads; }

}  // namespace deferred::testing::conformance
