// SPDX-License-Identifier: MIT
//
// Shows: a server that speaks in lines. Each connection is a task of its own, in which requests are
// read one after the other; what a client does wrong ends its connection only.
// Prints: what a client asks, and what it is told.
#include <deferred/deferred.hpp>
#include <iostream>
#include <map>
#include <string>

using namespace std::chrono_literals;
using namespace deferred;

const std::map<std::string, std::string> phones = {{"ann", "555 0143"}, {"bob", "555 0187"}};

Task<> answer(io::Stream client) {
  while (true) {
    const auto name = co_await with_timeout(1min, io::read_line(client, 100));
    if (!name) co_return;
    const auto found = phones.find(*name);
    const std::string told = found == phones.end() ? "nobody knows" : found->second;
    co_await with_timeout(1min, client.write_all(told + "\n"));
  }
}

Task<> ask(std::uint16_t port) {
  io::Stream server = co_await io::connect("localhost", port);
  for (const std::string name : {"ann", "bob", "cid"}) {
    co_await server.write_all(name + "\n");
    const auto told = co_await io::read_line(server);
    std::cout << name << ": " << told.value_or("the server has gone") << "\n";
  }
  co_await server.write_all(std::string(200, 'x'));
  const auto told = co_await io::read_line(server);
  std::cout << "a name of 200 letters: " << told.value_or("the server has gone") << "\n";
}

Task<> main_task() {
  io::Listener listener = io::listen("tcp:localhost:0");
  io::ServeOptions options;
  options.on_error = [](const std::exception& error) { std::cerr << error.what() << "\n"; };
  co_await with_nursery([&](Nursery& nursery) -> Task<> {
    nursery.spawn(io::serve(listener, answer, options));
    co_await ask(listener.port());
    listener.close();
  });
}

int main() {
  Reactor reactor;
  return reactor.run(main_task());
}
