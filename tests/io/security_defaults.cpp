// SPDX-License-Identifier: MIT
//
// What holds where nobody has asked for anything else.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "deferred/io.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Descriptor;
using io::Errc;
using io::Stream;

namespace {

std::set<int> descriptors() {
  std::set<int> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    all.insert(std::stoi(entry.path().filename().string()));
  }
  return all;
}

/// Of those that were not there before, the ones that a program which is started would have.
std::set<int> inherited_of_new(const std::set<int>& before) {
  std::set<int> inherited;
  for (const int fd : descriptors()) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (!before.contains(fd) && flags >= 0 && (flags & FD_CLOEXEC) == 0) inherited.insert(fd);
  }
  return inherited;
}

/// A socket as a parent hands it down: with nothing said about exec().
std::pair<Descriptor, Descriptor> handed_down() {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  return {Descriptor(pair[0]), Descriptor(pair[1])};
}

}  // namespace

TEST_CASE("no descriptor that io makes, adopts or receives is inherited by a child") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    const std::set<int> before = descriptors();

    const Ends ends = co_await connected(reactor);
    const io::Listener tcp = io::listen("tcp:127.0.0.1:0");
    io::Listener listener = io::listen("unix:" + folder.path("socket"));
    Stream client = co_await io::connect("unix:" + folder.path("socket"));
    Stream server = co_await listener.accept();
    const io::Datagram udp = io::bind("udp:127.0.0.1:0");
    const io::Datagram unixgram = io::bind("unixgram:" + folder.path("datagrams"));
    const io::Pipe pipe = io::make_pipe();
    const io::File file = co_await io::File::open(folder.path("file"), io::FileOptions().create());
    const io::FileLock lock = co_await io::lock_file(folder.path("lock"));
    const Descriptor opened = io::open_listener("tcp:127.0.0.1:0");
    auto [one, other] = handed_down();
    const Stream adopted = io::adopt(std::move(one), "one");
    const Stream another = io::adopt(std::move(other), "other");
    const int sent[] = {0};
    char room[8];
    co_await io::send_with_descriptors(client, "x", sent);
    const io::ReceivedDescriptors received = co_await io::receive_with_descriptors(server, room);
    const Stream input = io::standard_input();

    CHECK(received.descriptors.size() == 1);
    CHECK(descriptors().size() > before.size() + 15);
    CHECK(inherited_of_new(before).empty());
  });
}

TEST_CASE("sizes, times and numbers have limits where none is given") {
  CHECK(io::default_line_limit == 16 << 10);
  CHECK(io::default_netstring_limit == 99'999);
  CHECK(io::default_prefixed_limit == 1 << 20);
  CHECK(io::RunOptions().limit == 64 << 20);
  CHECK(io::names::most_addresses == 64);
  CHECK(io::ServeOptions().most == 1024);
  CHECK(io::ListenOptions().mode == 0600);
  CHECK(io::ConnectOptions().limit == 30s);
  CHECK_FALSE(io::ListenOptions().share_port);
}

TEST_CASE("a message is held to its limit where none is given") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    const std::string length = std::string("\x00\x10\x00\x01", 4);  // 1 MiB and a byte

    co_await ends.near.write_all(length);
    const auto prefixed = co_await as_outcome(io::read_prefixed<std::uint32_t>(ends.far));
    ends.far.consume(4);
    co_await ends.near.write_all("100000:");
    const auto netstring = co_await as_outcome(io::read_netstring(ends.far));
    ends.far.consume(ends.far.buffered().size());
    co_await ends.near.write_all(std::string((16 << 10) + 2, 'x'));
    const auto line = co_await as_outcome(io::read_line(ends.far));

    CHECK(failed_with(prefixed, Errc::protocol));
    CHECK(failed_with(netstring, Errc::protocol));
    CHECK(failed_with(line, Errc::protocol));
  });
}

TEST_CASE("linger_close has 2 seconds where it is told no other, in virtual time") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Ends ends = co_await connected(here);
    const TimePoint start = here.now();

    co_await io::linger_close(ends.near);

    CHECK(here.now() - start == 2s);
    CHECK_FALSE(ends.near.is_open());
  });
}
