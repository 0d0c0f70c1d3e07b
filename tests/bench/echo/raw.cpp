// SPDX-License-Identifier: MIT
//
// The floor of W8: `bench_echo_raw epoll|poll`, a loop over the bare system calls.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "server.hpp"

namespace {

// Sends all of it; where the peer does not read, everybody waits. This load always reads.
bool send_all(int fd, const char* data, std::size_t size) {
  while (size != 0) {
    const auto sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent >= 0) {
      data += sent;
      size -= static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

/// False at the end of the connection.
bool echo_once(int fd) {
  char buffer[echo::room];
  const auto got = ::recv(fd, buffer, sizeof buffer, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  return got != 0 && send_all(fd, buffer, static_cast<std::size_t>(got));
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

[[noreturn]] void serve_on_epoll(int listener) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const auto add = [epoll](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  };
  add(listener);
  std::array<epoll_event, 1024> events;
  while (true) {
    const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd != listener) {
        if (!echo_once(fd)) ::close(fd);
        continue;
      }
      for (int taken; (taken = echo::accept_from(listener)) >= 0;) add(taken);
    }
  }
}

[[noreturn]] void serve_on_poll(int listener) {
  std::vector<pollfd> fds{{listener, POLLIN, 0}};
  while (true) {
    int ready = ::poll(fds.data(), fds.size(), -1);
    if (ready < 0 && errno != EINTR) fail("poll");
    for (std::size_t i = fds.size(); ready > 0 && i-- > 1;) {
      if (fds[i].revents == 0) continue;
      --ready;
      if (echo_once(fds[i].fd)) continue;
      ::close(fds[i].fd);
      fds[i] = fds.back();
      fds.pop_back();
    }
    if (ready <= 0) continue;
    for (int taken; (taken = echo::accept_from(listener)) >= 0;) fds.push_back({taken, POLLIN, 0});
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc == 2 ? argv[1] : "";
  if (kind != "epoll" && kind != "poll") {
    std::fprintf(stderr, "usage: bench_echo_raw epoll|poll\n");
    return 2;
  }
  const int listener = echo::listen_on_loopback();
  echo::announce(echo::port_of(listener));
  kind == "epoll" ? serve_on_epoll(listener) : serve_on_poll(listener);
}
