// SPDX-License-Identifier: MIT
#include "deferred/io/standard.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "deferred/io/detail/fd_transport.hpp"
#include "deferred/io/detail/socket.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::io {
namespace {

using detail::FdSide;
using detail::last_error;

Descriptor copy_of(int fd, const std::string& name) {
  Descriptor copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) throw std::system_error(last_error(), name);
  return copy;
}

// O_NONBLOCK belongs to the description, which the shell and its other children share: so it is set
// on one of our own, of the same file. Where it cannot be opened - another user's terminal, a pipe
// that nobody reads any more - the shared one is used, which is asked before each call.
FdSide side_of(int fd, FdSide::Kind kind, int direction, const std::string& name) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  Descriptor own(::open(path.c_str(), direction | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (own) return FdSide(std::move(own), kind, false);
  return FdSide(copy_of(fd, name), kind, true);
}

Stream standard(Reactor& reactor, int fd, const std::string& name) {
  struct stat found{};
  if (::fstat(fd, &found) != 0) throw std::system_error(last_error(), name);
  const bool is_input = fd == STDIN_FILENO;
  const auto stream_of = [&](FdSide::Kind kind) {
    FdSide side = side_of(fd, kind, is_input ? O_RDONLY : O_WRONLY, name);
    FdSide in = is_input ? std::move(side) : FdSide();
    return make_stream<detail::FdTransport>(reactor, std::move(in), std::move(side), name);
  };
  if (S_ISSOCK(found.st_mode)) {
    return make_stream<detail::SocketTransport>(reactor, copy_of(fd, name), name);
  }
  if (S_ISFIFO(found.st_mode)) return stream_of(FdSide::Kind::pipe);
  if (::isatty(fd) == 1) return stream_of(FdSide::Kind::terminal);
  // The offset is the description's, so it has to be the shared one.
  FdSide file(copy_of(fd, name), FdSide::Kind::file, false);
  FdSide in = is_input ? std::move(file) : FdSide();
  return make_stream<detail::FdTransport>(reactor, std::move(in), std::move(file), name);
}

// 0, or an error. A signal interrupts the wait for what the terminal has still to show.
int set_terminal(int terminal, const termios& settings) noexcept {
  while (::tcsetattr(terminal, TCSAFLUSH, &settings) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

Stream standard_input(Reactor& reactor) { return standard(reactor, 0, "standard input"); }
Stream standard_output(Reactor& reactor) { return standard(reactor, 1, "standard output"); }
Stream standard_error(Reactor& reactor) { return standard(reactor, 2, "standard error"); }
Stream standard_input() { return standard_input(Reactor::current()); }
Stream standard_output() { return standard_output(Reactor::current()); }
Stream standard_error() { return standard_error(Reactor::current()); }

struct RawMode::Before {
  int terminal;
  termios settings;
  pid_t process;  // a child of fork() has the terminal too, but it is not its to bring back
};

RawMode::RawMode(int terminal) : before_(std::make_unique<Before>()) {
  before_->terminal = terminal;
  before_->process = ::getpid();
  if (::tcgetattr(terminal, &before_->settings) != 0) {
    throw std::system_error(last_error(), "raw mode");
  }
  termios raw = before_->settings;
  ::cfmakeraw(&raw);
  const int error = set_terminal(terminal, raw);
  if (error != 0) throw std::system_error(error, std::generic_category(), "raw mode");
}

RawMode::~RawMode() {
  if (!before_ || before_->process != ::getpid()) return;
  set_terminal(before_->terminal, before_->settings);
}

}  // namespace deferred::io
