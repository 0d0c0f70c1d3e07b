// SPDX-License-Identifier: MIT
//
// Shows: generators. One is sent values and returns one; another yields all of two others; steps of
// a third wait, and have a limit.
// Prints: what each yields.
#include <deferred/deferred.hpp>
#include <iostream>
#include <string>

using namespace deferred;
using namespace std::chrono_literals;

Generator<int, int, std::string> running_sum() {
  int sum = 0;
  while (sum < 10) sum += co_yield sum;
  co_return "more than enough";
}

Generator<int> up_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}
Generator<int> there_and_back(int last) {
  co_yield elements_of(up_to(last));
  for (int i = last - 1; i > 0; --i) co_yield i;
}

AsyncGenerator<std::string> ticks() {
  for (int i = 1;; ++i) {
    co_await Pause{10ms * i};
    co_yield "tick " + std::to_string(i);
  }
}

Task<> watch() {
  auto clock = ticks();
  for (int i = 0; i < 3; ++i) {
    const auto tick = co_await with_timeout(1s, clock.next());
    std::cout << *tick << '\n';
  }
  co_await clock.close();
}

int main() {
  auto sum = running_sum();
  sum.next();  // to its first co_yield
  std::cout << *sum.send(3) << ", " << *sum.send(4) << ", ";
  sum.send(5);
  std::cout << sum.result() << '\n';

  for (const int i : there_and_back(3)) std::cout << i << ' ';
  std::cout << '\n';

  Reactor reactor;
  return reactor.run(watch());
}
