// SPDX-License-Identifier: MIT
//
// TcpListener: takes connections. Next: tcp_stream.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "deferred/io/tcp_stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/// A listening socket. Move-only; dropping it closes it. One task accepts at a time. Errors are
/// std::system_error: "listen on 127.0.0.1:80: Permission denied".
class [[nodiscard]] DEFERRED_API TcpListener {
 public:
  /// Listens from now on, at an IPv4 or IPv6 address of this machine ("0.0.0.0" and "::" are all of
  /// them; "localhost" is 127.0.0.1). Port 0 picks a free one. `backlog`: how many connections the
  /// kernel keeps until they are accepted.
  TcpListener(Reactor& reactor, std::string_view host, std::uint16_t port, int backlog = 1024);
  /// The same on Reactor::current().
  TcpListener(std::string_view host, std::uint16_t port, int backlog = 1024);
  TcpListener(TcpListener&&) noexcept = default;
  TcpListener& operator=(TcpListener&& other) noexcept;
  ~TcpListener() { close(); }

  /// Waits for a connection. Those that were gone before they were taken are passed over. When the
  /// process or the machine is out of descriptors or memory, that is thrown, and the next accept()
  /// rests before it tries again, 5 ms at first and 80 ms at most. Errc::closed and Errc::busy come
  /// a turn later: a loop that only reports errors keeps nobody from his turns, but it is busy; it
  /// should end on Errc::closed. Cancelled, it takes no connection.
  Task<TcpStream> accept();

  /// Closes it now; a task that accepts gets Errc::closed. Accepted connections are not touched.
  void close() noexcept;
  bool is_open() const noexcept;

  /// Where it listens, also when closed: "127.0.0.1:10001".
  std::string local() const;
  std::uint16_t port() const noexcept;
  /// For socket options. Stays the listener's. REQUIRES: is_open().
  int fd() const noexcept;
  /// Throws std::system_error(Errc::closed) if this was moved from.
  Reactor& reactor() const;

 private:
  struct Shared;
  [[gnu::visibility("hidden")]] static Task<TcpStream> accept_on(std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;  // with the coroutines of accept(); null after a move
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred::io
