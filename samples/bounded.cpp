// SPDX-License-Identifier: MIT
//
// Shows: five pages are fetched, at most two at once. for_each_at_most() begins the next when one
// is done, in the order of the list. The first error cancels those that are on their way, waits for
// them, and is thrown; no further one is begun.
// Prints: when each begins and ends; then the same with a page that does not exist.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using deferred::Task;

struct Page {
  std::string name;
  std::chrono::seconds takes;
};

Task<> fetch(deferred::Reactor& reactor, const Page& page) {
  const auto now = [&] { return reactor.now().time_since_epoch() / 1s; };
  std::cout << now() << " s: " << page.name << " begins\n";
  try {
    co_await deferred::Pause{page.takes};
  } catch (const deferred::Cancelled&) {
    std::cout << now() << " s: " << page.name << " is cancelled\n";
    throw;
  }
  if (page.name == "missing") throw std::runtime_error("404");
  std::cout << now() << " s: " << page.name << " is there\n";
}

Task<int> fetch_all(deferred::Reactor& reactor) {
  const auto fetch_one = [&](const Page& page) { return fetch(reactor, page); };
  std::vector<Page> pages = {{"a", 3s}, {"b", 1s}, {"c", 1s}, {"d", 2s}, {"e", 1s}};
  co_await deferred::for_each_at_most(2, pages, fetch_one);

  pages[1].name = "missing";
  try {
    co_await deferred::for_each_at_most(2, pages, fetch_one);
  } catch (const std::runtime_error& error) {
    std::cout << "not all: " << error.what() << '\n';
  }
  co_return 0;
}

int main() {
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  return reactor.run(fetch_all(reactor));
}
