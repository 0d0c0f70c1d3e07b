// SPDX-License-Identifier: MIT
//
// Shows: several at once, with one deadline for all. all() gives their values; where the time is up
// first, those that are still under way are cancelled, and have unwound before it is said.
// Prints: pages that came in time, then one that did not, and who was cut off.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using deferred::Pause;
using deferred::Task;

// As a page is fetched from somewhere that far away.
Task<std::string> fetch(std::string url, deferred::Duration takes) {
  try {
    co_await Pause{takes};
  } catch (const deferred::Cancelled&) {
    std::cout << "  " << url << " is cut off\n";
    throw;
  }
  co_return "the page of " + url;
}

Task<> fetch_all(std::vector<deferred::Duration> takes) {
  std::vector<Task<std::string>> pages;
  for (std::size_t i = 0; i < takes.size(); ++i) {
    pages.push_back(fetch("site " + std::to_string(i + 1), takes[i]));
  }
  try {
    const auto texts = co_await with_timeout(2s, all(std::move(pages)));
    for (const std::string& text : texts) std::cout << "  " << text << '\n';
  } catch (const deferred::TimeoutError&) {
    std::cout << "  that takes too long\n";
  }
}

Task<> main_task() {
  for (const deferred::Duration slowest : {1500ms, 5000ms}) {
    std::cout << "the slowest takes " << slowest / 1ms << " ms:\n";
    const std::vector<deferred::Duration> takes{1s, slowest, 500ms};
    co_await fetch_all(takes);
  }
}

int main() {
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  return reactor.run(main_task());
}
