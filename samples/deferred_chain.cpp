// SPDX-License-Identifier: MIT
//
// Shows: a Deferred is a result that will come, and a chain of what to do with it. Callbacks run
// inside Promise::callback(), with no reactor at all; an error skips to the next errback that knows
// its type; a callback that returns a Deferred makes the chain wait for it.
// Prints: what each line of three orders comes to.
#include <deferred/results.hpp>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

using deferred::Deferred;
using deferred::make_deferred;
using deferred::Promise;

int main() {
  // Somebody else's operation: it hands out the consuming end and keeps the other.
  Promise<int> shipped;
  const auto ship = [&shipped](int amount) -> Deferred<int> {
    if (amount > 100) throw std::out_of_range("we have no " + std::to_string(amount));
    auto [promise, deferred] = make_deferred<int>();
    shipped = std::move(promise);
    return std::move(deferred);
  };

  for (const std::string text : {"7", "700", "seven"}) {
    std::cout << "order " << text << '\n';
    auto [ordered, order] = make_deferred<std::string>();
    std::move(order)
        .add_callback([](const std::string& amount) { return std::stoi(amount); })
        .add_callback(ship)
        .add_callback([](int amount) { return std::to_string(amount) + " on the way"; })
        .add_errback([](const std::out_of_range& error) { return std::string(error.what()); })
        .add_errback([](const std::invalid_argument&) { return std::string("not a number"); })
        .add_callback([](const std::string& answer) { std::cout << "  " << answer << '\n'; })
        .detach();

    ordered.callback(text);  // runs the chain, here, as far as it goes
    if (shipped.valid()) {
      std::cout << "  (it waits for the ship)\n";
      std::exchange(shipped, {}).callback(7);
    }
  }
}
