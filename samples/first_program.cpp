// SPDX-License-Identifier: MIT
//
// Shows: two things at once, on one thread. Prints that both are on the stove before either is
// done, and that the shorter one is done first.
#include <deferred/deferred.hpp>
#include <iostream>

using namespace std::chrono_literals;

deferred::Task<> cook(const char* what, std::chrono::milliseconds time) {
  std::cout << what << " is on\n";
  co_await deferred::Pause{time};
  std::cout << what << " is done\n";
}

deferred::Task<> breakfast() {
  co_await deferred::with_nursery([](deferred::Nursery& nursery) -> deferred::Task<> {
    nursery.spawn(cook("the tea", 10ms));
    co_await cook("the porridge", 20ms);
  });
}

int main() {
  deferred::Reactor reactor;
  return reactor.run(breakfast());
}
