// SPDX-License-Identifier: MIT
//
// Shows: a server over lines, whose clients talk to each other; who is too slow holds up nobody;
// and how it ends when it is told to, with a goodbye to all. Try it: chat_server
// tcp:localhost:4000, and in other terminals: nc localhost 4000
// Prints: "chatting on HOST:PORT", and who went without a goodbye. SIGINT and SIGTERM end it, with
// status 0.
#include <csignal>
#include <iostream>
#include <string>

#include "samples/chat/chat.hpp"

using namespace deferred;

Task<int> serve(std::string endpoint) {
  const Signal stop{SIGINT, SIGTERM};
  chat::Rules rules;
  rules.on_error = [](const std::exception& error) { std::cerr << error.what() << std::endl; };
  chat::Chat chat(rules);
  io::Listener listener = io::listen(endpoint);
  std::cout << "chatting on " << listener.local() << std::endl;
  const auto until_told = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(chat.serve(listener));
    co_await stop;
    chat.say_goodbye(listener);
  };
  co_await with_nursery(until_told);
  co_return 0;
}

int main(int argc, char** argv) {
  try {
    Reactor reactor;
    return reactor.run(serve(argc > 1 ? argv[1] : "tcp:localhost:0"));
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}
