// SPDX-License-Identifier: MIT
#include "tests/streams/system_pairs.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "deferred/io/adopt.hpp"
#include "deferred/io/descriptor.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/io/readiness.hpp"
#include "deferred/io/standard.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/io/transport.hpp"

namespace deferred::testing {
namespace {

using io::Descriptor;

int require(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

class Ends {
 public:
  explicit Ends(const int (&fds)[2]) : near(fds[0]), far(fds[1]) {}
  Descriptor near;
  Descriptor far;
};

Ends socket_ends(int flags) {
  int fds[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, fds), "socketpair");
  return Ends(fds);
}

/// While it lives, the number of a standard stream is that of another.
class InThePlaceOf {
 public:
  InThePlaceOf(int number, const Descriptor& other)
      : number_(number), before_(::fcntl(number, F_DUPFD_CLOEXEC, 3)) {
    require(::dup2(other.fd(), number), "dup2");
  }
  InThePlaceOf(const InThePlaceOf&) = delete;
  InThePlaceOf& operator=(const InThePlaceOf&) = delete;
  ~InThePlaceOf() {
    if (before_) {
      ::dup2(before_.fd(), number_);
    } else {
      ::close(number_);
    }
  }

 private:
  int number_;
  Descriptor before_;
};

io::Stream output_at(Reactor& reactor, const Descriptor& fd) {
  const InThePlaceOf placed(STDOUT_FILENO, fd);
  return io::standard_output(reactor);
}
io::Stream input_at(Reactor& reactor, const Descriptor& fd) {
  const InThePlaceOf placed(STDIN_FILENO, fd);
  return io::standard_input(reactor);
}

/// What a terminal is to the program that shows it.
class ShownTerminal final : public io::Transport {
 public:
  ShownTerminal(Reactor& reactor, Descriptor terminal)
      : Transport(reactor, "a terminal", shown_readable_, shown_writable_),
        terminal_(std::move(terminal)),
        shown_readable_(reactor, terminal_.fd(), Ready::read),
        shown_writable_(reactor, terminal_.fd(), Ready::write) {}

  std::optional<std::size_t> try_read(std::span<char> into) override {
    const auto got = ::read(terminal_.fd(), into.data(), into.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) return std::nullopt;
    if (errno == EIO) return 0;  // nobody has it open any more: pty(7)
    throw std::system_error(errno, std::generic_category(), "read from " + peer());
  }
  std::optional<std::size_t> try_write(std::string_view) override {
    throw std::system_error(io::Errc::not_supported, "write to " + peer());
  }
  bool try_shutdown_write() override {
    throw std::system_error(io::Errc::not_supported, "shut down writing to " + peer());
  }
  int descriptor() const noexcept override { return terminal_.fd(); }

 private:
  void do_close(io::Ending) noexcept override {
    shown_readable_.forget();
    shown_writable_.forget();
    terminal_.close();
  }

  Descriptor terminal_;
  io::FdReadiness shown_readable_;
  io::FdReadiness shown_writable_;
};

Descriptor open_shown() {
  Descriptor shown(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (shown && ::grantpt(shown.fd()) == 0 && ::unlockpt(shown.fd()) == 0) return shown;
  return Descriptor();
}

}  // namespace

StreamPair adopted_pair(Reactor& reactor) {
  Ends ends = socket_ends(SOCK_NONBLOCK);
  io::Stream near = io::adopt(reactor, std::move(ends.near), "the adopted far end");
  io::Stream far = io::adopt(reactor, std::move(ends.far), "the adopted near end");
  return StreamPair(std::move(near), std::move(far));
}

StreamPair adopted_blocking_pair(Reactor& reactor) {
  Ends ends = socket_ends(0);
  io::Stream near = io::adopt(reactor, std::move(ends.near), "the blocking far end");
  io::Stream far = io::adopt(reactor, std::move(ends.far), "the blocking near end");
  return StreamPair(std::move(near), std::move(far));
}

StreamPair standard_pipe_pair(Reactor& reactor) {
  int fds[2];
  require(::pipe2(fds, O_CLOEXEC), "pipe2");
  const Ends ends(fds);
  io::Stream far = input_at(reactor, ends.near);
  io::Stream near = output_at(reactor, ends.far);
  return StreamPair(std::move(near), std::move(far));
}

StreamPair standard_socket_pair(Reactor& reactor) {
  const Ends ends = socket_ends(0);
  io::Stream far = input_at(reactor, ends.far);
  io::Stream near = output_at(reactor, ends.near);
  return StreamPair(std::move(near), std::move(far));
}

bool has_terminals() { return static_cast<bool>(open_shown()); }

StreamPair terminal_pair(Reactor& reactor) {
  Descriptor shown = open_shown();
  char name[100];
  require(-::ptsname_r(shown.fd(), name, sizeof name), "ptsname_r");
  const Descriptor used(require(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), name));
  termios raw{};
  require(::tcgetattr(used.fd(), &raw), "tcgetattr");
  ::cfmakeraw(&raw);
  require(::tcsetattr(used.fd(), TCSANOW, &raw), "tcsetattr");
  io::Stream near = output_at(reactor, used);
  io::Stream far = io::make_stream<ShownTerminal>(reactor, std::move(shown));
  return StreamPair(std::move(near), std::move(far));
}

}  // namespace deferred::testing
