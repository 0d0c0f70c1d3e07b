// SPDX-License-Identifier: MIT
//
// Shows: what to do in a catch. C++ has no await there, and in a task that is cancelled each await
// throws again: so what went wrong is noted, and rolled back behind the block, shielded, with a
// limit of its own.
// Prints: an order that goes through, one that fails, and one that is cancelled half-way.
#include <deferred/deferred.hpp>
#include <iostream>
#include <optional>
#include <reactors/virtual_time.hpp>
#include <stdexcept>

using namespace std::chrono_literals;
using deferred::Failure;
using deferred::Pause;
using deferred::Task;

Task<> charge(int pounds) {
  co_await Pause{20ms};  // the bank takes its time
  if (pounds > 100) throw std::runtime_error("the bank refuses " + std::to_string(pounds));
}

Task<> release(int rooms) {
  co_await Pause{10ms};
  std::cout << "  " << rooms << " room released\n";
}

Task<> book(int pounds) {
  std::cout << "  a room is reserved\n";
  std::optional<Failure> failed;
  try {
    co_await charge(pounds);
    std::cout << "  and paid for\n";
  } catch (...) {  // Cancelled too
    failed = Failure::current();
  }
  if (!failed) co_return;
  co_await deferred::shield(deferred::move_on_after(1s, release(1)));
  failed->raise();
}

Task<> main_task() {
  std::cout << "80 pounds:\n";
  co_await book(80);
  std::cout << "120 pounds:\n";
  const deferred::Outcome<void> refused = co_await as_outcome(book(120));
  std::cout << "  " << refused.failure().what() << '\n';
  std::cout << "80 pounds, and no patience:\n";
  const bool booked = co_await deferred::move_on_after(5ms, book(80));
  std::cout << (booked ? "  booked\n" : "  nothing is booked\n");
}

int main() {
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  return reactor.run(main_task());
}
