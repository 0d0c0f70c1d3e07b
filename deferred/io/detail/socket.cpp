// SPDX-License-Identifier: MIT
#include "deferred/io/detail/socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "deferred/io/detail/native_address.hpp"
#include "deferred/io/detail/operations.hpp"
#include "deferred/io/detail/unix_path.hpp"
#include "deferred/io/errors.hpp"

namespace deferred::io::detail {
namespace {

bool set(int socket, int level, int option, int value) noexcept {
  return ::setsockopt(socket, level, option, &value, sizeof value) == 0;
}

Address name_of(int (*call)(int, sockaddr*, socklen_t*), int socket, const std::string& what) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (call(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    throw std::system_error(last_error(), what);
  }
  return Address::from_native(std::as_bytes(std::span(&name, 1)).first(size));
}

// Not for want of memory, which may be there the next time.
bool is_final(int error) noexcept { return error != ENOBUFS && error != ENOMEM; }

}  // namespace

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }
bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK; }

Descriptor new_socket(Address::Family family, bool datagrams, const std::string& what) {
  const int domain = family == Address::Family::ipv4   ? AF_INET
                     : family == Address::Family::ipv6 ? AF_INET6
                                                       : AF_UNIX;
  const int type = datagrams ? SOCK_DGRAM : SOCK_STREAM;
  Descriptor made(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) throw std::system_error(last_error(), what);
  return made;
}

int option(int socket, int name, const std::string& what) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket, SOL_SOCKET, name, &value, &size) != 0) {
    throw std::system_error(last_error(), what);
  }
  return value;
}

Descriptor bound_socket(const Address& at, bool datagrams, const ListenOptions& options,
                        const std::string& what) {
  Descriptor made = new_socket(at.family(), datagrams, what);
  if (at.family() == Address::Family::unix_domain || at.family() == Address::Family::unnamed) {
    bind_to_path(made.fd(), at, options.mode, what);
    return made;
  }
  // Of datagrams that would share the port: socket(7).
  if (!datagrams) set(made.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
  // Whatever the machine's setting is: "[::]" takes those who come by IPv4 too.
  if (at.family() == Address::Family::ipv6) set(made.fd(), IPPROTO_IPV6, IPV6_V6ONLY, !at.is_any());
  if (options.share_port && !set(made.fd(), SOL_SOCKET, SO_REUSEPORT, 1)) {
    throw std::system_error(last_error(), what);
  }
  if (::bind(made.fd(), native(at), size_of(at)) != 0) throw std::system_error(last_error(), what);
  return made;
}

Descriptor listening_socket(const Address& at, const ListenOptions& options,
                            const std::string& what) {
  Descriptor made = bound_socket(at, false, options, what);
  if (::listen(made.fd(), options.backlog) != 0) throw std::system_error(last_error(), what);
  return made;
}

void take_over(const Descriptor& socket, bool listens, const std::string& what) {
  const int fd = socket.fd();
  if (option(fd, SO_TYPE, what) != SOCK_STREAM || option(fd, SO_ACCEPTCONN, what) != listens) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument), what);
  }
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (!listens) return;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    throw std::system_error(last_error(), what);
  }
}

Address local_address(int socket, const std::string& what) {
  return name_of(::getsockname, socket, what);
}
Address peer_address(int socket, const std::string& what) {
  return name_of(::getpeername, socket, what);
}

bool begin_connect(int socket, const Address& to, std::error_code& error) {
  if (::connect(socket, native(to), size_of(to)) == 0) return finish_connect(socket, error);
  // After a signal the attempt goes on: connect(2), EINTR.
  if (errno != EINPROGRESS && errno != EINTR) error = last_error();
  return false;
}

bool finish_connect(int socket, std::error_code& error) {
  int result = 0;
  socklen_t result_size = sizeof result;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &result, &result_size) != 0) result = errno;
  if (result != 0) {
    error = std::error_code(result, std::generic_category());
    return false;
  }
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    if (errno != ENOTCONN) error = last_error();
    return false;
  }
  // A socket that was given the very port it wants to reach is connected to itself: nobody listens.
  const Address other = Address::from_native(std::as_bytes(std::span(&name, 1)).first(size));
  if (other.port() != 0 && other == local_address(socket, "connect")) {
    error = std::make_error_code(std::errc::connection_refused);
    return false;
  }
  return true;
}

// Fails where it is no TCP, which is well.
void send_without_delay(int socket) noexcept { set(socket, IPPROTO_TCP, TCP_NODELAY, 1); }

SocketTransport::SocketTransport(Reactor& reactor, Descriptor socket, std::string peer) noexcept
    : Transport(reactor, std::move(peer), socket_readable_, socket_writable_),
      socket_(std::move(socket)),
      socket_readable_(reactor, socket_.fd(), Ready::read),
      socket_writable_(reactor, socket_.fd(), Ready::write) {}

void SocketTransport::fail_reading(int error) {
  if (is_final(error)) read_error_ = error;
  throw std::system_error(error, std::generic_category(), reading + peer());
}
void SocketTransport::fail_writing(int error) {
  if (is_final(error)) write_error_ = error;
  // Of the connection: it would have been the reader's, who sees an end instead.
  if (error == ECONNRESET || error == ETIMEDOUT) read_error_ = error;
  throw std::system_error(error, std::generic_category(), writing + peer());
}

// What has come before an error is read first.
std::optional<std::size_t> SocketTransport::try_read(std::span<char> into) {
  while (true) {
    const auto got = ::recv(socket_.fd(), into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) {
      // A stream gives all it has, as far as there is room: epoll(7).
      drained = static_cast<std::size_t>(got) < into.size();
      return static_cast<std::size_t>(got);
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && !would_block()) fail_reading(errno);
    if (read_error_ != 0) fail_reading(read_error_);
    if (got == 0) return 0;
    return std::nullopt;
  }
}

std::optional<std::size_t> SocketTransport::try_write(std::string_view data) {
  if (write_error_ != 0) [[unlikely]]
    fail_writing(write_error_);
  while (true) {
    const auto sent = ::send(socket_.fd(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (would_block()) return std::nullopt;
    if (errno != EINTR) fail_writing(errno);
  }
}

bool SocketTransport::try_shutdown_write() {
  if (::shutdown(socket_.fd(), SHUT_WR) != 0) {
    throw std::system_error(last_error(), shutting_down + peer());
  }
  return true;
}

std::string SocketTransport::local() const {
  return local_address(socket_.fd(), "local address of the connection to " + peer()).text();
}

void SocketTransport::do_close(Ending how) noexcept {
  socket_readable_.forget();
  socket_writable_.forget();
  if (how == Ending::reset) {
    const linger at_once{1, 0};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  socket_.close();
}

}  // namespace deferred::io::detail
