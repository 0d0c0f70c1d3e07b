// SPDX-License-Identifier: MIT
//
// The sockets of samples/pyos, and its echo server, on the loopback: real descriptors, no clock.
#include "samples/pyos/sockets.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "samples/pyos/echo.hpp"
#include "tests/pyos/system.hpp"

using namespace pyos;

namespace {

std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

/// So many bytes, or fewer if the end comes first.
Task<std::string> recv_all(const Socket& socket, std::size_t size) {
  std::string heard;
  while (heard.size() < size) {
    const std::string part = co_await recv(socket, size - heard.size());
    if (part.empty()) break;
    heard += part;
  }
  co_return heard;
}

Task<> talk(std::uint16_t port, int number, int messages, int& echoed) {
  const Socket socket = co_await connect_to(port);
  for (int i = 0; i < messages; ++i) {
    const std::string said = std::to_string(number) + " says " + std::string(i * 100, '.');
    co_await send(socket, said);
    const std::string heard = co_await recv_all(socket, said.size());
    if (heard == said) ++echoed;
  }
}

TEST_CASE_FIXTURE(System, "200 clients at once are sent back all that they say") {
  const auto before = open_descriptors();
  int echoed = 0;
  const auto main_task = [&]() -> Task<> {
    Socket listener = listen_on(0);
    const std::uint16_t port = port_of(listener);
    const Tid server = co_await NewTask(echo_server(std::move(listener)));
    std::vector<Tid> clients;
    for (int i = 0; i < 200; ++i) {
      clients.push_back(co_await NewTask(talk(port, i, 5, echoed)));
    }
    for (const Tid client : clients) co_await WaitTask(client);
    co_await KillTask(server);
  };
  scheduler.create(main_task());

  scheduler.mainloop();

  CHECK(echoed == 1000);
  CHECK(reactor.watch_count() == 0);
  CHECK(reactor.task_count() == 0);
  CHECK(open_descriptors() == before);
}

TEST_CASE_FIXTURE(System, "what is larger than the sockets hold is sent and received at once") {
  const std::string much(4 << 20, 'x');
  std::string heard;
  const auto main_task = [&]() -> Task<> {
    Socket listener = listen_on(0);
    const std::uint16_t port = port_of(listener);
    const Tid server = co_await NewTask(echo_server(std::move(listener)));
    const Socket socket = co_await connect_to(port);
    co_await NewTask(send(socket, much));
    heard = co_await recv_all(socket, much.size());
    co_await KillTask(server);
  };
  scheduler.create(main_task());

  scheduler.mainloop();

  CHECK(heard == much);
}

TEST_CASE_FIXTURE(System, "a client that resets its connection ends its own task, not the server") {
  int echoed = 0;
  const auto is_rude = [](std::uint16_t port) -> Task<> {
    const Socket socket = co_await connect_to(port);
    const linger at_once{1, 0};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    co_await send(socket, "you will not be able to");
    co_await recv(socket, 1);
  };
  const auto main_task = [&]() -> Task<> {
    Socket listener = listen_on(0);
    const std::uint16_t port = port_of(listener);
    const Tid server = co_await NewTask(echo_server(std::move(listener)));
    const Tid rude = co_await NewTask(is_rude(port));
    co_await WaitTask(rude);
    const Tid polite = co_await NewTask(talk(port, 1, 3, echoed));
    co_await WaitTask(polite);
    co_await KillTask(server);
  };
  scheduler.create(main_task());

  scheduler.mainloop();

  CHECK(echoed == 3);
  CHECK(unhandled.take() == std::vector<std::string>{"recv: Connection reset by peer"});
}

TEST_CASE_FIXTURE(System, "a client that nobody listens to is refused") {
  std::uint16_t port = 0;
  {
    const Socket listener = listen_on(0);
    port = port_of(listener);
  }
  std::error_code code;
  const auto connects = [&]() -> Task<> {
    try {
      co_await connect_to(port);
    } catch (const std::system_error& error) {
      code = error.code();
    }
  };
  scheduler.create(connects());

  scheduler.mainloop();

  CHECK(code == std::errc::connection_refused);
}

TEST_CASE_FIXTURE(System, "of several tasks that accept each client has one") {
  int accepted = 0;
  std::vector<Tid> acceptors;
  const auto main_task = [&]() -> Task<> {
    const Socket listener = listen_on(0);
    const auto accepts = [&]() -> Task<> {
      const Socket client = co_await accept(listener);
      ++accepted;
    };
    for (int i = 0; i < 3; ++i) acceptors.push_back(co_await NewTask(accepts()));
    for (int i = 0; i < 2; ++i) {
      const Socket client = co_await connect_to(port_of(listener));
      co_await recv(client, 1);
    }
    CHECK(accepted == 2);
    for (const Tid acceptor : acceptors) co_await KillTask(acceptor);
  };
  scheduler.create(main_task());

  scheduler.mainloop();

  CHECK(accepted == 2);
}

TEST_CASE_FIXTURE(System, "a task that is killed in the middle of a send closes what it owns") {
  const auto before = open_descriptors();
  const auto sends = [](Socket socket) -> Task<> {
    co_await send(socket, std::string(4 << 20, 'x'));
  };
  const auto main_task = [&]() -> Task<> {
    Pair pair;
    const Tid sender = co_await NewTask(sends(std::move(pair.near)));
    co_await yield_control(10);
    co_await KillTask(sender);
    std::string heard = "some";
    while (!heard.empty()) heard = co_await recv(pair.far, 1 << 16);
  };
  scheduler.create(main_task());

  scheduler.mainloop();

  CHECK(terminated() == "2 1 ");
  CHECK(open_descriptors() == before);
}

}  // namespace
