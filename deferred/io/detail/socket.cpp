// SPDX-License-Identifier: MIT
#include "deferred/io/detail/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "deferred/io/errors.hpp"

namespace deferred::io::detail {
namespace {

constexpr std::size_t chunk = 64 * 1024;  // what one receive_more() takes at most
constexpr std::size_t least_room = 2048;  // that it makes for that

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }
bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK; }

// Of a connection that is gone before it was accepted; accept(2): "treat them like EAGAIN by
// retrying".
bool is_of_the_connection(int error) noexcept {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string host_and_port(std::string_view host, std::uint16_t port) {
  std::string text(host);
  if (host.find(':') != std::string_view::npos) text = "[" + text + "]";
  return text + ":" + std::to_string(port);
}

std::vector<Address> Address::of(std::string_view host, std::uint16_t port,
                                 const std::string& what) {
  static_assert(sizeof(sockaddr_in6) <= room);
  std::vector<Address> found;
  const auto add4 = [&](const char* text) {
    sockaddr_in to{};
    if (::inet_pton(AF_INET, text, &to.sin_addr) != 1) return;
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    Address& address = found.emplace_back();
    std::memcpy(address.bytes_.data(), &to, sizeof to);
    address.length_ = sizeof to;
  };
  const auto add6 = [&](const char* text) {
    sockaddr_in6 to{};
    if (::inet_pton(AF_INET6, text, &to.sin6_addr) != 1) return;
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    Address& address = found.emplace_back();
    std::memcpy(address.bytes_.data(), &to, sizeof to);
    address.length_ = sizeof to;
  };
  const std::string name(host);
  if (name == "localhost") {
    add6("::1");
    add4("127.0.0.1");
  } else if (name.find('\0') == std::string::npos) {
    add4(name.c_str());
    add6(name.c_str());
  }
  if (found.empty()) throw std::system_error(Errc::not_an_address, what);
  return found;
}

std::string Address::text() const {
  char host[INET6_ADDRSTRLEN] = "?";
  if (family() == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, bytes_.data(), sizeof six);
    ::inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof host);
  } else {
    sockaddr_in four{};
    std::memcpy(&four, bytes_.data(), sizeof four);
    ::inet_ntop(AF_INET, &four.sin_addr, host, sizeof host);
  }
  return host_and_port(host, port());
}

int Address::family() const noexcept {
  sockaddr any{};
  std::memcpy(&any, bytes_.data(), sizeof any);
  return any.sa_family;
}

// The port stands at the same place in both families.
std::uint16_t Address::port() const noexcept {
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  sockaddr_in any{};
  std::memcpy(&any, bytes_.data(), sizeof any);
  return ntohs(any.sin_port);
}

bool operator==(const Address& a, const Address& b) noexcept {
  return a.length_ == b.length_ &&
         std::equal(a.bytes_.begin(), a.bytes_.begin() + a.length_, b.bytes_.begin());
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Socket::Socket(Reactor& owner, const Address& family_of, std::string whom, const std::string& what)
    : Socket(
          owner,
          Descriptor(::socket(family_of.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
          std::move(whom)) {
  if (fd < 0) throw std::system_error(last_error(), what);
}

Socket::Socket(Reactor& owner, Descriptor taken, std::string whom) noexcept
    : reactor(owner),
      fd(taken.release()),
      peer(std::move(whom)),
      readable(owner, fd, Ready::read),
      writable(owner, fd, Ready::write) {}

void Socket::close() noexcept {
  if (fd < 0) return;
  readable.end(listens ? "accept on " : "read from ", peer);
  writable.end("write to ", peer);
  ::close(std::exchange(fd, -1));
}

void Socket::throw_closed(const char* what) const {
  throw std::system_error(Errc::closed, what + peer);
}

void Socket::throw_busy(const char* what) const {
  throw std::system_error(Errc::busy, what + peer);
}

std::optional<std::size_t> Socket::receive(std::span<char> into) {
  while (true) {
    const auto got = ::recv(fd, into.data(), into.size(), 0);
    if (got >= 0) {
      // A stream gives all it has, as far as there is room: epoll(7).
      drained_ = static_cast<std::size_t>(got) < into.size();
      return static_cast<std::size_t>(got);
    }
    if (would_block()) return std::nullopt;
    if (errno != EINTR) throw std::system_error(last_error(), "read from " + peer);
  }
}

// Room is made first, for what has been received cannot be given back: little, until the first time
// that more had come than there was room for.
std::optional<std::size_t> Socket::receive_more(std::size_t at_most) {
  const std::size_t wanted = much_comes_ ? chunk : least_room;
  if (unread.capacity() - unread.size() < wanted) {
    unread.reserve(std::max(2 * unread.capacity(), unread.size() + wanted));
  }
  char bytes[chunk];
  const std::size_t room = std::min(unread.capacity() - unread.size(), chunk);
  const auto got = receive(std::span<char>(bytes, std::min(at_most, room)));
  if (!got) return got;
  much_comes_ = much_comes_ || *got == room;
  unread.append(bytes, *got);
  return got;
}

std::optional<std::size_t> Socket::send(std::string_view data) {
  while (true) {
    const auto sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (would_block()) return std::nullopt;
    if (errno != EINTR) throw std::system_error(last_error(), "write to " + peer);
  }
}

void Socket::consume(std::size_t bytes) noexcept {
  consumed += bytes;
  if (consumed >= unread.size()) {
    unread.clear();
    consumed = 0;
  } else if (consumed > unread.size() / 2) {
    unread.erase(0, consumed);
    consumed = 0;
  }
}

std::size_t Socket::take_unread(std::span<char> buffer) noexcept {
  const std::size_t taken = unread_part().copy(buffer.data(), buffer.size());
  consume(taken);
  return taken;
}

void Socket::shutdown_write() {
  if (::shutdown(fd, SHUT_WR) != 0) {
    throw std::system_error(last_error(), "shut down writing to " + peer);
  }
}

bool Socket::connect(const Address& to, std::error_code& error) {
  if (::connect(fd, reinterpret_cast<const sockaddr*>(to.bytes_.data()), to.length_) == 0) {
    return finish_connect(error);
  }
  // After a signal the attempt goes on: connect(2), EINTR.
  if (errno != EINPROGRESS && errno != EINTR) error = last_error();
  return false;
}

bool Socket::finish_connect(std::error_code& error) {
  int result = 0;
  socklen_t size = sizeof result;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) != 0) result = errno;
  if (result != 0) {
    error = std::error_code(result, std::generic_category());
    return false;
  }
  // A socket that was given the very port it wants to reach is connected to itself: nobody listens.
  Address other;
  other.length_ = Address::room;
  auto* const name = reinterpret_cast<sockaddr*>(other.bytes_.data());
  if (::getpeername(fd, name, &other.length_) != 0) {
    if (errno != ENOTCONN) error = last_error();
    return false;
  }
  if (other == local()) {
    error = std::make_error_code(std::errc::connection_refused);
    return false;
  }
  return true;
}

void Socket::listen_on(const Address& at, int backlog, const std::string& what) {
  listens = true;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(at.bytes_.data()), at.length_) != 0 ||
      ::listen(fd, backlog) != 0) {
    throw std::system_error(last_error(), what);
  }
}

std::optional<Socket::Accepted> Socket::accept() {
  while (true) {
    Address from;
    from.length_ = Address::room;
    const int taken = ::accept4(fd, reinterpret_cast<sockaddr*>(from.bytes_.data()), &from.length_,
                                SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (taken >= 0) return Accepted{Descriptor(taken), from};
    if (would_block()) return std::nullopt;
    if (!is_of_the_connection(errno)) throw std::system_error(last_error(), "accept on " + peer);
  }
}

Address Socket::local() const {
  Address here;
  here.length_ = Address::room;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(here.bytes_.data()), &here.length_) != 0) {
    throw std::system_error(last_error(), "local address of the connection to " + peer);
  }
  return here;
}

void Socket::send_without_delay() noexcept {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void SocketPointer::destroy() noexcept { delete socket_; }

}  // namespace deferred::io::detail
