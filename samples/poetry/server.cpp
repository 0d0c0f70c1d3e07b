// SPDX-License-Identifier: MIT
#include "samples/poetry/server.hpp"

#include <deferred/deferred.hpp>

#include <csignal>
#include <iostream>

namespace poetry {
namespace {

using namespace deferred;

void tell(const std::exception& error) { std::cerr << error.what() << std::endl; }

Task<int> serve_until(const Signal& stop, io::Listener& listener, const Answer& answer) {
  io::ServeOptions options;
  options.on_error = tell;
  Task<> serving = io::serve(listener, answer, options);
  const auto until_told = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(std::move(serving));
    co_await stop;
    nursery.cancel();
  };
  co_await with_nursery(until_told);
  co_return 0;
}

}  // namespace

int serve(const ServerArguments& arguments, const std::string& what, Answer answer) {
  try {
    Reactor reactor;
    const Signal stop(reactor, {SIGINT, SIGTERM});
    io::Listener listener = io::listen(reactor, arguments.host, arguments.port);
    std::cout << "serving " << what << " on " << listener.local() << std::endl;
    return reactor.run(serve_until(stop, listener, answer));
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}

}  // namespace poetry
