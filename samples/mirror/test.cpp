// SPDX-License-Identifier: MIT
//
// Shows: how a server is tested in virtual time. The sockets are real, the clock is not: it stands
// still while anything goes on, and jumps over the minute in which nothing does.
// Prints: a line for each thing that was checked.
#include <iostream>
#include <reactors/virtual_time.hpp>

#include "mirror.hpp"

using namespace deferred;
using namespace std::chrono_literals;

int failed = 0;
void check(bool holds, const char* what) {
  std::cout << (holds ? "ok: " : "NOT SO: ") << what << '\n';
  if (!holds) ++failed;
}

Task<> lines_come_back(std::string server) {
  io::Stream stream = co_await io::connect(server);
  co_await stream.write_all("stressed\n");
  const auto line = co_await io::read_line(stream);
  check(line == "desserts", "a line comes back, backwards");
}

Task<> the_silent_are_let_go(std::string server) {
  io::Stream stream = co_await io::connect(server);
  const TimePoint begun = Reactor::current().now();
  const auto line = co_await io::read_line(stream);
  check(!line, "a client that says nothing is let go");
  check(Reactor::current().now() - begun == 1min, "after a minute");
}

Task<int> all_tests() {
  io::Listener listener = io::listen("tcp:127.0.0.1:0");
  const std::string server = "tcp:" + listener.local();
  co_await with_nursery([&](Nursery& nursery) -> Task<> {
    nursery.spawn(io::serve(listener, mirror));
    co_await lines_come_back(server);
    co_await the_silent_are_let_go(server);
    listener.close();
  });
  co_return failed;
}

int main() {
  reactors::VirtualTime time;
  Reactor reactor{time};
  return reactor.run(all_tests());
}
