// SPDX-License-Identifier: MIT
//
// Shows: the two ways to end a microthread from outside. cancel() throws Cancelled at its await: it
// can clean up, but cannot go on waiting. close() destroys it where it stands: destructors run, and
// nothing else. Both undo what it was waiting for.
// Prints: how the same task takes each of them.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>

using namespace std::chrono_literals;
using deferred::Pause;
using deferred::Task;

struct Lamp {
  Lamp() { std::cout << "  light on\n"; }
  Lamp(const Lamp&) = delete;
  ~Lamp() { std::cout << "  light off\n"; }
};

Task<int> read_on() {
  Lamp lamp;
  try {
    co_await Pause{1h};
  } catch (const deferred::Cancelled&) {
    std::cout << "  one more page\n";  // it may swallow a Cancelled, but
  }
  co_await Pause{1h};  // every later await throws it again
  co_return 0;
}

Task<> main_task() {
  for (const bool politely : {true, false}) {
    std::cout << (politely ? "cancel():\n" : "close():\n");
    auto reader = spawn(read_on());
    co_await Pause{1s};

    politely ? reader.task().cancel() : reader.task().close();
    const deferred::Outcome<int> outcome = co_await as_outcome(std::move(reader));
    std::cout << "  the result is a " << outcome.failure().type_name() << '\n';
  }
}

int main() {
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  const int code = reactor.run(main_task());
  std::cout << "timers left: " << reactor.timer_count() << '\n';
  return code;
}
