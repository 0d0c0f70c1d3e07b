// SPDX-License-Identifier: MIT
//
// Shows: a server that SIGTERM ends. It takes nobody new; who has asked for something gets his
// answer, within a time; and who has not is let go at once.
// Prints: that the server has ended, and what its clients have got.
#include <csignal>
#include <deferred/deferred.hpp>
#include <iostream>
#include <string>

using namespace std::chrono_literals;
using namespace deferred;

Task<> respond(io::Stream& client, std::string question) {
  co_await Pause{50ms};  // the work for it
  co_await client.write_all("an answer to " + question + "\n");
}

Task<> serve_one(io::Stream client) {
  while (true) {
    const auto question = co_await io::read_line(client);  // a cancel ends this
    if (!question) co_return;
    co_await shield(with_timeout(5s, respond(client, *question)));  // and waits for this
  }
}

// run() cancels it at SIGTERM and SIGINT, and with it the tasks of all connections.
Task<int> serve(io::Listener& listener) {
  try {
    co_await io::serve(listener, serve_one);
  } catch (const Cancelled&) {
    std::cout << "the server has ended\n";
  }
  co_return 0;
}

Task<std::string> ask(std::uint16_t port, std::string question) {
  io::Stream server = co_await io::connect("localhost", port);
  co_await server.write_all(question);
  const auto answer = co_await io::read_line(server);
  co_return answer.value_or("let go");
}

int main() {
  Reactor reactor;
  io::Listener listener = io::listen(reactor, "tcp:localhost:0");
  auto ann = spawn(reactor, ask(listener.port(), "when?\n"));
  auto bob = spawn(reactor, ask(listener.port(), ""));
  const auto told = reactor.call_later(20ms, [] { std::raise(SIGTERM); });
  const int status = reactor.run(serve(listener));
  std::cout << "Ann, who has asked: " << reactor.run_until(std::move(ann)) << "\n";
  std::cout << "Bob, who has not: " << reactor.run_until(std::move(bob)) << "\n";
  return status;
}
