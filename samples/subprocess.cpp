// SPDX-License-Identifier: MIT
//
// Shows: child processes. run() takes one to its end, with all that it writes; a limit around it
// ends the child; Process is one to talk with.
// Prints: what four children have written, and how they have ended.
#include <deferred/deferred.hpp>
#include <iostream>

using namespace std::chrono_literals;
using namespace deferred;

Task<> sort_lines() {
  io::RunOptions options;
  options.given = "pears\napples\n";
  const io::Completed sorted = co_await io::run({"sort"}, options);
  std::cout << sorted.output;
}

Task<> look_for_nothing() {
  const io::Completed found = co_await io::run({"sh", "-c", "echo it is not there >&2; exit 3"});
  std::cout << found.exit.text() << ": " << found.errors;  // what it says is no exception
}

Task<> wait_for_ever() {
  try {
    co_await with_timeout(100ms, io::run({"sleep", "1000"}));
  } catch (const TimeoutError&) {
    std::cout << "it is not done in time, and is ended\n";
  }
}

Task<> talk() {
  io::Process cat = io::Process::start({"cat"});
  for (const std::string said : {"hello", "goodbye"}) {
    co_await cat.input.write_all(said + "\n");
    const auto heard = co_await with_timeout(5s, io::read_line(cat.output));
    std::cout << "cat says " << heard.value_or("nothing") << '\n';
  }
  cat.input.close();
  const io::Exit exit = co_await cat.wait();
  std::cout << "cat has " << exit.text() << '\n';
}

Task<> main_task() {
  co_await sort_lines();
  co_await look_for_nothing();
  co_await wait_for_ever();
  co_await talk();
}

int main() {
  Reactor reactor;
  return reactor.run(main_task());
}
