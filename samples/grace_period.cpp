// SPDX-License-Identifier: MIT
//
// Shows: a server that is told to stop. It takes nobody new, gives those it has a grace period, and
// cuts off who is not done by then; all as one nursery, which is a member of the server.
// Prints: who came, and how each of them went.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>
#include <string>

using namespace std::chrono_literals;
using deferred::Pause;
using deferred::Task;

class Server {
 public:
  void take(std::string client, deferred::Duration work) {
    if (!stopping_) return clients_.spawn(serve(std::move(client), work)).detach();
    std::cout << client << " is turned away\n";
  }
  // True if all were done in time.
  Task<bool> stop(deferred::Duration grace) {
    stopping_ = true;
    std::cout << "stopping, with " << clients_.size() << " clients\n";
    co_return co_await deferred::move_on_after(grace, clients_);
  }

 private:
  static Task<> serve(std::string client, deferred::Duration work) {
    std::cout << client << " is served\n";
    try {
      co_await Pause{work};
      std::cout << client << " is done\n";
    } catch (const deferred::Cancelled&) {
      std::cout << client << " is cut off\n";
      throw;
    }
  }

  deferred::Nursery clients_;
  bool stopping_ = false;
};

Task<> main_task() {
  Server server;
  server.take("Ann", 1s);
  server.take("Bob", 3s);
  server.take("Cid", 60s);
  co_await Pause{2s};
  const auto late = deferred::Reactor::current().call_later(500ms, [&] { server.take("Dan", 1s); });
  const bool in_time = co_await server.stop(5s);
  std::cout << (in_time ? "all were done\n" : "the grace period is over\n");
}

int main() {
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  return reactor.run(main_task());
}
