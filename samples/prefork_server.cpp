// SPDX-License-Identifier: MIT
//
// Shows: a server of several processes: the socket is opened first, without a reactor, then each
// child makes a reactor of its own and listens on it; the kernel divides the connections.
// Prints: how many questions its parent has asked, and how the children have ended, by SIGTERM.
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <deferred/deferred.hpp>
#include <iostream>
#include <string>
#include <vector>

using namespace deferred;

Task<> answer(io::Stream client) {
  const std::string asked = co_await client.read_to_end();
  co_await client.write_all("you asked: " + asked);
}

int serve_in_child(io::Descriptor socket) {
  Reactor reactor;
  io::Listener listener = io::listen(reactor, std::move(socket));
  const auto until_told = [&]() -> Task<int> {
    try {
      co_await io::serve(listener, answer);
    } catch (const Cancelled&) {  // by SIGTERM: run() does that
    }
    co_return 0;
  };
  return reactor.run(until_told());
}

Task<std::string> ask(std::string endpoint, std::string question) {
  io::Stream server = co_await io::connect(endpoint);
  co_await server.write_all(question);
  co_await server.shutdown_write();
  co_return co_await server.read_to_end();
}

Task<int> ask_many(std::string endpoint) {
  int answered = 0;
  for (int i = 0; i < 30; ++i) {
    const std::string question = std::to_string(i);
    const std::string heard = co_await ask(endpoint, question);
    if (heard == "you asked: " + question) ++answered;
  }
  co_return answered;
}

int main() {
  const std::string endpoint = "unix:@deferred-sample-" + std::to_string(::getpid());
  io::Descriptor socket = io::open_listener(endpoint);
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    const pid_t child = ::fork();
    if (child == 0) return serve_in_child(std::move(socket));
    children.push_back(child);
  }
  socket.close();

  Reactor reactor;
  std::cout << reactor.run(ask_many(endpoint)) << " answers" << std::endl;
  for (const pid_t child : children) {
    int status = 0;
    ::kill(child, SIGTERM);
    ::waitpid(child, &status, 0);
    std::cout << "a child ended with " << status << std::endl;
  }
  return 0;
}
