// SPDX-License-Identifier: MIT
//
// Shows: a TCP server. At most 100 clients are served at a time, each by a task of its own; at
// Ctrl-C nobody new is let in, and those who are there have five seconds to come to an end.
// Prints: where it listens.
#include <csignal>
#include <iostream>

#include "mirror.hpp"

using namespace deferred;
using namespace std::chrono_literals;

Task<> server(std::string endpoint) {
  io::Listener listener = io::listen(endpoint);
  std::cout << "listening on " << listener.local() << std::endl;
  co_await with_nursery([&](Nursery& nursery) -> Task<> {
    const Signal end{SIGINT, SIGTERM};
    nursery.spawn(io::serve(listener, mirror, io::ServeOptions(100, 5s)));
    co_await end;
    listener.close();
  });
}

int main(int argc, char** argv) {
  Reactor reactor;
  return reactor.run(server(argc > 1 ? argv[1] : "tcp:localhost:4000"));
}
