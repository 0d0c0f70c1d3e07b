// SPDX-License-Identifier: MIT
//
// Shows: a Value holds anything, and can be awaited without knowing what: a script's operand, a
// plug-in's result. A type with a handler means what it always does; for other types the reactor is
// asked for one that was registered at run time, and without any the co_await throws.
// Prints: what came of each step of a small script.
#include <deferred/deferred.hpp>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using deferred::Task;
using deferred::Value;
using deferred::Waiter;

Task<std::string> greeting() { co_return "hello"; }

Task<> interpret(std::vector<Value> script) {
  for (Value& step : script) {
    try {
      Value result = co_await std::move(step);
      if (const int* number = result.get_if<int>()) {
        std::cout << "the number " << *number << '\n';
      } else if (const std::string* text = result.get_if<std::string>()) {
        std::cout << "the text " << *text << '\n';
      } else {
        std::cout << (result.has_value() ? "something else\n" : "nothing\n");
      }
    } catch (const deferred::UnknownYieldable& error) {
      std::cout << "an error: " << error.what() << '\n';
    }
  }
}

int main() {
  deferred::Reactor reactor;
  const auto numbers = reactor.registry().when_type<double>(
      [](double number, Waiter<int> waiter) { waiter.resume(static_cast<int>(number)); });

  std::vector<Value> script;
  script.emplace_back(deferred::succeed(42));  // a Deferred<int>
  script.emplace_back(greeting());             // a Task<std::string>
  script.emplace_back(deferred::Pause{1ms});   // has no result
  script.emplace_back(2.75);                   // means something since it was registered
  script.emplace_back('x');                    // means nothing
  return reactor.run(interpret(std::move(script)));
}
