// SPDX-License-Identifier: MIT
#include "deferred/io/detail/fd_transport.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <utility>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/detail/socket.hpp"
#include "deferred/io/errors.hpp"

namespace deferred::io::detail {
namespace {

/// Keeps SIGPIPE, for which write() to a pipe has no flag, from the process, whose disposition of
/// it is not ours: blocked for the call, and taken away if it was raised by it.
class WithoutSigpipe {
 public:
  WithoutSigpipe() noexcept {
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  ~WithoutSigpipe() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  void take_away() noexcept {
    if (was_pending_) return;
    const timespec at_once{};
    while (::sigtimedwait(&sigpipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }

 private:
  sigset_t sigpipe_;
  sigset_t before_;
  bool was_pending_;
};

std::ptrdiff_t write_quietly(int fd, std::string_view data) noexcept {
  WithoutSigpipe quiet;
  const auto written = ::write(fd, data.data(), data.size());
  const int error = errno;
  if (written < 0 && error == EPIPE) quiet.take_away();
  errno = error;
  return written;
}

}  // namespace

bool FdSide::is_ready(short events) const noexcept {
  pollfd one{fd_.fd(), events, 0};
  return ::poll(&one, 1, 0) > 0;
}

std::ptrdiff_t FdSide::read(std::span<char> into) const noexcept {
  while (true) {
    if (shared_ && !is_ready(POLLIN)) {
      errno = EAGAIN;
      return -1;
    }
    const auto got = ::read(fd_.fd(), into.data(), into.size());
    if (got >= 0 || errno != EINTR) return got;
  }
}

std::ptrdiff_t FdSide::write(std::string_view data) const noexcept {
  while (true) {
    if (shared_) {
      if (!is_ready(POLLOUT)) {
        errno = EAGAIN;
        return -1;
      }
      // What is writable has room for so much: pipe(7). A terminal says less.
      data = data.substr(0, is_terminal() ? 64 : PIPE_BUF);
    }
    const auto written =
        is_pipe() ? write_quietly(fd_.fd(), data) : ::write(fd_.fd(), data.data(), data.size());
    if (written >= 0 || errno != EINTR) return written;
  }
}

void FdSideReadiness::arm() {
  if (!side_.can_be_watched()) {
    next_turn_ = reactor().call_later(Duration::zero(), [this] { report(); });
  } else if (watch_.active()) {
    watch_.set_interest(direction_);
  } else {
    watch_ = reactor().watch(side_.fd(), direction_, [this] { report(); });
  }
}

void FdSideReadiness::disarm() noexcept {
  next_turn_ = DelayedCall();
  try {
    watch_.set_interest(Ready::none);
  } catch (...) {
    // A report too many is harmless.
  }
}

FdTransport::FdTransport(Reactor& reactor, FdSide in, FdSide out, std::string peer) noexcept
    : Transport(reactor, std::move(peer), in_readable_, out_writable_),
      in_(std::move(in)),
      out_(std::move(out)),
      in_readable_(reactor, in_, Ready::read),
      out_writable_(reactor, out_, Ready::write) {}

std::optional<std::size_t> FdTransport::try_read(std::span<char> into) {
  if (!in_) throw std::system_error(Errc::not_supported, reading + peer());
  const auto got = in_.read(into);
  if (got >= 0) {
    // A pipe gives all it has; a terminal a line at a time.
    drained = in_.is_pipe() && static_cast<std::size_t>(got) < into.size();
    return static_cast<std::size_t>(got);
  }
  if (would_block()) return std::nullopt;
  if (errno == EIO && in_.is_terminal()) return 0;  // its other side is closed: pty(7)
  throw std::system_error(last_error(), reading + peer());
}

std::optional<std::size_t> FdTransport::try_write(std::string_view data) {
  if (!out_) {
    throw std::system_error(wrote_its_last_ ? std::make_error_code(std::errc::broken_pipe)
                                            : make_error_code(Errc::not_supported),
                            writing + peer());
  }
  const auto written = out_.write(data);
  if (written >= 0) return static_cast<std::size_t>(written);
  if (would_block()) return std::nullopt;
  throw std::system_error(last_error(), writing + peer());
}

bool FdTransport::try_shutdown_write() {
  if (!out_ && !wrote_its_last_) {
    throw std::system_error(Errc::not_supported, shutting_down + peer());
  }
  wrote_its_last_ = true;
  out_writable_.forget();
  out_.close();
  return true;
}

void FdTransport::do_close(Ending) noexcept {
  in_readable_.forget();
  out_writable_.forget();
  in_.close();
  out_.close();
}

}  // namespace deferred::io::detail
