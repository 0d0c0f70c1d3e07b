// SPDX-License-Identifier: MIT
//
// The load of W8: `bench_echo_load PORT CONNECTIONS`. For each number N read from stdin it sends N
// messages of 64 bytes in all, at most one under way on each connection, waits until all have come
// back, and prints the seconds that took. The connections stay from one number to the next; the end
// of stdin is its end. Always the same, whatever the server is: lean, on epoll.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <vector>

namespace {

constexpr std::size_t message_size = 64;
using Message = std::array<char, message_size>;

struct Connection {
  int fd = -1;
  std::size_t missing = 0;  // bytes of the message under way that have not come back
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("load: socket");
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("load: connect");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

class Load {
 public:
  Load(std::uint16_t port, std::size_t connections) : connections_(connections) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) fail("load: epoll_create1");
    for (Connection& connection : connections_) {
      connection.fd = connect_to(port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &connection;
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0) fail("load: epoll_ctl");
    }
  }

  void run(std::size_t messages) {
    to_send_ = to_come_ = messages;
    for (Connection& connection : connections_) send_next(connection);
    std::array<epoll_event, 256> events;
    while (to_come_ != 0) {
      const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      if (ready < 0 && errno != EINTR) fail("load: epoll_wait");
      for (int i = 0; i < ready; ++i) {
        receive(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
      }
    }
  }

 private:
  void send_next(Connection& connection) {
    if (to_send_ == 0) return;
    --to_send_;
    connection.missing = message_size;
    const Message message{};  // 64 bytes always fit: nothing else is under way
    if (::send(connection.fd, message.data(), message_size, MSG_NOSIGNAL) != message_size) {
      fail("load: send");
    }
  }
  void receive(Connection& connection) {
    Message message;
    const auto got = ::recv(connection.fd, message.data(), connection.missing, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) fail("load: the server closed a connection");
    connection.missing -= static_cast<std::size_t>(got);
    if (connection.missing != 0) return;
    --to_come_;
    send_next(connection);
  }

  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::size_t to_send_ = 0;  // messages
  std::size_t to_come_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_echo_load PORT CONNECTIONS <counts\n");
    return 2;
  }
  Load load(static_cast<std::uint16_t>(std::atoi(argv[1])),
            static_cast<std::size_t>(std::atoi(argv[2])));
  std::size_t messages = 0;
  while (std::cin >> messages) {
    const auto start = std::chrono::steady_clock::now();
    load.run(messages);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::cout << taken.count() << std::endl;
  }
}
