// SPDX-License-Identifier: MIT
//
// Transport: what a Stream is made of; who writes one of his own, with its laws, has a stream that
// all protocols take. Knows no tasks: it says what it can do now, and its two Readiness objects
// tell when to try again. Next: stream.hpp; testing/stream_conformance.hpp holds the laws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "deferred/io/detail/counted.hpp"
#include "deferred/io/readiness.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

namespace detail {
struct TransportAccess;
}

class Transport;
/// Owns a transport with others: a stream, and what waits on it.
using TransportPointer = detail::Counted<Transport>;

/// How a transport ends.
enum class Ending : std::uint8_t {
  polite,  ///< What was written is delivered; the peer reads an end.
  cut,    ///< A write was cut in its middle: as polite, but where the protocol can say that the end
          ///< is a clean one (TLS: close_notify), it does not.
  reset,  ///< At once; the peer is told that it is an error, where that can be.
};

/// A connection of bytes, in both directions. On its reactor's thread only.
///
/// The laws:
/// 1. What is ready when Readiness::arm() is called is reported all the same, in a later turn.
///    Bytes inside the transport - a buffer, an inbox - are ready, whatever a descriptor below
///    says.
/// 2. What try_write() says it has taken goes out without a further call, and what is written after
///    it may be anything.
/// 3. An error stays: it is thrown by the next try, or flush, of its direction and by all after,
///    also one that came up while nobody asked.
/// 4. The directions are independent: the end or the error of one does not end the other.
/// 5. A report too many is allowed, one too few is not: who waits tries again at each.
/// 6. do_close() runs no user code. Readiness::report() may run callbacks of who waits, which may
///    drop the transport: so it is called last.
/// 7. After do_close() nothing below is touched. Nor is it once the reactor is gone.
/// 8. `drained` is true only if nothing is left anywhere below.
/// 9. No exception passes a C function: it is kept, and thrown again behind it.
class DEFERRED_API Transport {
 public:
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // What it can do now. REQUIRES: is_open().

  /// Reads what is there; 0 is the end of what the peer sends; nothing: it would have to wait for
  /// readable(). Throws std::system_error, "read from PEER". REQUIRES: `into` is not empty.
  virtual std::optional<std::size_t> try_read(std::span<char> into) = 0;
  /// Takes a first part, at least a byte, and says how much; nothing: it would have to wait for
  /// writable(). Throws std::system_error, "write to PEER". REQUIRES: `data` is not empty.
  virtual std::optional<std::size_t> try_write(std::string_view data) = 0;
  /// True when all that was taken has reached the kernel; false: ask again when writable. Asked
  /// only where `keeps_output`. Throws as try_write() does.
  virtual bool try_flush() { return true; }
  /// Says that no more comes. True when it has been said; false: ask again when writable.
  virtual bool try_shutdown_write() = 0;
  /// This side's address, as text.
  virtual std::string local() const { return {}; }
  /// For socket options; -1 where there is none. Stays the transport's.
  virtual int descriptor() const noexcept { return -1; }

  Readiness& readable() const noexcept { return readable_; }
  Readiness& writable() const noexcept { return writable_; }
  Reactor& reactor() const noexcept { return reactor_; }
  /// Whom it talks to, for messages.
  const std::string& peer() const noexcept { return peer_; }
  bool is_open() const noexcept { return open_; }
  /// True if the last try_read() has taken all there was: it is better to wait than to try.
  bool is_drained() const noexcept { return drained; }

  /// Closes it: waits on it end with Errc::closed. Once; further calls do nothing.
  void close(Ending how) noexcept;

 protected:
  /// The two may be members of the class that derives from this.
  Transport(Reactor& reactor, std::string peer, Readiness& readable, Readiness& writable) noexcept
      : reactor_(reactor), peer_(std::move(peer)), readable_(readable), writable_(writable) {}
  /// One that was never closed does at its end what `Ending::polite` does.
  virtual ~Transport() = default;

  /// Of close(), after the waits were ended.
  virtual void do_close(Ending how) noexcept = 0;

  /// try_flush() may be false.
  bool keeps_output = false;
  /// See law 8; try_read() sets it.
  bool drained = false;

 private:
  friend TransportPointer;
  friend struct detail::TransportAccess;
  friend class Stream;
  friend class ReadSome;
  friend class WriteSome;
  friend class WriteAll;
  class Claim;

  // The stream's, here because there is one of each and no call is to be between.

  /// True once in a while: after so many calls that did not have to wait, the task should give the
  /// others a turn.
  bool has_run_long() noexcept {
    if (++without_wait_ < 64) return false;
    without_wait_ = 0;
    return true;
  }
  bool should_wait_first() noexcept { return std::exchange(drained, false) || has_run_long(); }
  /// Every wait for one of the two goes through this.
  Readiness& begin_to_wait(Readiness& direction) noexcept {
    without_wait_ = 0;
    return direction;
  }
  std::optional<std::size_t> read_now(std::span<char> into) {
    const auto got = try_read(into);
    if (got) read_ += *got;
    return got;
  }
  std::optional<std::size_t> write_now(std::string_view data) {
    const auto taken = try_write(data);
    if (taken) written_ += *taken;
    return taken;
  }
  /// Reads onto the end of unread_, at most so much.
  [[gnu::visibility("hidden")]] std::optional<std::size_t> read_onto_unread(std::size_t at_most);
  std::string_view unread() const noexcept { return std::string_view(unread_).substr(consumed_); }
  /// Drops its first bytes. REQUIRES: there are as many.
  [[gnu::visibility("hidden")]] void consume(std::size_t bytes) noexcept;
  /// The first such byte of unread(), or npos. Goes on where it has ended, for the same byte.
  [[gnu::visibility("hidden")]] std::size_t find_unread(char byte) noexcept;
  /// Moves what fits into `buffer`, and gives how much that was.
  [[gnu::visibility("hidden")]] std::size_t take_unread(std::span<char> buffer) noexcept;
  /// What the writer of `of` bytes leaves behind, of which so many were taken.
  void end_write(std::size_t taken, std::size_t of) noexcept {
    writing_ = taken != 0 && taken != of;
    if (writing_) note_cut(taken, of);
  }
  void note_cut(std::size_t taken, std::size_t of) noexcept;

  /// Throws Errc::closed, Errc::cut_write, Errc::busy: "read from PEER: ...".
  [[noreturn, gnu::cold, gnu::visibility("hidden")]] void refuse(const char* what) const;
  void require_open(const char* what) const {
    if (!open_) [[unlikely]]
      refuse(what);
  }

  unsigned owners_ = 0;
  unsigned without_wait_ = 0;
  std::uint32_t searched_ = 0;  // of unread(): no searched_for_ is in it; more is searched again
  Reactor& reactor_;
  std::string peer_;
  Readiness& readable_;
  Readiness& writable_;
  bool open_ = true;
  bool reading_ = false;     // a task reads
  bool writing_ = false;     // a task writes, or cut_of_ is not 0
  bool much_comes_ = false;  // a read onto unread_ has filled its room
  char searched_for_ = 0;
  std::string unread_;        // empty, or more than what is consumed of it
  std::size_t consumed_ = 0;  // of unread_
  std::uint64_t read_ = 0;
  std::uint64_t written_ = 0;
  std::size_t cut_after_ = 0;  // of the write that was cut
  std::size_t cut_of_ = 0;
};

/// A task's right to read or write, for the life of one operation.
class Transport::Claim {
 public:
  Claim(const Transport& transport, bool& taken, const char* what) : taken_(taken) {
    if (!transport.open_ || taken) transport.refuse(what);
    taken = true;
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() { taken_ = false; }

 private:
  bool& taken_;
};

}  // namespace deferred::io
