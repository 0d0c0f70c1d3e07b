// SPDX-License-Identifier: MIT
//
// Shows: a decorator is a yieldable around another one. It hands its own Waiter on with
// deferred::yield_to, so it sees neither the reactor nor the task, works on every yieldable that
// takes a Waiter, and nests. What it wants to happen at the end of the wait stands in its undo.
// Prints: three waits that are logged: one that pauses, one answered at once, one timed out.
#include <deferred/results/errors.hpp>
#include <deferred/yieldables/deferred.hpp>
#include <deferred/yieldables/pause.hpp>
#include <deferred/yieldables/with_timeout.hpp>
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

   private:
    const char* name_;
    deferred::Undo<Y> wait_;
  };
  Line yield_to(deferred::Waiter<deferred::AwaitedResult<Y>> waiter) && {
    std::cout << name_ << ": begins\n";
    return Line(name_, std::forward<Y>(x_), std::move(waiter));
  }

 private:
  const char* name_;
  Y x_;
};

template <class Y>
Logged<Y> logged(const char* name, Y&& x) {
  return Logged<Y>(name, std::forward<Y>(x));
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
}

int main() {
  deferred::Reactor reactor;
  return reactor.run(run());
}
