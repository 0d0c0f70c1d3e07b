// SPDX-License-Identifier: MIT
//
// Shows: a decorator is a yieldable around another one. It hands its own Waiter on with
// deferred::yield_to, so it sees neither the reactor nor the task, works on every yieldable that
// takes a Waiter, and nests. What it wants to happen at the end of the wait stands in its undo. It
// owns what it waits for, so it is told when it is not reached, and hands that on with abandon().
// Prints: three waits that are logged - one that pauses, one answered at once, one timed out - and
// what becomes of an order whose wait is not reached.
#include <deferred/deferred.hpp>
#include <iostream>

using namespace std::chrono_literals;
using deferred::Pause;

template <class Y>
class Logged {
 public:
  Logged(const char* name, Y&& x) : name_(name), x_(std::forward<Y>(x)) {}

  class Line {  // the undo: what is waited for, and a line when it is over
   public:
    Line(const char* name, Y&& x, deferred::Waiter<deferred::AwaitedResult<Y>> waiter)
        : name_(name), wait_(deferred::yield_to(std::forward<Y>(x), std::move(waiter))) {}
    ~Line() { std::cout << name_ << ": over\n"; }
    deferred::Cancelling request_cancel() { return wait_.request_cancel(); }

   private:
    const char* name_;
    deferred::Undo<Y> wait_;
  };
  Line yield_to(deferred::Waiter<deferred::AwaitedResult<Y>> waiter) && {
    std::cout << name_ << ": begins\n";
    return Line(name_, std::forward<Y>(x_), std::move(waiter));
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  const char* name_;
  Y x_;
};

template <class Y>
Logged<Y> logged(const char* name, Y&& x) {
  return Logged<Y>(name, std::forward<Y>(x));
}

deferred::Task<> wait_for(deferred::Deferred<void> order) {
  co_await logged("an order", std::move(order));
}

deferred::Task<> run() {
  co_await logged("a nap", Pause{1ms});
  const int number = co_await logged("a number", deferred::succeed(42));
  std::cout << "it is " << number << '\n';
  try {
    co_await with_timeout(1ms, logged("a long sleep", Pause{1h}));
  } catch (const deferred::TimeoutError&) {
    std::cout << "it was cut short\n";
  }
  const auto canceller = [] { std::cout << "the order is cancelled\n"; };
  auto [promise, order] = deferred::make_deferred<void>(canceller);
  auto waiting = spawn(wait_for(std::move(order)));
  waiting.task().cancel();  // so that its await is not reached
  try {
    co_await std::move(waiting);
  } catch (const deferred::Cancelled&) {
    std::cout << "nobody waited for it\n";
  }
}

int main() {
  deferred::Reactor reactor;
  return reactor.run(run());
}
