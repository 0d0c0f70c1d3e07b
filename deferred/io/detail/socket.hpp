// SPDX-License-Identifier: MIT
//
// Socket: a non-blocking TCP socket and the tasks that wait on it; Address: whom it talks to. The
// shared half of TcpStream, TcpListener and connect(). The system calls are in socket.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deferred/io/detail/readiness.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io::detail {

/// An IPv4 or IPv6 address with a port, as the kernel writes it.
class Address {
 public:
  /// Those that a host stands for, most wanted first: "localhost" is ::1 and then 127.0.0.1.
  /// Throws Errc::not_an_address, with `what` before it.
  static std::vector<Address> of(std::string_view host, std::uint16_t port,
                                 const std::string& what);

  std::string text() const;  // "127.0.0.1:80", "[::1]:80"
  std::uint16_t port() const noexcept;
  friend bool operator==(const Address& a, const Address& b) noexcept;

 private:
  friend class Socket;
  int family() const noexcept;

  static constexpr std::size_t room = 28;  // of a sockaddr_in6
  alignas(8) std::array<std::byte, room> bytes_{};
  unsigned length_ = room;
};

/// "HOST:PORT" for a message, with brackets around an IPv6 address.
std::string host_and_port(std::string_view host, std::uint16_t port);

/// A descriptor that is closed at the end, unless it was given away.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  DEFERRED_API ~Descriptor();
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;  // -1: none
};

// What errors begin with.
inline constexpr const char* reading = "read from ";
inline constexpr const char* writing = "write to ";

/// Owned by its stream or listener and by the tasks that wait on it, so that a stream may be moved
/// or dropped meanwhile. A stream's is made with make(), and counted by its SocketPointers.
class Socket {
 public:
  /// A new one of the address's family. `what` is put before an error.
  Socket(Reactor& reactor, const Address& family_of, std::string peer, const std::string& what);
  /// Takes over a descriptor that accept() gave.
  DEFERRED_API Socket(Reactor& reactor, Descriptor fd, std::string peer) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(); }

  /// Ends the waits on it with Errc::closed.
  void close() noexcept;

  // Each throws std::system_error; nothing means that it would block. REQUIRES where it is so:
  // open.

  /// 0 is the end of what the peer sends. Notes whether there may be more.
  std::optional<std::size_t> receive(std::span<char> into);
  /// True if it is better to wait than to try to receive: the last time all there was was taken, or
  /// the task has gone on for long without a wait. Not twice in a row.
  bool should_wait_first() noexcept { return std::exchange(drained_, false) || has_run_long(); }
  /// Receives onto the end of `unread`, at most so much.
  std::optional<std::size_t> receive_more(std::size_t at_most);
  std::optional<std::size_t> send(std::string_view data);
  void shutdown_write();
  /// What the connection attempt says: true if it has come about, false if it is under way.
  bool connect(const Address& to, std::error_code& error);
  bool finish_connect(std::error_code& error);
  void listen_on(const Address& at, int backlog, const std::string& what);
  struct Accepted {
    Descriptor fd;
    Address peer;
  };
  /// Skips connections that were gone before they were taken.
  std::optional<Accepted> accept();
  Address local() const;
  /// Small messages leave at once: what is written in one call is meant to go.
  void send_without_delay() noexcept;

  /// Throws Errc::closed, Errc::busy: "read from PEER: ...".
  void require_open(const char* what) const {
    if (fd < 0) [[unlikely]]
      throw_closed(what);
  }
  [[noreturn]] void throw_closed(const char* what) const;
  [[noreturn]] void throw_busy(const char* what) const;

  /// True once in a while: after so many calls that did not have to wait, the task should give the
  /// others a turn.
  bool has_run_long() noexcept {
    if (++without_wait < 64) return false;
    without_wait = 0;
    return true;
  }
  /// Every wait for one of the two goes through this.
  Readiness& begin_to_wait(Readiness& direction) noexcept {
    without_wait = 0;
    return direction;
  }
  Readiness::Wait wait_readable() noexcept { return begin_to_wait(readable).wait(); }
  Readiness::Wait wait_writable() noexcept { return begin_to_wait(writable).wait(); }

  /// Received, not consumed yet.
  std::string_view unread_part() const noexcept {
    return std::string_view(unread).substr(consumed);
  }
  /// Drops its first bytes. REQUIRES: there are as many.
  void consume(std::size_t bytes) noexcept;
  /// Moves what fits into `buffer`, and gives how much that was.
  std::size_t take_unread(std::span<char> buffer) noexcept;

  Reactor& reactor;
  int fd;            // -1: closed
  std::string peer;  // of a listener, its own address
  bool listens = false;
  bool reading = false;  // a task reads, or accepts
  bool writing = false;
  std::string unread;        // empty, or more than what is consumed of it
  std::size_t consumed = 0;  // of unread
  Readiness readable;
  Readiness writable;

 private:
  friend class SocketPointer;
  unsigned without_wait = 0;
  bool drained_ = false;
  bool much_comes_ = false;  // a read has filled its room
  unsigned refs_ = 0;        // SocketPointers; none counts a listener's
};

/// Owns a socket with others. All on the reactor's thread: the count is not atomic.
class SocketPointer {
 public:
  SocketPointer() noexcept = default;
  template <class... A>
  static SocketPointer make(A&&... arguments) {
    return SocketPointer(new Socket(std::forward<A>(arguments)...));
  }
  SocketPointer(const SocketPointer& other) noexcept : socket_(other.socket_) {
    if (socket_) ++socket_->refs_;
  }
  SocketPointer(SocketPointer&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
  SocketPointer& operator=(SocketPointer other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~SocketPointer() {
    if (socket_ && --socket_->refs_ == 0) destroy();
  }

  explicit operator bool() const noexcept { return socket_ != nullptr; }
  Socket& operator*() const noexcept { return *socket_; }
  Socket* operator->() const noexcept { return socket_; }

 private:
  explicit SocketPointer(Socket* made) noexcept : socket_(made) { ++made->refs_; }
  DEFERRED_API void destroy() noexcept;  // a call: else each await would hold it all

  Socket* socket_ = nullptr;
};

/// A task's right to read or write, for the life of one operation.
class Claim {
 public:
  Claim(const Socket& socket, bool& taken, const char* what) : taken_(taken) {
    socket.require_open(what);
    if (taken) socket.throw_busy(what);
    taken = true;
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() { taken_ = false; }

 private:
  bool& taken_;
};

}  // namespace deferred::io::detail
