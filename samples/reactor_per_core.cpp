// SPDX-License-Identifier: MIT
//
// Shows: a server of several threads, each with a reactor and a socket of its own at the same port
// (share_port): the kernel divides the connections, and no thread waits for another.
// Prints: how many questions were answered, by all threads together.
#include <atomic>
#include <deferred/deferred.hpp>
#include <future>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

using namespace deferred;

std::atomic<int> answered{0};

Task<> answer(io::Stream client) {
  const std::string asked = co_await client.read_to_end();
  ++answered;
  co_await client.write_all(asked);
}

/// Serves in a thread of its own, until its end.
class Core {
 public:
  explicit Core(std::string endpoint) {
    std::promise<RemoteReactor> ready;
    std::future<RemoteReactor> is_ready = ready.get_future();
    thread_ = std::thread([&ready, endpoint] {
      Reactor reactor;
      io::Listener listener = io::listen(reactor, endpoint);
      spawn(reactor, io::serve(listener, answer));
      ready.set_value(reactor.remote());
      reactor.run();
    });
    reactor_.emplace(is_ready.get());
  }
  ~Core() {
    reactor_->stop();
    thread_.join();
  }

 private:
  std::optional<RemoteReactor> reactor_;
  std::thread thread_;
};

Task<> ask_many(std::string endpoint) {
  for (int i = 0; i < 40; ++i) {
    io::Stream server = co_await io::connect(endpoint);
    co_await server.write_all("a question");
    co_await server.shutdown_write();
    static_cast<void>(co_await server.read_to_end());
  }
}

Task<int> serve_and_ask(io::Listener& listener) {
  Task<> serving = io::serve(listener, answer);
  const auto both = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(std::move(serving));
    co_await ask_many("tcp:" + listener.local());
    nursery.cancel();
  };
  co_await with_nursery(both);
  co_return answered;
}

int main() {
  Reactor reactor;
  io::Listener listener = io::listen(reactor, "tcp:127.0.0.1:0:share_port=yes");
  const std::string same = "tcp:" + listener.local() + ":share_port=yes";
  Core second(same);
  Core third(same);
  std::cout << reactor.run(serve_and_ask(listener)) << " answers\n";
  return 0;
}
