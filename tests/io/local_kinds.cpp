// SPDX-License-Identifier: MIT
// The endpoints stdio: and process:.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "deferred/io/connect.hpp"
#include "deferred/io/endpoint.hpp"
#include "deferred/io/lines.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/io/pipe.hpp"
#include "deferred/yieldables/readable.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"
#include "tests/io/standard_streams.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Descriptor;
using io::Errc;
using io::Pipe;
using io::Stream;

namespace {

std::string of_shell(const std::string& script) {
  return "process:/bin/sh:-c:" + io::escape(script);
}

/// A child that hears neither the end of its input nor SIGTERM. What writes to `lives` is its own
/// from then on: while it lives, that has no end.
Task<Stream> stubborn_child(Descriptor& lives) {
  const Standing errors(2, lives.fd());
  lives.close();
  Stream child = co_await io::connect(of_shell("trap '' TERM; echo ready; exec sleep 1000"));
  co_await io::read_line(child);
  co_return child;
}

/// A clock is asked only where it does not.
bool ends_soon(const Descriptor& pipe) {
  pollfd one{pipe.fd(), POLLIN, 0};
  return ::poll(&one, 1, 10'000) == 1 && (one.revents & POLLHUP) != 0;
}

std::string refused_listening(const char* endpoint) {
  try {
    const io::Listener listener = io::listen(endpoint);
    return "no error";
  } catch (const std::system_error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("stdio: reads standard input and writes standard output, and leaves both open") {
  const SystemPipe to_us;
  const SystemPipe from_us;
  const Standing in(0, to_us.in.fd());
  const Standing out(1, from_us.out.fd());
  run([&](Reactor&) -> Task<> {
    Stream both = co_await io::connect("stdio:");
    REQUIRE(::write(to_us.out.fd(), "question", 8) == 8);
    std::string got(8, ' ');

    co_await both.read_exactly(got);
    co_await both.write_all("answer");
    both.close();

    char room[10];
    const auto size = ::read(from_us.in.fd(), room, sizeof room);
    CHECK(got == "question");
    CHECK(std::string(room, static_cast<std::size_t>(size)) == "answer");
    CHECK(::write(1, "x", 1) == 1);
    CHECK(::fcntl(0, F_GETFD) >= 0);
  });
}

TEST_CASE("stdio: may be a socket, as of a server that another one starts for each connection") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const Descriptor near(pair[0]);
  const Descriptor far(pair[1]);
  const Standing in(0, near.fd());
  const Standing out(1, near.fd());
  run([&](Reactor&) -> Task<> {
    Stream both = co_await io::connect("stdio:");
    REQUIRE(::write(far.fd(), "hello", 5) == 5);
    std::string got(5, ' ');

    co_await both.read_exactly(got);
    co_await both.write_all(got);
    co_await both.shutdown_write();

    char room[10];
    CHECK(::read(far.fd(), room, sizeof room) == 5);
    CHECK(::read(far.fd(), room, sizeof room) == 0);
  });
}

TEST_CASE("both directions of stdio: may be waited for at once, and closing it ends both waits") {
  const SystemPipe to_us;
  const SystemPipe from_us;
  const Standing in(0, to_us.in.fd());
  const Standing out(1, from_us.out.fd());
  run([&](Reactor& reactor) -> Task<> {
    Stream both = co_await io::connect("stdio:");
    const std::string much = pattern(1 << 20);
    char room[10];
    Spawned<std::size_t> reader = spawn(reactor, both.read_some(room));
    Spawned<void> writer = spawn(reactor, both.write_all(much));
    co_await turns(5);
    const bool waited = !reader.done() && !writer.done();

    both.close();
    const auto read = co_await as_outcome(std::move(reader));
    const auto written = co_await as_outcome(std::move(writer));

    CHECK(waited);
    CHECK(failed_with(read, Errc::closed));
    CHECK(failed_with(written, Errc::closed));
  });
}

TEST_CASE("process: starts a program, reads what it writes, and writes what it reads") {
  run([](Reactor&) -> Task<> {
    Stream child = co_await io::connect("process:cat");
    co_await child.write_all("there and back");

    co_await child.shutdown_write();
    const std::string got = co_await child.read_to_end();

    CHECK(got == "there and back");
    CHECK(child.peer() == "cat");
    CHECK(child.bytes_written() == 14);
    CHECK(child.bytes_read() == 14);
  });
}

TEST_CASE("the parts of process: are the arguments, and it runs where it is told to") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string words = io::escape("a:b c=d");

    Stream child = co_await io::connect("process:/bin/sh:-c:pwd;echo \"$@\":sh:" + words +
                                        "::directory=" + io::escape(folder.path()));
    const std::string got = co_await child.read_to_end();

    CHECK(got == folder.path() + "\na:b c=d \n");
  });
}

TEST_CASE("what a child of process: complains of goes where this process complains") {
  run([](Reactor&) -> Task<> {
    Pipe complaints = io::make_pipe();
    Stream child;
    {
      const Standing errors(2, complaints.out.transport().descriptor());
      child = co_await io::connect(of_shell("echo wrong >&2"));
    }
    complaints.out.close();

    const std::string heard = co_await complaints.in.read_to_end();
    const std::string got = co_await child.read_to_end();

    CHECK(heard == "wrong\n");
    CHECK(got.empty());
  });
}

TEST_CASE("a child of process: whose stream is closed has time to do what it was given") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    REQUIRE(::mkfifo(folder.path("go").c_str(), 0600) == 0);
    const Descriptor go(::open(folder.path("go").c_str(), O_RDWR | O_CLOEXEC));
    Pipe complaints = io::make_pipe();
    {
      const Standing errors(2, complaints.out.transport().descriptor());
      Stream child = co_await io::connect(
          of_shell("n=$(cat); read word < " + folder.path("go") + "; echo got $n >&2"));
      co_await child.write_all("all of it");
    }
    complaints.out.close();
    REQUIRE(::write(go.fd(), "on\n", 3) == 3);

    const std::string heard = co_await complaints.in.read_to_end();

    CHECK(heard == "got all of it\n");
  });
}

TEST_CASE("a child of process: that goes on is asked to end after 5 s, and is killed 5 s later") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    SystemPipe lives;
    Stream child = co_await stubborn_child(lives.out);
    const TimePoint start = here.now();

    child.close();
    co_await Readable(lives.in.fd());

    CHECK(here.now() - start == 10s);
  });
}

TEST_CASE("a child of process: whose stream is aborted is killed at once") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    SystemPipe lives;
    Stream child = co_await stubborn_child(lives.out);
    const TimePoint start = here.now();

    child.abort();
    co_await Readable(lives.in.fd());

    CHECK(here.now() - start == 0s);
  });
}

TEST_CASE("a child of process: ends with its reactor, whether its stream is open or not") {
  for (const bool closed : {false, true}) {
    CAPTURE(closed);
    SystemPipe lives;
    Stream kept;
    run([&](Reactor&) -> Task<> {
      kept = co_await stubborn_child(lives.out);
      if (closed) kept.close();
    });

    kept.close();
    CHECK(ends_soon(lives.in));
  }
}

TEST_CASE("an error of a child's stream names what it is of") {
  run([](Reactor&) -> Task<> {
    Stream child = co_await io::connect(of_shell("exec <&-; echo closed"));
    const auto line = co_await io::read_line(child);

    const auto written = co_await as_outcome(child.write_all("x"));
    child.close();
    const auto late = co_await as_outcome(child.write_all("x"));

    CHECK(line == "closed");
    CHECK(what(written) == "write to /bin/sh's input: Broken pipe");
    CHECK(what(late).starts_with("write to /bin/sh: "));
  });
}

TEST_CASE("a process: or stdio: that is wrong is refused with the reason") {
  run([](Reactor&) -> Task<> {
    const auto none = co_await as_outcome(io::connect("process:"));
    const auto empty = co_await as_outcome(io::connect("process::x"));
    const auto option = co_await as_outcome(io::connect("process:cat:colour=red"));
    const auto missing = co_await as_outcome(io::connect("process:no-such-program:x"));
    const auto part = co_await as_outcome(io::connect("stdio:0"));

    CHECK(what(none) ==
          "endpoint 'process:': it has no parts, and process:PROGRAM:ARGUMENT... has at least 1");
    CHECK(what(empty) == "endpoint 'process::x': it names no program");
    CHECK(what(option) ==
          "endpoint 'process:cat:colour=red': 'colour' is no option of "
          "process:PROGRAM:ARGUMENT..., which has directory");
    CHECK(what(missing) == "start no-such-program: No such file or directory");
    CHECK(what(part) == "endpoint 'stdio:0': it has 1 part, and stdio: has 0");
    CHECK(refused_listening("stdio:") ==
          "endpoint 'stdio:': nobody comes there: it is connected to");
    CHECK(refused_listening("process:cat") ==
          "endpoint 'process:cat': a child is connected to: it is started, and nobody comes");
  });
}

TEST_CASE("stdio: of a process that has closed one of the two says which") {
  const Descriptor saved(::fcntl(1, F_DUPFD_CLOEXEC, 10));
  std::string said;
  run([&](Reactor&) -> Task<> {
    ::close(1);
    const auto outcome = co_await as_outcome(io::connect("stdio:"));
    ::dup2(saved.fd(), 1);
    said = what(outcome);
  });

  CHECK(said == "standard output: Bad file descriptor");
}
