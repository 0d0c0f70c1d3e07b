// SPDX-License-Identifier: MIT
//
// Shows: a coroutine that returns a Deferred is Twisted's inlineCallbacks (after the first example
// of part 17 of Dave Peticolas' introduction). The call runs it at once up to its first real wait.
// A value that is there comes right back, a Deferred pauses it, a failure is thrown at the await.
// Prints: the four callbacks, at 0, 0, 5 and 10 seconds of a clock that takes no time.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>
#include <stdexcept>

using namespace std::chrono_literals;
using deferred::Deferred;
using deferred::Reactor;

// A Deferred that fires after five seconds: the way a reactor's timer and a Deferred meet.
template <class Fire>
Deferred<int> in_five_seconds(Reactor& reactor, Fire fire) {
  auto [promise, result] = deferred::make_deferred<int>();
  reactor.call_later(5s, [promise = std::move(promise), fire]() mutable { fire(promise); })
      .detach();
  return std::move(result);
}

Deferred<void> my_callbacks(Reactor& reactor) {
  const auto stamp = [&reactor] { return reactor.now().time_since_epoch() / 1s; };
  std::cout << stamp() << " s: first callback\n";

  int result = co_await deferred::succeed(1);  // is there already: comes right back
  std::cout << stamp() << " s: second callback got " << result << '\n';

  const auto two = [](auto& promise) { promise.callback(2); };
  result = co_await in_five_seconds(reactor, two);
  std::cout << stamp() << " s: third callback got " << result << '\n';

  const auto three = [](auto& promise) { promise.errback(std::runtime_error("3")); };
  try {
    co_await in_five_seconds(reactor, three);
  } catch (const std::runtime_error& error) {
    std::cout << stamp() << " s: fourth callback got the exception " << error.what() << '\n';
  }
}

int main() {
  deferred::reactors::VirtualTime time;
  Reactor reactor{time};
  Deferred<void> done = my_callbacks(reactor);
  std::cout << "the call has returned\n";
  reactor.run_until(std::move(done));
}
