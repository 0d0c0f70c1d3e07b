// SPDX-License-Identifier: MIT
// Pipes, terminals and the standard streams.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/pipe.hpp"
#include "deferred/io/standard.hpp"
#include "tests/io/loopback.hpp"
#include "tests/io/standard_streams.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Descriptor;
using io::Errc;
using io::Pipe;
using io::Stream;

namespace {

/// A terminal, and who sits at it.
class Terminal {
 public:
  Terminal() : keyboard(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(::grantpt(keyboard.fd()) == 0);
    REQUIRE(::unlockpt(keyboard.fd()) == 0);
    terminal = Descriptor(::open(::ptsname(keyboard.fd()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(terminal);
  }
  void type(const std::string& text) {
    REQUIRE(::write(keyboard.fd(), text.data(), text.size()) == std::ptrdiff_t(text.size()));
  }
  Descriptor keyboard;
  Descriptor terminal;
};

bool blocks(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

}  // namespace

TEST_CASE("what is written to a pipe is read from it, up to its end") {
  run([](Reactor& reactor) -> Task<> {
    Pipe pipe = io::make_pipe();
    const std::string text = pattern(1 << 20);
    const auto write = [](Stream out, std::string_view all) -> Task<> {
      co_await out.write_all(all);
    };
    Spawned<void> writer = spawn(reactor, write, std::move(pipe.out), std::string_view(text));

    const std::string got = co_await pipe.in.read_to_end();
    co_await std::move(writer);

    CHECK(got == text);
  });
}

TEST_CASE("writing to a pipe that nobody reads is an error, and no signal") {
  run([](Reactor&) -> Task<> {
    Pipe pipe = io::make_pipe();
    pipe.in.close();

    const auto outcome = co_await as_outcome(pipe.out.write_all("x"));

    sigset_t pending;
    ::sigpending(&pending);
    CHECK(what(outcome) == "write to a pipe: Broken pipe");
    CHECK(::sigismember(&pending, SIGPIPE) == 0);
  });
}

TEST_CASE("a SIGPIPE that was pending before a write stays so") {
  sigset_t sigpipe;
  sigset_t before;
  ::sigemptyset(&sigpipe);
  ::sigaddset(&sigpipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
  ::raise(SIGPIPE);
  run([](Reactor&) -> Task<> {
    Pipe pipe = io::make_pipe();
    pipe.in.close();
    const auto outcome = co_await as_outcome(pipe.out.write_all("x"));
    CHECK(failed_with(outcome, std::errc::broken_pipe));
  });
  sigset_t pending;
  ::sigpending(&pending);
  CHECK(::sigismember(&pending, SIGPIPE) == 1);
  int taken = 0;
  ::sigwait(&sigpipe, &taken);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("an end of a pipe does what it is for, and says so of the other") {
  run([](Reactor&) -> Task<> {
    Pipe pipe = io::make_pipe();
    char room[10];

    const auto written = co_await as_outcome(pipe.in.write_all("x"));
    const auto read = co_await as_outcome(pipe.out.read_some(room));
    const auto shut = co_await as_outcome(pipe.in.shutdown_write());

    CHECK(what(written) == "write to a pipe: this kind of stream cannot do that");
    CHECK(failed_with(read, Errc::not_supported));
    CHECK(failed_with(shut, Errc::not_supported));
  });
}

TEST_CASE(
    "shutdown_write closes a pipe's end: its reader sees that, and later writes are refused") {
  run([](Reactor&) -> Task<> {
    Pipe pipe = io::make_pipe();
    co_await pipe.out.write_all("last");

    co_await pipe.out.shutdown_write();
    const std::string got = co_await pipe.in.read_to_end();
    const auto late = co_await as_outcome(pipe.out.write_all("x"));

    CHECK(got == "last");
    CHECK(failed_with(late, std::errc::broken_pipe));
  });
}

TEST_CASE("however often it is tried, a direction that there is not, or no more, says so") {
  run([](Reactor&) -> Task<> {
    Pipe pipe = io::make_pipe();
    co_await pipe.out.shutdown_write();
    char room[10];

    for (int i = 0; i < 200; ++i) {
      const auto late = co_await as_outcome(pipe.out.write_all("x"));
      const auto read = co_await as_outcome(pipe.out.read_some(room));
      REQUIRE(failed_with(late, std::errc::broken_pipe));
      REQUIRE(failed_with(read, Errc::not_supported));
    }
  });
}

TEST_CASE(
    "standard streams that are files are read to their end, and written behind what is there") {
  const TemporaryFolder folder;
  const std::string text = pattern(300'000);
  folder.write("in", text);
  const Descriptor from(::open(folder.path("in").c_str(), O_RDONLY | O_CLOEXEC));
  const Descriptor to(::open(folder.path("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  std::string read;
  std::string of_nothing = "something";
  {
    const Standing in(0, from.fd());
    const Standing out(1, to.fd());
    run([&](Reactor& reactor) -> Task<> {
      Stream input = io::standard_input();
      Stream output = io::standard_output(reactor);
      const Stream errors = io::standard_error(reactor);
      CHECK(errors.peer() == "standard error");
      read = co_await input.read_to_end();
      for (int i = 0; i < 200; ++i) co_await output.write_all("line\n");
    });
  }
  {
    const Standing in(0, null.fd());
    run([&](Reactor&) -> Task<> {
      Stream input = io::standard_input();
      of_nothing = co_await input.read_to_end();
    });
  }

  CHECK(read == text);
  CHECK(folder.read("out").size() == 1000);
  CHECK(of_nothing.empty());
}

TEST_CASE("standard input that is a pipe is read, and its flags are left as they were") {
  const SystemPipe pipe;
  const Standing in(0, pipe.in.fd());
  run([&](Reactor&) -> Task<> {
    Stream input = io::standard_input();
    REQUIRE(::write(pipe.out.fd(), "hello", 5) == 5);
    std::string got(5, ' ');

    co_await input.read_exactly(got);

    CHECK(got == "hello");
    CHECK(input.peer() == "standard input");
    CHECK(blocks(0));
    CHECK(blocks(pipe.in.fd()));
  });
  CHECK(::fcntl(0, F_GETFD) >= 0);
}

TEST_CASE("standard output that is a pipe waits while nobody reads it, and leaves its flags") {
  const SystemPipe pipe;
  const Standing out(1, pipe.out.fd());
  run([&](Reactor& reactor) -> Task<> {
    Stream output = io::standard_output();
    const std::string text = pattern(1 << 18);
    Spawned<void> writer = spawn(reactor, output.write_all(text));
    co_await turns(5);
    const bool waited = !writer.done();
    std::string got(text.size(), ' ');
    for (std::size_t size = 0; size < got.size();) {
      size += static_cast<std::size_t>(::read(pipe.in.fd(), got.data() + size, got.size() - size));
      co_await Pause{};
    }
    co_await std::move(writer);

    CHECK(waited);
    CHECK(got == text);
    CHECK(blocks(1));
  });
}

TEST_CASE("standard input that is a terminal gives what is typed, line by line, up to its end") {
  Terminal terminal;
  const Standing in(0, terminal.terminal.fd());
  run([&](Reactor&) -> Task<> {
    Stream input = io::standard_input();
    char room[100];
    terminal.type("one\ntwo\n");

    const std::size_t first = co_await input.read_some(room);
    const std::string one(room, first);
    const std::size_t second = co_await input.read_some(room);
    const std::string two(room, second);
    terminal.type("\x04");
    const std::size_t end = co_await input.read_some(room);

    CHECK(one == "one\n");
    CHECK(two == "two\n");
    CHECK(end == 0);
    CHECK(blocks(0));
  });
}

TEST_CASE("a terminal whose other side is closed has ended") {
  Terminal terminal;
  const Standing in(0, terminal.terminal.fd());
  run([&](Reactor& reactor) -> Task<> {
    Stream input = io::standard_input();
    Spawned<std::string> reader = spawn(reactor, input.read_to_end());
    co_await turns(2);

    terminal.keyboard.close();
    const std::string got = co_await std::move(reader);

    CHECK(got.empty());
  });
}

TEST_CASE("standard streams that are a socket are read and written, and leave it as it was") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const Descriptor near(pair[0]);
  const Descriptor far(pair[1]);
  const Standing in(0, near.fd());
  run([&](Reactor&) -> Task<> {
    Stream input = io::standard_input();
    REQUIRE(::write(far.fd(), "hello", 5) == 5);
    std::string got(5, ' ');

    co_await input.read_exactly(got);
    input.close();

    CHECK(got == "hello");
    CHECK(blocks(0));
    CHECK(::write(near.fd(), "x", 1) == 1);
  });
}

TEST_CASE("a standard stream that is closed is an error that names it") {
  const Descriptor saved(::fcntl(0, F_DUPFD_CLOEXEC, 10));
  Reactor reactor;
  ::close(0);
  std::string said;
  try {
    static_cast<void>(io::standard_input(reactor));
  } catch (const std::system_error& error) {
    said = error.what();
  }
  ::dup2(saved.fd(), 0);

  CHECK(said == "standard input: Bad file descriptor");
}

TEST_CASE("raw mode gives each key, and its end brings back what was") {
  Terminal terminal;
  termios before{};
  termios after{};
  REQUIRE(::tcgetattr(terminal.terminal.fd(), &before) == 0);
  const Standing in(0, terminal.terminal.fd());
  run([&](Reactor&) -> Task<> {
    Stream input = io::standard_input();
    const io::RawMode raw(0);
    terminal.type("k");
    char key = ' ';

    co_await input.read_exactly(std::span(&key, 1));

    CHECK(key == 'k');
  });
  REQUIRE(::tcgetattr(terminal.terminal.fd(), &after) == 0);
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_iflag == before.c_iflag);
  const SystemPipe pipe;
  CHECK_THROWS_WITH_AS(static_cast<void>(io::RawMode(pipe.in.fd())),
                       doctest::Contains("raw mode: "), std::system_error);
}
