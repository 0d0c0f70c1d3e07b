// SPDX-License-Identifier: MIT
//
// Ours: `bench_echo_deferred BACKEND`, a microthread a connection (serve.hpp). Without an
// argument it prints the backends of this build.
#include <cstdio>

#include "../backends.hpp"
#include "deferred/io.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/spawn.hpp"
#include "serve.hpp"
#include "server.hpp"

namespace {

using namespace deferred;

Task<> accept_all(Reactor& reactor, io::Listener& listener) {
  while (true) {
    io::Stream stream = co_await listener.accept();
    spawn(reactor, echo::serve(std::move(stream))).detach();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !bench::backends.contains(argv[1])) {
    for (const auto& [name, make] : bench::backends) std::printf("%s\n", name.c_str());
    return argc == 1 ? 0 : 2;
  }
  Reactor reactor{bench::backends.at(argv[1])()};
  io::Listener listener = io::listen(reactor, "127.0.0.1", 0);
  echo::announce(listener.port());
  return reactor.run(accept_all(reactor, listener));
}
