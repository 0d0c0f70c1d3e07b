// SPDX-License-Identifier: MIT
//
// Shows: the echo server of pyos. With a port it serves until it is interrupted; without one it
// serves clients of its own, and kills the server when they are gone.
// Prints: what the clients were sent back. Which tasks have terminated goes to the standard error.
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "samples/pyos/echo.hpp"

using namespace pyos;

Task<> talk(std::uint16_t port, std::vector<std::string> words, std::string& heard) {
  const Socket socket = co_await connect_to(port);
  for (const std::string& word : words) {
    co_await send(socket, word);
    for (std::size_t got = 0; got < word.size();) {
      const std::string part = co_await recv(socket, word.size() - got);
      if (part.empty()) throw std::runtime_error("the server has hung up");
      heard += part;
      got += part.size();
    }
  }
}

Task<> serve_own_clients() {
  Socket listener = listen_on(0);
  const std::uint16_t port = port_of(listener);
  const Tid server = co_await NewTask(echo_server(std::move(listener)));

  const std::vector<std::string> one{"Is ", "anybody ", "there?"};
  const std::vector<std::string> two{"Not ", "a ", "soul."};
  std::string heard_by_one;
  std::string heard_by_two;
  const Tid first = co_await NewTask(talk(port, one, heard_by_one));
  const Tid second = co_await NewTask(talk(port, two, heard_by_two));
  co_await WaitTask(first);
  co_await WaitTask(second);
  std::cout << heard_by_one << '\n' << heard_by_two << '\n';
  co_await KillTask(server);
}

int main(int argc, char** argv) {
  deferred::Reactor reactor;
  Scheduler scheduler(reactor, std::cerr);
  if (argc == 1) {
    scheduler.create(serve_own_clients());
  } else {
    std::uint16_t port = 0;
    const char* const end = argv[1] + std::strlen(argv[1]);
    const auto read = std::from_chars(argv[1], end, port);
    if (argc > 2 || read.ec != std::errc() || read.ptr != end) {
      std::cerr << "usage: echo_server [PORT]\n";
      return 2;
    }
    Socket listener = listen_on(port);
    std::cout << "echoing on port " << port_of(listener) << std::endl;
    scheduler.create(echo_server(std::move(listener)));
  }
  scheduler.mainloop();
}
