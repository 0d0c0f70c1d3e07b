// SPDX-License-Identifier: MIT
//
// Stream: a connection of bytes, read and written by tasks, whatever it is made of. Made by
// connect() (connect.hpp), Listener::accept() (listener.hpp) and make_stream(), of a transport.
// Protocols take a Stream&. Next: serve.hpp, lines.hpp (messages over a stream).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "deferred/io/read_write.hpp"
#include "deferred/io/transport.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/results/any_duration.hpp"
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
class [[nodiscard]] DEFERRED_API Stream {
 public:
  /// No connection, as after a move: closed.
  Stream() noexcept = default;
  /// Over a transport that nobody else reads or writes.
  explicit Stream(TransportPointer transport) noexcept : transport_(std::move(transport)) {}
  Stream(Stream&& other) noexcept = default;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream() { close(); }

  /// Reads what is there, at least one byte, and gives how many; 0 is the end of what the peer
  /// sends. REQUIRES: `buffer` is not empty, and lives until it is done.
  ReadSome read_some(std::span<char> buffer) { return ReadSome(transport_, buffer); }
  /// Fills `buffer`. Errc::ended if the peer ends before; what had come then, or when it is
  /// cancelled, is what the next read gives. REQUIRES: it lives until it is done.
  Task<void> read_exactly(std::span<char> buffer);
  /// Reads until the peer has sent its last. Errc::too_long after more than `limit` bytes; they
  /// are not lost either.
  Task<std::string> read_to_end(std::size_t limit = 64 << 20);

  /// Writes a first part of `data`, as soon as at least a byte of it can be, and gives how many.
  /// Cancelled, it has written nothing. REQUIRES: `data` lives until it is done.
  WriteSome write_some(std::string_view data) { return WriteSome(transport_, data); }
  /// Is done when the kernel has taken all of `data`: waits as long as the peer does not read.
  ///
  /// Cut - cancelled, timed out, closed - when some first part of it had gone, it leaves a message
  /// that has no end: from then on writing, and shutdown_write(), throw Errc::cut_write, which
  /// tells how much had gone; reading goes on. Who wants to write on all the same uses
  /// write_some(). REQUIRES: `data` lives until it is done.
  WriteAll write_all(std::string_view data) { return WriteAll(transport_, data); }

  /// What has been received but not consumed, for readers of messages; the other reads give it
  /// first. Valid until the next read or consume().
  std::string_view buffered() const noexcept;
  /// Where in buffered() the first such byte is, or std::string_view::npos. What it has looked at
  /// it does not look at again for the same byte, until some of it is consumed: however small the
  /// pieces are that come, and whatever was cut meanwhile.
  std::size_t find_buffered(char byte) noexcept;
  /// Waits for more and appends it to buffered(); false at the end of what the peer sends.
  Task<bool> read_more();
  /// Drops the first bytes of buffered(). REQUIRES: there are as many.
  void consume(std::size_t bytes) noexcept;

  /// Tells the peer that no more comes; reading goes on. Of a pipe, that closes its end. Errc::busy
  /// while a task writes. Cancelled, it may have been said or not.
  Task<void> shutdown_write();
  /// Closes it now, without a wait; tasks that wait on it get Errc::closed. What was written is
  /// still delivered - unless something was received that nobody has read: then TCP says reset, and
  /// the peer may lose the last that was written. linger_close() takes care of that.
  void close() noexcept;
  /// The same, and the peer is told that it is an error: of TCP, reset.
  void abort() noexcept;
  bool is_open() const noexcept { return transport_ && transport_->is_open(); }

  /// "127.0.0.1:10002", "[::1]:10002"; also when closed. Empty without a connection.
  std::string peer() const;
  /// This side's address. REQUIRES: is_open().
  std::string local() const;
  /// How much was received from below, buffered() included, and how much was taken for the peer.
  std::uint64_t bytes_read() const noexcept { return transport_ ? transport_->read_ : 0; }
  std::uint64_t bytes_written() const noexcept { return transport_ ? transport_->written_ : 0; }

  /// What it is made of: for socket options, `transport().descriptor()`, and for transports over
  /// this one. Throws std::system_error(Errc::closed) if this was moved from.
  Transport& transport() const;
  /// Where its tasks run; awaiting it on another reactor is a std::logic_error, if it has to wait.
  /// Throws as transport().
  Reactor& reactor() const;

 private:
  // They own the transport with the stream, which may be moved or dropped while they wait.
  [[gnu::visibility("hidden")]] static Task<void> read_exactly_of(TransportPointer transport,
                                                                  std::span<char> buffer);
  [[gnu::visibility("hidden")]] static Task<std::string> read_to_end_of(TransportPointer transport,
                                                                        std::size_t limit);
  [[gnu::visibility("hidden")]] static Task<bool> read_more_of(TransportPointer transport);
  [[gnu::visibility("hidden")]] static Task<void> shutdown_write_of(TransportPointer transport);

  TransportPointer transport_;
};

/// A stream over a transport of one's own: `make_stream<MyTransport>(arguments...)`.
template <class T, class... A>
Stream make_stream(A&&... arguments) {
  return Stream(TransportPointer::make<T>(std::forward<A>(arguments)...));
}

/// Ends a connection to a peer that may still be sending, so that it gets the last that was
/// written: says that no more comes, reads and drops until the peer ends, at most so much and so
/// long, and closes. What the peer or the kernel says against it is no error any more. Cancelled,
/// it closes at once. REQUIRES: `stream` outlives the task.
DEFERRED_API Task<void> linger_close(Stream& stream, std::size_t most = 64 << 10,
                                     AnyDuration most_time = std::chrono::seconds(2));

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred::io
