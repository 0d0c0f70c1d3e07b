// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <thread>

#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

using namespace deferred;

namespace {

/// Answers from a thread of its own, which the undo waits for.
class Elsewhere {
 public:
  class Joined {
   public:
    explicit Joined(RemoteWaiter<int> waiter)
        : thread_([answer = std::move(waiter)]() mutable { std::move(answer).resume(3); }) {}
    Joined(const Joined&) = delete;
    Joined& operator=(const Joined&) = delete;
    ~Joined() { thread_.join(); }

   private:
    std::thread thread_;
  };
  Joined yield_to(Waiter<int> waiter) const { return Joined(std::move(waiter).remote()); }
};

Task<int> asks() {
  const Elsewhere elsewhere;
  co_return co_await elsewhere;
}

TEST_CASE("with the headers of a Waiter and of a task, another thread answers") {
  Reactor reactor;
  CHECK(reactor.run(asks()) == 3);
}

}  // namespace
