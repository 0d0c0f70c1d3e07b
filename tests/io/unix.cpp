// SPDX-License-Identifier: MIT
// Unix sockets: paths, abstract names, who may connect.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "deferred/io/connect.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/reactor/reactor.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Errc;
using io::Listener;
using io::Stream;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat found{};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

std::string error_of_listening(const std::string& endpoint) {
  try {
    const Listener listener = io::listen(endpoint);
    return "no error";
  } catch (const std::system_error& error) {
    return error.what();
  }
}

/// A socket at that path of which its process has died.
void leave_behind(Reactor& reactor, const std::string& path) {
  // Of a listener over a descriptor the path is left.
  const Listener listener = io::listen(reactor, io::open_listener("unix:" + path));
}

}  // namespace

TEST_CASE("a Unix socket is listened at and connected to by its path") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string endpoint = "unix:" + folder.path("socket");
    Listener listener = io::listen(endpoint);

    Stream client = co_await io::connect(endpoint);
    Stream server = co_await listener.accept();
    co_await client.write_all("hello");
    std::string got(5, ' ');
    co_await server.read_exactly(got);

    CHECK(got == "hello");
    CHECK(listener.local() == endpoint);
    CHECK(listener.port() == 0);
    CHECK(client.peer() == endpoint);
    CHECK(server.peer() == "a client of " + endpoint);
    CHECK(server.local() == endpoint);
  });
}

TEST_CASE(
    "a Unix socket is its owner's alone, whatever the umask is, unless it is told otherwise") {
  Reactor reactor;
  const TemporaryFolder folder;
  const mode_t before = ::umask(0);
  for (const mode_t mask : {0, 022, 0777}) {
    ::umask(mask);
    const Listener owner = io::listen(reactor, "unix:" + folder.path("owner"));
    const Listener group = io::listen(reactor, "unix:" + folder.path("group") + ":mode=660");
    const Listener all = io::listen(reactor, "unix:" + folder.path("all") + ":mode=666");

    CAPTURE(mask);
    CHECK(mode_of(folder.path("owner")) == 0600);
    CHECK(mode_of(folder.path("group")) == 0660);
    CHECK(mode_of(folder.path("all")) == 0666);
  }
  ::umask(before);
}

TEST_CASE("a path where nobody listens any more is replaced") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    const std::string path = folder.path("socket");
    leave_behind(reactor, path);
    REQUIRE(std::filesystem::is_socket(path));

    Listener listener = io::listen("unix:" + path);
    const Stream client = co_await io::connect("unix:" + path);
    const Stream server = co_await listener.accept();

    CHECK(server.is_open());
  });
}

TEST_CASE("a path where somebody listens is left to him, and so is a file") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string taken = folder.path("taken");
    const std::string file = folder.path("file");
    folder.write("file", "kept");
    Listener first = io::listen("unix:" + taken);

    CHECK(error_of_listening("unix:" + taken) ==
          "listen on unix:" + taken + ": Address already in use");
    CHECK(error_of_listening("unix:" + file) ==
          "listen on unix:" + file + ": Address already in use");

    const Stream client = co_await io::connect("unix:" + taken);
    const Stream server = co_await first.accept();
    CHECK(server.is_open());
    CHECK(folder.read("file") == "kept");
  });
}

TEST_CASE("a path of which the socket does not listen yet is left to it") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string path = folder.path("socket");
    const io::Descriptor bound(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const io::Address name = io::Address::unix_path(path);
    REQUIRE(::bind(bound.fd(), reinterpret_cast<const sockaddr*>(name.native().data()),
                   static_cast<socklen_t>(name.native().size())) == 0);

    CHECK(error_of_listening("unix:" + path) ==
          "listen on unix:" + path + ": Address already in use");

    CHECK(std::filesystem::is_socket(path));
    co_return;
  });
}

TEST_CASE("a listener's path goes with it, unless it is another's by then") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string path = folder.path("socket");
    {
      const Listener listener = io::listen("unix:" + path);
      CHECK(std::filesystem::exists(path));
    }
    CHECK_FALSE(std::filesystem::exists(path));

    Listener old = io::listen("unix:" + path);
    std::filesystem::remove(path);
    const Listener fresh = io::listen("unix:" + path);
    old.close();
    CHECK(std::filesystem::is_socket(path));
    co_return;
  });
}

TEST_CASE("an abstract name is no file, and is free again when its listener ends") {
  run([](Reactor&) -> Task<> {
    const std::string endpoint = "unix:@deferred-test-" + std::to_string(::getpid());
    for (int i = 0; i < 2; ++i) {
      Listener listener = io::listen(endpoint);
      const Stream client = co_await io::connect(endpoint);
      const Stream server = co_await listener.accept();

      CHECK(listener.local() == endpoint);
      CHECK(client.peer() == endpoint);
    }
    CHECK(error_of_listening(endpoint) == "no error");
  });
}

TEST_CASE("a path of 107 bytes is listened at, and one of 108 refused with the reason") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string longest = folder.path(std::string(106 - folder.path().size(), 'p'));
    REQUIRE(longest.size() == 107);

    CHECK(error_of_listening("unix:" + longest) == "no error");
    CHECK(error_of_listening("unix:" + longest + "p").find("longer than 107 bytes") !=
          std::string::npos);
    co_return;
  });
}

TEST_CASE("a path that refuses, or is not there, is an error that names it") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    const std::string stale = folder.path("stale");
    leave_behind(reactor, stale);

    const auto refused = co_await as_outcome(io::connect("unix:" + stale));
    const auto missing = co_await as_outcome(io::connect("unix:" + folder.path("none")));

    CHECK(what(refused) == "connect to unix:" + stale + ": Connection refused");
    CHECK(failed_with(missing, std::errc::no_such_file_or_directory));
  });
}

TEST_CASE("a listener whose queue is full is waited for, within the limit") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    const TemporaryFolder folder;
    const std::string endpoint = "unix:" + folder.path("socket");
    Listener listener = io::listen(endpoint, io::ListenOptions(0));
    const Stream queued = co_await io::connect(endpoint);
    const TimePoint start = here.now();

    const auto too_late = co_await as_outcome(io::connect(endpoint, io::ConnectOptions(1s)));
    CHECK(what(too_late) == "connect to " + endpoint + ": Connection timed out");
    CHECK(here.now() - start == 1s);
    Spawned<Stream> waits = spawn(here, io::connect(endpoint));
    co_await turns(5);
    const Stream first = co_await listener.accept();
    const Stream second = co_await std::move(waits);

    CHECK(second.is_open());
  });
}

TEST_CASE("a Unix peer that is gone is an error of a write, and no signal") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    Listener listener = io::listen("unix:" + folder.path("socket"));
    Stream client = co_await io::connect("unix:" + folder.path("socket"));
    Stream server = co_await listener.accept();

    server.close();
    const auto written = co_await as_outcome(client.write_all("x"));

    CHECK(failed_with(written, std::errc::broken_pipe));
  });
}
