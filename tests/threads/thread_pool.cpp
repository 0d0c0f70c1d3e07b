// SPDX-License-Identifier: MIT
//
// ThreadPool by itself: how many threads, in what order, and its end. Runs under ThreadSanitizer
// too.
#include "deferred/threads/thread_pool.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <vector>

#include "deferred/testing/manual_pool.hpp"

using namespace deferred;

namespace {

/// Counts what a pool does with it.
struct TestJob final : Pool::Job {
  explicit TestJob(std::function<void()> f = [] {}) : f_(std::move(f)) {}
  void run() noexcept override {
    f_();
    ++ran;
  }
  void drop() noexcept override { ++dropped; }
  std::atomic<int> ran{0};
  std::atomic<int> dropped{0};

 private:
  std::function<void()> f_;
};

void wait_until(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

/// A job that runs until it is let go.
struct Blocker {
  std::atomic<bool> runs{false};
  std::atomic<bool> go{false};
  TestJob job{[this] {
    runs = true;
    wait_until(go);
  }};
};

TEST_CASE("a pool without threads is refused") {
  CHECK_THROWS_AS(ThreadPool(0), std::invalid_argument);
}

TEST_CASE("a pool that was never used starts no thread and ends at once") {
  ThreadPool pool(4);

  CHECK(pool.size() == 4);
  CHECK(pool.queued() == 0);
  CHECK(pool.running() == 0);
}

TEST_CASE("jobs of one thread begin in the order they came, and each runs once") {
  std::vector<int> order;
  std::vector<std::unique_ptr<TestJob>> jobs;
  {
    ThreadPool pool(1);
    std::atomic<bool> last{false};
    for (int i = 0; i < 100; ++i) {
      jobs.push_back(std::make_unique<TestJob>([&order, &last, i] {
        order.push_back(i);
        if (i == 99) last = true;
      }));
      pool.submit(*jobs.back());
    }
    wait_until(last);
  }

  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  for (const auto& job : jobs) CHECK(job->ran == 1);
}

TEST_CASE("no more jobs run at a time than the pool has threads") {
  Blocker one, two;
  TestJob third;
  {
    ThreadPool pool(2);
    pool.submit(one.job);
    pool.submit(two.job);
    wait_until(one.runs);
    wait_until(two.runs);
    pool.submit(third);
    CHECK(pool.running() == 2);
    CHECK(pool.queued() == 1);
    CHECK(third.ran == 0);

    one.go = true;
    two.go = true;
    while (third.ran == 0) std::this_thread::yield();
  }

  CHECK(third.dropped == 0);
}

TEST_CASE("a thread that is free is used again") {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  ThreadPool pool(8);
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> done{false};
    TestJob job([&] {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
      done = true;
    });
    pool.submit(job);
    wait_until(done);
    while (pool.running() != 0) std::this_thread::yield();
  }

  CHECK(threads.size() == 1);
}

TEST_CASE("a job that has not begun is given back, and neither run nor dropped") {
  Blocker blocker;
  TestJob waiting;
  {
    ThreadPool pool(1);
    pool.submit(blocker.job);
    wait_until(blocker.runs);
    pool.submit(waiting);

    CHECK(pool.withdraw(waiting));
    CHECK_FALSE(pool.withdraw(waiting));
    CHECK(pool.queued() == 0);
    blocker.go = true;
  }

  CHECK(waiting.ran == 0);
  CHECK(waiting.dropped == 0);
}

TEST_CASE("a job that runs is not given back") {
  Blocker blocker;
  ThreadPool pool(1);
  pool.submit(blocker.job);
  wait_until(blocker.runs);

  CHECK_FALSE(pool.withdraw(blocker.job));

  blocker.go = true;
}

TEST_CASE("any job of the queue can be given back, and the others keep their order") {
  for (int gone = 0; gone < 3; ++gone) {
    testing::ManualPool pool;
    std::vector<int> order;
    std::vector<std::unique_ptr<TestJob>> jobs;
    for (int i = 0; i < 3; ++i) {
      jobs.push_back(std::make_unique<TestJob>([&order, i] { order.push_back(i); }));
      pool.submit(*jobs.back());
    }

    CHECK(pool.withdraw(*jobs[static_cast<std::size_t>(gone)]));
    TestJob late([&order] { order.push_back(3); });
    pool.submit(late);

    CHECK(pool.run_all() == 3);
    std::vector<int> expected{0, 1, 2, 3};
    expected.erase(expected.begin() + gone);
    CHECK(order == expected);
  }
}

TEST_CASE("the end of a pool drops what has not begun and waits for what runs") {
  Blocker blocker;
  std::vector<std::unique_ptr<TestJob>> waiting;
  std::thread other;
  {
    ThreadPool pool(1);
    pool.submit(blocker.job);
    wait_until(blocker.runs);
    for (int i = 0; i < 3; ++i) {
      waiting.push_back(std::make_unique<TestJob>());
      pool.submit(*waiting.back());
    }
    other = std::thread([&] {
      while (waiting[2]->dropped == 0) std::this_thread::yield();
      blocker.go = true;
    });
  }
  other.join();

  CHECK(blocker.job.ran == 1);
  for (const auto& job : waiting) {
    CHECK(job->ran == 0);
    CHECK(job->dropped == 1);
  }
}

TEST_CASE("a thread that gets free at the end of its pool begins nothing any more") {
  struct Dropped final : Pool::Job {
    void run() noexcept override { ran = true; }
    void drop() noexcept override {
      if (on_drop) on_drop();
    }
    std::function<void()> on_drop;
    bool ran = false;
  };
  Blocker blocker;
  Dropped first, second;
  std::optional<ThreadPool> pool{1U};
  pool->submit(blocker.job);
  wait_until(blocker.runs);
  pool->submit(first);
  pool->submit(second);
  first.on_drop = [&] {
    blocker.go = true;
    while (pool->running() > 0) std::this_thread::yield();
  };

  pool.reset();

  CHECK_FALSE(first.ran);
  CHECK_FALSE(second.ran);
}

TEST_CASE("a job may submit another; at the end of the pool that one is dropped") {
  TestJob inner, late;
  std::atomic<bool> runs{false};
  TestJob waiting;
  std::optional<ThreadPool> pool{1U};
  TestJob outer([&] {
    pool->submit(inner);
    runs = true;
    while (waiting.dropped == 0) std::this_thread::yield();  // the end has begun
    pool->submit(late);
  });
  pool->submit(outer);
  wait_until(runs);
  pool->submit(waiting);

  pool.reset();

  CHECK(inner.ran + inner.dropped == 1);
  CHECK(late.dropped == 1);
  CHECK(late.ran == 0);
}

TEST_CASE("threads submit and withdraw at once, and each job is run, dropped or given back") {
  std::atomic<int> ran{0}, given_back{0};
  constexpr int threads = 4, each = 2000;
  std::vector<std::unique_ptr<TestJob>> jobs;
  for (int i = 0; i < threads * each; ++i) {
    jobs.push_back(std::make_unique<TestJob>([&] { ++ran; }));
  }
  {
    ThreadPool pool(2);
    std::vector<std::thread> others;
    for (int t = 0; t < threads; ++t) {
      others.emplace_back([&, t] {
        for (int i = t * each; i < (t + 1) * each; ++i) {
          TestJob& job = *jobs[static_cast<std::size_t>(i)];
          pool.submit(job);
          if (i % 3 == 0 && pool.withdraw(job)) ++given_back;
        }
      });
    }
    for (auto& other : others) other.join();
  }

  int dropped = 0;
  for (const auto& job : jobs) dropped += job->dropped;
  CHECK(ran + dropped + given_back == threads * each);
}

TEST_CASE("the default pool is one, of at least five threads and at most 32") {
  Pool& pool = default_pool();

  CHECK(&pool == &default_pool());
  const auto& threads = dynamic_cast<const ThreadPool&>(pool);
  CHECK(threads.size() >= 5);
  CHECK(threads.size() <= 32);
}

}  // namespace
