// SPDX-License-Identifier: MIT
//
// W7 and W7-rtt: what it takes to reach a loop from another thread. A peer's file gives its loop,
// as a class with run(), stop() and post(); the rest is the same for all. Next: bench.hpp.
#pragma once

#include <sched.h>
#include <semaphore.h>

#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "bench.hpp"

namespace bench {

/// The least that a post can be: whom to call, with what.
struct Message {
  void (*run)(const void* argument);
  const void* argument;

  template <class F>
  static Message of(const F& f) {
    return {[](const void* argument) { (*static_cast<const F*>(argument))(); }, &f};
  }
};

/// The floor's queue, and what one puts beside a uv_async_t: a vector under a mutex, taken whole.
class Mailbox {
 public:
  /// True if it was empty: the loop has to be woken.
  [[nodiscard]] bool push(Message message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(message);
    return messages_.size() == 1;
  }
  void run_all() {
    {
      const std::lock_guard lock(mutex_);
      taken_.swap(messages_);
    }
    for (const Message& message : taken_) message.run(message.argument);
    taken_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<Message> messages_;
  std::vector<Message> taken_;
};

/// Keeps this thread, and those that it starts, on one core.
class OnOneCore {
 public:
  OnOneCore() {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  OnOneCore(const OnOneCore&) = delete;
  OnOneCore& operator=(const OnOneCore&) = delete;
  ~OnOneCore() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

/// A thread whose heap blocks are counted with those of the thread that joins it.
class CountedThread {
 public:
  template <class F>
  explicit CountedThread(F f)
      : thread_([this, f = std::move(f)]() mutable {
          f();
          allocations_ = allocations();
        }) {}
  void join() {
    thread_.join();
    add_allocations(allocations_);
  }

 private:
  std::size_t allocations_ = 0;
  std::thread thread_;
};

/// What another thread waits for: a futex, and nothing else.
class Answered {
 public:
  Answered() { ::sem_init(&semaphore_, 0, 0); }
  Answered(const Answered&) = delete;
  Answered& operator=(const Answered&) = delete;
  ~Answered() { ::sem_destroy(&semaphore_); }
  void post() { ::sem_post(&semaphore_); }
  void wait() {
    while (::sem_wait(&semaphore_) != 0) {
    }
  }

 private:
  sem_t semaphore_;
};

/// Both rows for `loop`:
///   void run(f)      calls f() on this thread, and runs until stop()
///   void stop()      on this thread
///   void post(f)     from another thread: has f() called on this one; f lives long enough
template <class Loop>
void posts(Program& program, Loop& loop, std::string_view note = "") {
  program.batch("W7",
                [&loop](std::size_t n) {
                  std::size_t missing = n;
                  const auto arrived = [&] {
                    if (--missing == 0) loop.stop();
                  };
                  std::optional<CountedThread> sender;
                  loop.run([&] {
                    sender.emplace([&] {
                      for (std::size_t i = 0; i != n; ++i) loop.post(arrived);
                    });
                  });
                  sender->join();
                },
                note, {200'000, 20'000});
  program.batch("W7-rtt",
                [&loop](std::size_t n) {
                  const OnOneCore on_one_core;
                  Answered answered;
                  std::size_t missing = n;
                  const auto arrived = [&] {
                    if (--missing == 0) loop.stop();
                    answered.post();
                  };
                  std::optional<CountedThread> sender;
                  loop.run([&] {
                    sender.emplace([&] {
                      for (std::size_t i = 0; i != n; ++i) {
                        loop.post(arrived);
                        answered.wait();
                      }
                    });
                  });
                  sender->join();
                },
                note, {1'000, 1'000});
}

}  // namespace bench
