// SPDX-License-Identifier: MIT
#include "server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif

namespace echo {
namespace {

void require(bool well, const char* what) {
  if (well) return;
  std::perror(what);
  std::exit(1);
}

std::int64_t microseconds(const timeval& time) {
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec;
}

// A signal handler: no stdio, no allocation.
void print_costs(int) {
#ifdef CALLGRIND_DUMP_STATS
  CALLGRIND_DUMP_STATS;
#endif
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  char line[64];
  char* end = std::to_chars(line, line + 30, microseconds(used.ru_utime)).ptr;
  *end++ = ' ';
  end = std::to_chars(end, end + 30, microseconds(used.ru_stime)).ptr;
  *end++ = '\n';
  [[maybe_unused]] const auto written =
      ::write(STDOUT_FILENO, line, static_cast<std::size_t>(end - line));
}

}  // namespace

int listen_on_loopback() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  require(listener >= 0, "socket");
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0, "bind");
  require(::listen(listener, 1024) == 0, "listen");
  return listener;
}

std::uint16_t port_of(int socket) {
  sockaddr_in at{};
  socklen_t size = sizeof at;
  require(::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size) == 0, "getsockname");
  return ntohs(at.sin_port);
}

int accept_from(int listener) {
  const int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket >= 0) send_without_delay(socket);
  return socket;
}

void send_without_delay(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void announce(std::uint16_t port) {
  struct sigaction action{};
  action.sa_handler = print_costs;
  action.sa_flags = SA_RESTART;
  require(::sigaction(SIGUSR2, &action, nullptr) == 0, "sigaction");
  std::printf("%d %ld\n", port, static_cast<long>(::getpid()));
  std::fflush(stdout);
}

}  // namespace echo
