// SPDX-License-Identifier: MIT
//
// Shows: how to test code that waits. On the VirtualTime backend the clock stands still until the
// test moves it, each deadline is met exactly, and an hour takes no time. "Not yet" is asserted by
// running all there is to run, and looking.
// Prints: a line for each thing that was checked.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>
#include <stdexcept>

using namespace std::chrono_literals;
using deferred::Task;

// Under test: tries again after 1 s, 2 s, 4 s, ... as long as `attempt` fails.
template <class F>
Task<int> retrying(F attempt, int tries) {
  auto delay = 1s;
  for (; tries > 1; --tries, delay *= 2) {
    try {
      co_return attempt();
    } catch (const std::runtime_error&) {
    }
    co_await deferred::Pause{delay};
  }
  co_return attempt();
}

void check(bool holds, const char* what) {
  std::cout << (holds ? "ok: " : "NOT SO: ") << what << '\n';
}

int main() {
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  int attempts = 0;
  const auto works_the_third_time = [&attempts] {
    if (++attempts < 3) throw std::runtime_error("not today");
    return attempts;
  };

  auto result = spawn(reactor, retrying(works_the_third_time, 5));
  check(attempts == 0, "a spawned task waits for the reactor");

  time.advance();
  check(attempts == 1, "the first attempt is made at once");
  time.advance(999ms);
  check(attempts == 1, "the second not before a second has passed");
  time.advance(1ms);
  check(attempts == 2, "but then");
  const bool idle = time.run_until_idle();
  check(attempts == 3 && time.now().time_since_epoch() == 3s, "the third after two seconds more");
  check(idle && reactor.timer_count() == 0, "and nothing is left to do");

  const int answer = reactor.run_until(std::move(result));
  check(answer == 3, "the result is that of the attempt that worked");
}
