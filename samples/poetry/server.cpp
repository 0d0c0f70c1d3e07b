// SPDX-License-Identifier: MIT
#include "samples/poetry/server.hpp"

#include <deferred/tasks/spawn.hpp>
#include <deferred/yieldables/readable.hpp>

#include <signal.h>
#include <sys/signalfd.h>

#include <iostream>

namespace poetry {
namespace {

using deferred::Reactor;
using deferred::Task;
using deferred::io::TcpListener;
using deferred::io::TcpStream;
using Answer = std::function<Task<void>(TcpStream)>;

// One connection's failure is its own.
Task<void> answer_one(const Answer& answer, TcpStream stream) {
  const std::string peer = stream.peer();
  try {
    co_await answer(std::move(stream));
  } catch (const std::exception& error) {
    std::cerr << peer << ": " << error.what() << std::endl;
  }
}

Task<void> answer_all(Reactor& reactor, TcpListener& listener, const Answer& answer) {
  while (true) {
    try {
      TcpStream stream = co_await listener.accept();
      spawn(reactor, answer_one(answer, std::move(stream)));
    } catch (const std::exception& error) {
      std::cerr << error.what() << std::endl;
    }
  }
}

// SIGINT and SIGTERM as something to read: what is readable can be waited for. Open until the end
// of the program.
int open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

Task<int> serve_until(int signals, Reactor& reactor, TcpListener& listener, const Answer& answer) {
  spawn(reactor, answer_all(reactor, listener, answer));
  co_await deferred::Readable(signals);
  co_return 0;
}

}  // namespace

int serve(const ServerArguments& arguments, const std::string& what, Answer answer) {
  const int signals = open_signals();
  try {
    Reactor reactor;
    TcpListener listener(reactor, arguments.host, arguments.port);
    std::cout << "serving " << what << " on " << listener.local() << std::endl;
    return reactor.run(serve_until(signals, reactor, listener, answer));
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}

}  // namespace poetry
