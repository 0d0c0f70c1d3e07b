// SPDX-License-Identifier: MIT
// What can happen between two system calls of who binds a Unix path.
#include <doctest/doctest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "deferred/io/bind.hpp"
#include "deferred/io/connect.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/io/lock_file.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Descriptor;
using io::Listener;
using io::Stream;

namespace {

std::function<void()> before_next_lock;
std::function<void()> after_next_bind;

void call_once(std::function<void()>& what) {
  const auto now = std::exchange(what, nullptr);
  if (now) now();
}

std::string error_of(const std::function<void()>& does) {
  try {
    does();
    return "no error";
  } catch (const std::system_error& error) {
    return error.what();
  }
}

void leave_stale(const std::string& path) {
  const Descriptor died = io::open_listener("unix:" + path);
}

unsigned mode_at(const std::string& path) {
  struct stat found{};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

}  // namespace

// In place of the C library's, for the library too.
extern "C" int flock(int fd, int operation) noexcept {
  if ((operation & LOCK_EX) != 0) call_once(before_next_lock);
  return static_cast<int>(::syscall(SYS_flock, fd, operation));
}
extern "C" int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  const int result = static_cast<int>(::syscall(SYS_bind, fd, address, size));
  if (result == 0) call_once(after_next_bind);
  return result;
}

TEST_CASE("of two that find a path stale at once, one has it, and the other finds it in use") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string endpoint = "unix:" + folder.path("socket");
    leave_stale(folder.path("socket"));
    Descriptor first;
    before_next_lock = [&] { first = io::open_listener(endpoint); };

    const std::string second = error_of([&] { const Listener late = io::listen(endpoint); });
    REQUIRE(first);
    Listener listener = io::listen(std::move(first));
    const Stream client = co_await io::connect(endpoint);
    const Stream server = co_await listener.accept();

    CHECK(second == "listen on " + endpoint + ": Address already in use");
    CHECK(server.is_open());
  });
}

TEST_CASE("a stale path that another one is replacing is in use, and left to it") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string path = folder.path("socket");
    leave_stale(path);
    {
      const auto other = io::try_lock_file(path + ".deferred-lock");
      REQUIRE(other);

      CHECK(error_of([&] { const Listener late = io::listen("unix:" + path); }) ==
            "listen on unix:" + path + ": Address already in use");
      CHECK(std::filesystem::is_socket(path));
    }

    CHECK(error_of([&] { const Listener late = io::listen("unix:" + path); }) == "no error");
    co_return;
  });
}

TEST_CASE("who has replaced a stale path leaves nothing beside it") {
  Reactor reactor;
  const TemporaryFolder folder;
  leave_stale(folder.path("socket"));
  leave_stale(folder.path("datagrams"));
  {
    const Listener listener = io::listen(reactor, "unix:" + folder.path("socket"));
    const io::Datagram datagrams = io::bind(reactor, "unixgram:" + folder.path("datagrams"));
    const std::filesystem::directory_iterator all(folder.path());
    CHECK(std::distance(begin(all), end(all)) == 2);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("at no moment may others connect to a Unix socket than those who its mode says") {
  Reactor reactor;
  const TemporaryFolder folder;
  const mode_t before = ::umask(0);
  unsigned listening = 0;
  unsigned receiving = 0;
  unsigned of_group = 0;

  after_next_bind = [&] { listening = mode_at(folder.path("a")); };
  const Listener owner = io::listen(reactor, "unix:" + folder.path("a"));
  after_next_bind = [&] { receiving = mode_at(folder.path("b")); };
  const io::Datagram datagrams = io::bind(reactor, "unixgram:" + folder.path("b"));
  after_next_bind = [&] { of_group = mode_at(folder.path("c")); };
  const Listener group = io::listen(reactor, "unix:" + folder.path("c") + ":mode=660");
  ::umask(before);

  CHECK(listening == 0600);
  CHECK(receiving == 0600);
  CHECK(of_group == 0660);
}
