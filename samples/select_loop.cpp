// SPDX-License-Identifier: MIT
//
// Shows: a loop that waits for whatever comes first, as Go's select does: an item, a tick, or that
// it is to stop. race() decides inside the call that answers: no item and no tick is lost.
// Prints: items and ticks in the order in which they come, until it is told to stop.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>
#include <string>

using namespace std::chrono_literals;
using deferred::Pause;
using deferred::Task;

Task<> feed(deferred::Channel<std::string>& orders, deferred::Event& stop) {
  for (const char* order : {"tea", "toast", "jam"}) {
    co_await Pause{400ms};
    std::string item = order;
    co_await orders.send(std::move(item));
  }
  co_await Pause{1s};
  stop.set();
}

Task<> serve(deferred::Channel<std::string>& orders, deferred::Event& stop) {
  deferred::Timer tick(1s);
  for (;;) {
    auto first = co_await race(orders.receive(), tick, stop);
    if (first.index() == 0) {
      std::cout << "an order: " << std::get<0>(first).value() << '\n';
    } else if (first.index() == 1) {
      std::cout << "tick\n";
    } else {
      break;
    }
  }
  std::cout << "closing time\n";
}

Task<> main_task() {
  deferred::Channel<std::string> orders(1);
  deferred::Event stop;
  co_await all(feed(orders, stop), serve(orders, stop));
}

int main() {
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  return reactor.run(main_task());
}
