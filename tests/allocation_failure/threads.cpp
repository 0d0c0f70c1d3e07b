// SPDX-License-Identifier: MIT
//
// Threads and other reactors. Where it can be had, all is on one thread: a pool that runs a job
// when it is told, a second reactor that is turned by hand; then each allocation of both sides may
// fail.
#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include "deferred/testing/manual_pool.hpp"
#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

/// Runs a microthread to its end, with a pool that runs what it is given.
template <class F>
auto end_with(Reactor& reactor, ManualPool& pool, F body) {
  auto spawned = spawn(reactor, std::move(body));
  const ClosedAtEnd closed(spawned.task());
  auto result = std::move(spawned).deferred();
  for (int i = 0; i != 20 && !result.has_result(); ++i) {
    turns(reactor, 1);
    pool.run_all();
  }
  right(result.has_result(), "a microthread does not come to its end");
  return std::move(result).result();
}

void in_threads(Reactor& reactor) {
  ManualPool pool;
  int ran = 0;
  const auto work = [&ran](int n) { return ++ran, std::to_string(n) + " of a text that is long"; };
  const auto body = [&]() -> Task<std::string> {
    auto call = in_thread(pool, work, 7);
    const std::string first = co_await call;
    const std::string second = co_await std::move(call);
    co_return first == second ? first : "";
  };
  has_value_or_no_memory(end_with(reactor, pool, body), "7 of a text that is long");
  right(pool.queued() == 0, "a job is left");
}
void in_thread_that_throws(Reactor& reactor) {
  ManualPool pool;
  const auto work = []() -> int { throw std::logic_error("an error that is long enough for it"); };
  const auto body = [&]() -> Task<int> {
    auto call = in_thread(pool, work);
    co_return co_await std::move(call);
  };
  const Outcome<int> outcome = end_with(reactor, pool, body);
  right(out_of_memory(outcome) || outcome.check<std::logic_error>(), "another error");
}
void in_thread_cancelled(Reactor& reactor) {
  for (const bool abandon : {false, true}) {
    ManualPool pool;
    const auto body = [&]() -> Task<int> {
      auto call = in_thread(pool, [] { return 1; });
      if (abandon) call = std::move(call).abandon_on_cancel();
      co_return co_await std::move(call);
    };
    Spawned<int> task = spawn(reactor, body);
    const ClosedAtEnd closed(task.task());
    turns(reactor, 1);
    task.task().cancel();
    const Outcome<int> outcome = end_of(reactor, std::move(task));
    right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
    right(pool.queued() == 0, "a job is left");
  }
}
// The pool is at its end, or cannot take the job.
void in_thread_dropped(Reactor& reactor) {
  std::optional<ManualPool> pool(std::in_place);
  const auto body = [&]() -> Task<int> {
    auto call = in_thread(*pool, [] { return 1; });
    co_return co_await std::move(call);
  };
  Spawned<int> task = spawn(reactor, body);
  const ClosedAtEnd closed(task.task());
  turns(reactor, 1);
  pool.reset();
  const Outcome<int> outcome = end_of(reactor, std::move(task));
  right(out_of_memory(outcome) || outcome.check<AbandonedError>(), "another error");
}
void deferred_to_threads(Reactor& reactor) {
  ManualPool pool;
  std::optional<Deferred<int>> one;
  std::optional<Deferred<int>> other;
  try {
    one = defer_to_thread(reactor, pool, [] { return 1; });
    other = defer_to_thread(reactor, in_thread(pool, [] { return 2; }));
  } catch (const std::bad_alloc&) {
  }
  for (int i = 0; i != 4; ++i) {
    turns(reactor, 1);
    pool.run_all();
  }
  right(!one || one->has_result(), "what was given to a thread is lost");
  right(!other || other->has_result(), "what was given to a thread is lost");
  if (one) has_value_or_no_memory(std::move(*one).result(), 1);
  if (other) has_value_or_no_memory(std::move(*other).result(), 2);
}

class CountingJob final : public Pool::Job {
 public:
  void run() noexcept override { ++ran; }
  void drop() noexcept override { ++dropped; }
  std::atomic<int> ran = 0;
  std::atomic<int> dropped = 0;
};
void thread_pools(Reactor&) {
  CountingJob jobs[3];
  int given = 0;
  {
    ThreadPool pool(2);
    right(pool.size() == 2, "a pool has its size");
    for (CountingJob& job : jobs) {
      try {
        pool.submit(job);
        ++given;
      } catch (const std::bad_alloc&) {
        break;
      }
    }
    if (given == 3 && pool.withdraw(jobs[2])) --given;
    static_cast<void>(pool.queued() + pool.running());
  }
  int ended = 0;
  for (CountingJob& job : jobs) ended += job.ran + job.dropped;
  right(ended == given, "a job that was taken is neither run nor dropped, or one that was not is");
}
void job_queues(Reactor&) {
  CountingJob jobs[2];
  JobQueue queue;
  queue.push(jobs[0]);
  queue.push(jobs[1]);
  right(queue.size() == 2 && queue.remove(jobs[1]) && queue.pop() == &jobs[0] && queue.empty(),
        "a queue is a queue");
}
// Real threads: their own allocations succeed.
void real_threads(Reactor& reactor) {
  std::atomic<int> ran = 0;
  ThreadPool pool(1);
  const auto body = [&]() -> Task<int> {
    auto call = in_thread(pool, [&ran] { return ++ran; });
    co_return co_await std::move(call);
  };
  Spawned<int> task = spawn(reactor, body);
  const ClosedAtEnd closed(task.task());
  Deferred<int> result = std::move(task).deferred();
  while (!result.has_result()) reactor.backend().run_once(true);
  has_value_or_no_memory(std::move(result).result(), 1);
}
void pool_of_the_process(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    auto call = in_thread([] { return 1; });
    co_return co_await std::move(call);
  };
  {
    const AllocationsSucceed memory;  // it is made once, and stays, as its first thread does
    static const bool made = [&] { return reactor.run_until(body()) == 1; }();
    right(made, "it can be used");
  }
  Spawned<int> task = spawn(reactor, body);
  const ClosedAtEnd closed(task.task());
  Deferred<int> result = std::move(task).deferred();
  while (!result.has_result()) reactor.backend().run_once(true);
  has_value_or_no_memory(std::move(result).result(), 1);
  // The thread has let go of the job, and of its memory.
  while (dynamic_cast<ThreadPool&>(default_pool()).running() != 0) std::this_thread::yield();
}

/// Another reactor on this thread, made with memory.
std::optional<Reactor>& made(std::optional<Reactor>& place) {
  const AllocationsSucceed memory;
  place.emplace();
  return place;
}

/// Runs a microthread to its end, turning both reactors.
template <class F>
auto end_on_both(Reactor& reactor, Reactor& there, F body) {
  auto spawned = spawn(reactor, std::move(body));
  const ClosedAtEnd closed(spawned.task());
  auto result = std::move(spawned).deferred();
  for (int i = 0; i != 20 && !result.has_result(); ++i) {
    turns(reactor, 1);
    turns(there, 1);
  }
  right(result.has_result(), "a microthread does not come to its end");
  return std::move(result).result();
}
void on_another(Reactor& reactor) {
  std::optional<Reactor> place;
  Reactor& there = *made(place);
  const auto task = [](std::string text) -> Task<std::string> {
    co_await Pause{};
    co_return text + " and there";
  };
  const auto body = [&]() -> Task<std::string> {
    auto call = on(there, task("a text that is not in place"));
    const std::string first = co_await std::move(call);
    auto function = on(there, [] { return 1; });
    const int second = co_await std::move(function);
    co_return first + std::to_string(second);
  };
  has_value_or_no_memory(end_on_both(reactor, there, body),
                         "a text that is not in place and there1");
  turns(there, 2);
  right(there.task_count() == 0 && !there.busy(), "something is left on the other reactor");
}
void on_another_that_fails(Reactor& reactor) {
  std::optional<Reactor> place;
  Reactor& there = *made(place);
  const auto task = []() -> Task<int> {
    co_await Pause{};
    throw std::logic_error("an error that is long enough for it");
  };
  const auto body = [&]() -> Task<int> {
    auto call = on(there, task());
    co_return co_await std::move(call);
  };
  const Outcome<int> outcome = end_on_both(reactor, there, body);
  right(out_of_memory(outcome) || outcome.check<std::logic_error>(), "another error");
  turns(there, 2);
  right(there.task_count() == 0 && !there.busy(), "something is left on the other reactor");
}
void on_another_cancelled(Reactor& reactor) {
  std::optional<Reactor> place;
  Reactor& there = *made(place);
  const auto body = [&]() -> Task<int> {
    const auto task = []() -> Task<int> {
      co_await Pause{1h};
      co_return 1;
    };
    auto call = on(there, task());
    co_return co_await std::move(call);
  };
  for (const int begun : {0, 1, 2}) {  // not there, there, under way
    auto spawned = spawn(reactor, body);
    TaskRef ref = spawned.task();
    const ClosedAtEnd closed(ref);
    Deferred<int> result = std::move(spawned).deferred();
    for (int i = 0; i != begun; ++i) {
      turns(reactor, 1);
      turns(there, 1);
    }
    ref.cancel();
    for (int i = 0; i != 10 && !result.has_result(); ++i) {
      turns(reactor, 1);
      turns(there, 1);
    }
    right(result.has_result(), "a cancel does not reach what is on another reactor");
    const Outcome<int> outcome = std::move(result).result();
    right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
    turns(there, 2);
    right(there.task_count() == 0 && !there.busy(), "something is left on the other reactor");
  }
}

// The caller is a thread of its own; the reactor's side, on this thread, is short of memory.
void blocking_call(Reactor& reactor) {
  bool ended = false;
  int got = 0;
  bool no_memory = false;
  {
    std::thread caller;
    {
      const AllocationsSucceed memory;
      const RemoteReactor remote = reactor.remote();
      caller = std::thread([&, remote] {
        try {
          got = blocking_call_from_thread(remote, []() -> Task<int> {
            co_await Pause{};
            co_return 6;
          });
        } catch (const std::bad_alloc&) {
          no_memory = true;
        }
        static_cast<void>(remote.call_from_thread([&ended] { ended = true; }));
      });
    }
    while (!ended) reactor.backend().run_once(true);
    caller.join();
  }
  right(got == 6 || (no_memory && allocation_failed()), "a blocking call gives another result");
}
// The caller's side is short of memory, and a reactor in a thread of its own is not.
void blocking_caller(Reactor&) {
  std::atomic<Reactor*> other{nullptr};
  std::thread there;
  {
    const AllocationsSucceed memory;
    there = std::thread([&other] {
      Reactor reactor;
      other = &reactor;
      reactor.run();
    });
  }
  while (!other) std::this_thread::yield();
  int got = 6;
  try {
    got = blocking_call_from_thread(*other.load(), [] { return 6; });
  } catch (const std::bad_alloc&) {
  }
  other.load()->stop();
  there.join();
  right(got == 6, "a blocking call gives another result");
}

}  // namespace

Programs threads_programs() {
  return {
      {"in_thread",
       {"deferred::in_thread()", "co_await deferred::InThread", "deferred::InThread::InThread()",
        "deferred::Pool::Job::run()", "deferred::Pool::submit()"},
       &in_threads},
      {"in_thread that throws", {"co_await deferred::InThread"}, &in_thread_that_throws},
      {"in_thread, cancelled",
       {"deferred::InThread::abandon_on_cancel()", "deferred::Pool::withdraw()"},
       &in_thread_cancelled},
      {"in_thread on a pool that ends", {"deferred::Pool::Job::drop()"}, &in_thread_dropped},
      {"defer_to_thread", {"deferred::defer_to_thread()"}, &deferred_to_threads},
      {"ThreadPool",
       {"deferred::ThreadPool::ThreadPool()", "deferred::ThreadPool::submit()",
        "deferred::ThreadPool::withdraw()", "deferred::ThreadPool::size()",
        "deferred::ThreadPool::queued()", "deferred::ThreadPool::running()"},
       &thread_pools},
      {"JobQueue",
       {"deferred::JobQueue::push()", "deferred::JobQueue::pop()", "deferred::JobQueue::remove()",
        "deferred::JobQueue::size()", "deferred::JobQueue::empty()"},
       &job_queues},
      {"in_thread in a real thread", {"deferred::in_thread()"}, &real_threads},
      {"in_thread on the pool of the process", {"deferred::default_pool()"}, &pool_of_the_process},
      {"on", {"deferred::on()", "co_await deferred::On", "deferred::On::On()"}, &on_another},
      {"on, that fails", {"co_await deferred::On"}, &on_another_that_fails},
      {"on, cancelled", {"co_await deferred::On"}, &on_another_cancelled},
      {"blocking_call_from_thread, at the reactor",
       {"deferred::blocking_call_from_thread()"},
       &blocking_call},
      {"blocking_call_from_thread, at the caller",
       {"deferred::blocking_call_from_thread()"},
       &blocking_caller},
  };
}

}  // namespace deferred::testing
