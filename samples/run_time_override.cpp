// SPDX-License-Identifier: MIT
//
// Shows: what a type means at an await can be changed from outside, at run time: for all objects of
// a type (a test that will not wait), or for one object (a door that is jammed today). The handlers
// are the reactor's and go when their Registration does; the code that awaits is not touched.
// Prints: the same visit three times: in a test, with one door jammed, and as it is (in real time).
#include <deferred/deferred.hpp>
#include <iostream>
#include <stdexcept>

using namespace std::chrono_literals;
using deferred::Pause;
using deferred::Waiter;

struct Door {
  explicit Door(const char* text) : name(text) {}
  const char* name;
  void yield_to(Waiter<void> waiter) const { waiter.resume(); }
};

deferred::Task<> visit(Door& front, Door& back) {
  for (Door* door : {&front, &back}) {
    try {
      co_await *door;
      std::cout << "  " << door->name << " opens\n";
      co_await Pause{5ms};
    } catch (const std::runtime_error& error) {
      std::cout << "  " << door->name << " " << error.what() << '\n';
    }
  }
}

int main() {
  deferred::Reactor reactor;
  Door front("the front door"), back("the back door");

  std::cout << "in a test, no time passes:\n";
  {
    const auto skip =
        reactor.registry().when_type<Pause>([](const Pause& pause, Waiter<void> waiter) {
          std::cout << "  (a pause of " << pause.delay / 1ms << " ms)\n";
          waiter.resume();
        });
    reactor.run(visit(front, back));
  }
  std::cout << "with one door jammed:\n";
  {
    const auto jam = reactor.registry().when_object(
        back, [](Door&, Waiter<void> waiter) { waiter.throw_(std::runtime_error("is jammed")); });
    reactor.run(visit(front, back));
  }
  std::cout << "as it is:\n";
  return reactor.run(visit(front, back));
}
