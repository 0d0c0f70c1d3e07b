// SPDX-License-Identifier: MIT
#include "samples/pyos/sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace pyos {

namespace {

[[noreturn]] void fail(const char* what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

// Another task, or the system, was quicker: to be waited for again.
bool is_passing(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ECONNABORTED;
}

Socket new_socket() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) fail("socket");
  return socket;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket listen_on(std::uint16_t port) {
  Socket socket = new_socket();
  const int yes = 1;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in address = loopback(port);
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    fail("bind");
  }
  if (::listen(socket.fd(), SOMAXCONN) < 0) fail("listen");
  return socket;
}

std::uint16_t port_of(const Socket& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size) < 0) {
    fail("getsockname");
  }
  return ntohs(address.sin_port);
}

Task<Socket> accept(const Socket& listener) {
  for (;;) {
    co_await ReadWait(listener.fd());
    Socket client(::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client.fd() >= 0) co_return client;
    if (!is_passing(errno)) fail("accept");
  }
}

Task<Socket> connect_to(std::uint16_t port) {
  Socket socket = new_socket();
  const sockaddr_in address = loopback(port);
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    if (errno != EINPROGRESS) fail("connect");
    co_await WriteWait(socket.fd());
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) fail("connect", error);
  }
  co_return socket;
}

Task<> send(const Socket& socket, std::string text) {
  std::string_view left = text;
  while (!left.empty()) {
    co_await WriteWait(socket.fd());
    const ssize_t sent = ::send(socket.fd(), left.data(), left.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      left.remove_prefix(static_cast<std::size_t>(sent));
    } else if (!is_passing(errno)) {
      fail("send");
    }
  }
}

Task<std::string> recv(const Socket& socket, std::size_t most) {
  for (;;) {
    co_await ReadWait(socket.fd());
    std::string text(most, '\0');
    const ssize_t got = ::recv(socket.fd(), text.data(), text.size(), 0);
    if (got >= 0) {
      text.resize(static_cast<std::size_t>(got));
      co_return text;
    }
    if (!is_passing(errno)) fail("recv");
  }
}

}  // namespace pyos
