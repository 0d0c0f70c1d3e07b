// SPDX-License-Identifier: MIT
#include "samples/poetry/server.hpp"

#include <deferred/deferred.hpp>

#include <csignal>
#include <iostream>

namespace poetry {
namespace {

using deferred::Nursery;
using deferred::Reactor;
using deferred::Signal;
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

Task<void> answer_all(Nursery& connections, TcpListener& listener, const Answer& answer) {
  while (true) {
    try {
      TcpStream stream = co_await listener.accept();
      connections.spawn(answer_one(answer, std::move(stream)));
    } catch (const std::system_error& error) {
      if (error.code() == deferred::io::Errc::closed) co_return;
      std::cerr << error.what() << std::endl;
    } catch (const std::exception& error) {
      std::cerr << error.what() << std::endl;
    }
  }
}

Task<int> serve_until(const Signal& stop, TcpListener& listener, const Answer& answer) {
  co_await deferred::with_nursery([&](Nursery& nursery) -> Task<void> {
    nursery.spawn(answer_all(nursery, listener, answer));
    co_await stop;
    nursery.cancel();
  });
  co_return 0;
}

}  // namespace

int serve(const ServerArguments& arguments, const std::string& what, Answer answer) {
  try {
    Reactor reactor;
    const Signal stop(reactor, {SIGINT, SIGTERM});
    TcpListener listener(reactor, arguments.host, arguments.port);
    std::cout << "serving " << what << " on " << listener.local() << std::endl;
    return reactor.run(serve_until(stop, listener, answer));
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}

}  // namespace poetry
