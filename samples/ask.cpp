// SPDX-License-Identifier: MIT
//
// Shows: somebody is asked, in a single line, whose answer is read in a thread that blocks; the
// reactor goes on meanwhile, and counts the seconds. (resumeback's first example)
// Prints: the sum of the numbers that it is given, until the end of the input. The seconds go to
// the standard error.
#include <deferred/deferred.hpp>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using deferred::Reply;
using deferred::Task;

// The callback interface. At the end of the input it drops the callback. Nothing can end a thread
// that reads, so nobody waits for it: a sender may outlive the reactor.
void ask(const std::string& question, std::function<void(std::string)> answered) {
  std::cout << question << std::flush;
  std::thread([answered = std::move(answered)] {
    std::string line;
    if (std::getline(std::cin, line)) answered(line);
  }).detach();
}

Task<> add_up() {
  long sum = 0;
  for (;;) {
    std::string line;
    try {
      Reply<std::string> reply;
      ask("a number, please: ", reply.send());
      line = co_await reply;
    } catch (const deferred::AbandonedError&) {
      break;
    }
    std::istringstream words(line);
    long number = 0;
    if (words >> number && (words >> std::ws).eof()) {
      sum += number;
      std::cout << "that makes " << sum << '\n';
    } else {
      std::cout << '"' << line << "\" is none\n";
    }
  }
  std::cout << "\nthe sum is " << sum << '\n';
}

Task<> count_seconds() {
  for (int seconds = 5;; seconds += 5) {
    co_await deferred::Pause{5s};
    std::cerr << "(" << seconds << " s have gone by)\n";
  }
}

Task<> main_task() { co_await race(add_up(), count_seconds()); }

int main() {
  std::ios::sync_with_stdio(false);  // else a thread that reads has the lock that exit() wants
  std::cin.tie(nullptr);             // it does not write
  deferred::Reactor reactor;
  return reactor.run(main_task());
}
