// SPDX-License-Identifier: MIT
//
// Shows: other threads. `std::move(waiter).remote()` makes a Waiter that a thread may answer; the
// task goes on at home. call_from_thread() has a function called there.
// Prints: what was computed elsewhere, with the progress that was told meanwhile.
#include <deferred/deferred.hpp>
#include <iostream>
#include <stdexcept>
#include <thread>

// Calls `work` in a thread, which is the undo: it is joined when the wait is over.
template <class F>
struct InThread {
  explicit InThread(F f) : work(f) {}
  F work;

  struct Joined {
    explicit Joined(std::thread started) : thread(std::move(started)) {}
    Joined(const Joined&) = delete;
    ~Joined() { thread.join(); }
    std::thread thread;
  };
  Joined yield_to(deferred::Waiter<int> waiter) const {
    return Joined(std::thread([work = work, remote = std::move(waiter).remote()]() mutable {
      try {
        std::move(remote).resume(work());
      } catch (...) {
        std::move(remote).throw_(std::current_exception());
      }
    }));
  }
};

deferred::Task<> main_task() {
  const InThread sum([home = deferred::Reactor::current().remote()] {
    int total = 0;
    for (int i = 1; i <= 3; ++i) {
      total += i;
      home.call_from_thread([total] { std::cout << "so far " << total << '\n'; });
    }
    return total;
  });
  const int total = co_await sum;
  std::cout << "the sum is " << total << '\n';

  const InThread nothing([]() -> int { throw std::runtime_error("out of numbers"); });
  try {
    co_await nothing;
  } catch (const std::runtime_error& error) {
    std::cout << error.what() << '\n';
  }
}

int main() {
  deferred::Reactor reactor;
  return reactor.run(main_task());
}
