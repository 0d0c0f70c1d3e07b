// SPDX-License-Identifier: MIT
//
// TcpStream: a TCP connection, read and written by tasks. Made by connect() (connect.hpp) and
// TcpListener::accept() (tcp_listener.hpp). Next: netstring.hpp (messages over a stream).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "deferred/io/transfer.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred::io {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/// A connection. Move-only; dropping it closes it. At most one task reads and one writes at a time:
/// another is told so (Errc::busy). What the functions below return does what they say when it is
/// awaited or spawned; it may outlive the stream, whose close() ends it with Errc::closed.
///
/// Every await in io/ that may read, write, connect or accept is a cancel point, whether it has to
/// wait or not: in a cancelled task it throws Cancelled, and has done nothing. (A one-shot cancel
/// is for the next await that waits.)
///
/// All errors are std::system_error, with the operation and the peer in what(): "read from
/// 127.0.0.1:10002: Connection reset by peer". Writing to a peer that is gone is such an error
/// (EPIPE) and never a signal.
///
/// A task that is cancelled while it reads loses no byte: the next read gives it. (One that is
/// closed takes with it what has just come for it.)
class [[nodiscard]] DEFERRED_API TcpStream {
 public:
  /// No connection, as after a move: closed.
  TcpStream() noexcept = default;
  /// For connect() and accept().
  explicit TcpStream(detail::SocketPointer socket) noexcept;
  TcpStream(TcpStream&& other) noexcept = default;
  TcpStream& operator=(TcpStream&& other) noexcept;
  ~TcpStream() { close(); }

  /// Reads what is there, at least one byte, and gives how many; 0 is the end of what the peer
  /// sends. REQUIRES: `buffer` is not empty, and lives until it is done.
  ReadSome read_some(std::span<char> buffer) { return ReadSome(socket_, buffer); }
  /// Reads until the peer has sent its last. Errc::too_long after more than `limit` bytes; they
  /// are not lost either.
  Task<std::string> read_to_end(std::size_t limit = 64 << 20);
  /// Is done when the kernel has taken all of `data`: waits as long as the peer does not read.
  /// Cancelled, it has sent some first part of it. REQUIRES: `data` lives until it is done.
  WriteAll write_all(std::string_view data) { return WriteAll(socket_, data); }

  /// What has been received but not consumed, for readers of messages. Valid until the next read.
  std::string_view buffered() const noexcept;
  /// Waits for more and appends it to buffered(); false at the end of what the peer sends.
  Task<bool> read_more();
  /// Drops the first bytes of buffered(). REQUIRES: there are as many.
  void consume(std::size_t bytes) noexcept;

  /// Tells the peer that no more comes; reading goes on. Errc::busy while a task writes.
  void shutdown_write();
  /// Closes it now; tasks that wait on it get Errc::closed. What was written is still delivered.
  void close() noexcept;
  bool is_open() const noexcept;

  /// "127.0.0.1:10002", "[::1]:10002"; also when closed. Empty without a connection.
  std::string peer() const;
  /// This side's address. REQUIRES, as the two below: is_open().
  std::string local() const;
  /// For socket options. Stays the stream's.
  int fd() const noexcept;
  /// Where its tasks run; awaiting it on another reactor is a std::logic_error.
  /// Throws std::system_error(Errc::closed) if this was moved from.
  Reactor& reactor() const;

 private:
  detail::SocketPointer socket_;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred::io
