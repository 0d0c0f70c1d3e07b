// SPDX-License-Identifier: MIT
#include "deferred/io/descriptor_passing.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "deferred/io/adopt.hpp"
#include "deferred/io/connect.hpp"
#include "deferred/io/listen.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Descriptor;
using io::Errc;
using io::ReceivedDescriptors;
using io::Stream;

namespace {

Ends unix_pair(Reactor& reactor) {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  return Ends(io::adopt(reactor, Descriptor(pair[0]), "one"),
              io::adopt(reactor, Descriptor(pair[1]), "other"));
}

Descriptor open_file(const TemporaryFolder& folder, const std::string& name) {
  Descriptor file(::open(folder.path(name).c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(file);
  return file;
}

std::string contents(const Descriptor& file) {
  char room[100];
  const auto got = ::pread(file.fd(), room, sizeof room, 0);
  return std::string(room, got < 0 ? 0 : static_cast<std::size_t>(got));
}

}  // namespace

TEST_CASE("a descriptor that is sent is another of the same file, which children do not inherit") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    folder.write("file", "of the file");
    Ends ends = unix_pair(reactor);
    {
      const Descriptor file = open_file(folder, "file");
      const int number = file.fd();
      co_await io::send_with_descriptors(ends.near, "here", std::span(&number, 1));
    }
    std::array<char, 10> room;

    const ReceivedDescriptors got = co_await io::receive_with_descriptors(ends.far, room);

    CHECK(std::string(room.data(), got.size) == "here");
    REQUIRE(got.descriptors.size() == 1);
    CHECK(contents(got.descriptors[0]) == "of the file");
    CHECK(::fcntl(got.descriptors[0].fd(), F_GETFD) == FD_CLOEXEC);
  });
}

TEST_CASE("253 descriptors go at once, and no more are taken") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = unix_pair(reactor);
    const Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto before = open_descriptors();
    std::vector<int> many(253, null.fd());
    std::array<char, 10> room;

    co_await io::send_with_descriptors(ends.near, "x", many);
    {
      const ReceivedDescriptors got = co_await io::receive_with_descriptors(ends.far, room, 253);
      CHECK(got.descriptors.size() == 253);
    }
    CHECK(open_descriptors() == before);
    many.push_back(null.fd());
    const auto too_many = co_await as_outcome(io::send_with_descriptors(ends.near, "x", many));
    CHECK(too_many.check<std::invalid_argument>());
  });
}

TEST_CASE("of more descriptors than there is room for none is kept, and the bytes are read next") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = unix_pair(reactor);
    const Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::vector<int> three(3, null.fd());
    for (const std::size_t most : {0, 1, 2}) {
      const auto before = open_descriptors();
      std::array<char, 10> room;
      co_await io::send_with_descriptors(ends.near, "bytes", three);

      const auto lost = co_await as_outcome(io::receive_with_descriptors(ends.far, room, most));

      CAPTURE(most);
      CHECK(failed_with(lost, Errc::descriptors_lost));
      CHECK(open_descriptors() == before);
      std::string bytes(5, ' ');
      co_await ends.far.read_exactly(bytes);
      CHECK(bytes == "bytes");
    }
  });
}

TEST_CASE(
    "of descriptors that the process may not have none is kept, and the bytes are read next") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = unix_pair(reactor);
    const Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::vector<int> three(3, null.fd());
    std::array<char, 10> room;
    co_await io::send_with_descriptors(ends.near, "bytes", three);
    const auto before = open_descriptors();
    rlimit normal{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &normal) == 0);
    const Descriptor next(::dup(null.fd()));
    rlimit tight = normal;
    tight.rlim_cur = static_cast<rlim_t>(next.fd()) + 2;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);

    const auto lost = co_await as_outcome(io::receive_with_descriptors(ends.far, room, 3));

    REQUIRE(::setrlimit(RLIMIT_NOFILE, &normal) == 0);
    CHECK(failed_with(lost, Errc::descriptors_lost));
    CHECK(open_descriptors() == before + 1);
    std::string bytes(5, ' ');
    co_await ends.far.read_exactly(bytes);
    CHECK(bytes == "bytes");
  });
}

TEST_CASE("two messages with descriptors are not mixed by one receive") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    folder.write("a", "of a");
    folder.write("b", "of b");
    Ends ends = unix_pair(reactor);
    const Descriptor a = open_file(folder, "a");
    const Descriptor b = open_file(folder, "b");
    const int first = a.fd();
    const int second = b.fd();
    co_await io::send_with_descriptors(ends.near, "1", std::span(&first, 1));
    co_await io::send_with_descriptors(ends.near, "2", std::span(&second, 1));
    std::array<char, 10> room;

    const ReceivedDescriptors one = co_await io::receive_with_descriptors(ends.far, room);
    const ReceivedDescriptors two = co_await io::receive_with_descriptors(ends.far, room);

    REQUIRE(one.descriptors.size() == 1);
    REQUIRE(two.descriptors.size() == 1);
    CHECK(contents(one.descriptors[0]) == "of a");
    CHECK(contents(two.descriptors[0]) == "of b");
  });
}

TEST_CASE("a plain read drops the descriptors that come, and leaves none open") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = unix_pair(reactor);
    const Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = null.fd();
    co_await io::send_with_descriptors(ends.near, "x", std::span(&number, 1));
    const auto before = open_descriptors();
    std::array<char, 10> room;

    const std::size_t got = co_await ends.far.read_some(room);

    CHECK(got == 1);
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("receiving descriptors waits, is cut without a loss, and sees the end") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = unix_pair(reactor);
    std::array<char, 10> room;
    Spawned<ReceivedDescriptors> cut = spawn(reactor, io::receive_with_descriptors(ends.far, room));
    co_await turns(2);
    cut.task().cancel();
    const auto outcome = co_await as_outcome(std::move(cut));
    CHECK(outcome.check<Cancelled>());

    Spawned<ReceivedDescriptors> waits =
        spawn(reactor, io::receive_with_descriptors(ends.far, room));
    co_await turns(2);
    CHECK_FALSE(waits.done());
    const auto busy = co_await as_outcome(ends.far.read_some(room));
    CHECK(failed_with(busy, Errc::busy));
    co_await ends.near.write_all("now");
    const ReceivedDescriptors now = co_await std::move(waits);
    CHECK(now.size == 3);
    CHECK(now.descriptors.empty());

    ends.near.close();
    const ReceivedDescriptors end = co_await io::receive_with_descriptors(ends.far, room);
    CHECK(end.size == 0);
  });
}

TEST_CASE("what is buffered comes before descriptors are received") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = unix_pair(reactor);
    co_await ends.near.write_all("before");
    const bool more = co_await ends.far.read_more();
    CHECK(more);
    std::array<char, 10> room;

    const ReceivedDescriptors got = co_await io::receive_with_descriptors(ends.far, room);

    CHECK(std::string(room.data(), got.size) == "before");
    CHECK(got.descriptors.empty());
  });
}

TEST_CASE("much data with descriptors waits for room, and a cut one poisons writing") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = unix_pair(reactor);
    const std::string large = pattern(4 << 20);
    const Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = null.fd();
    Spawned<void> sending =
        spawn(reactor, io::send_with_descriptors(ends.near, large, std::span(&number, 1)));
    std::string got(large.size(), ' ');
    co_await ends.far.read_exactly(got);
    co_await std::move(sending);
    CHECK(got == large);

    Spawned<void> cut =
        spawn(reactor, io::send_with_descriptors(ends.near, large, std::span(&number, 1)));
    co_await turns(5);
    cut.task().cancel();
    const auto outcome = co_await as_outcome(std::move(cut));
    const auto after = co_await as_outcome(ends.near.write_all("x"));
    CHECK(outcome.check<Cancelled>());
    CHECK(failed_with(after, Errc::cut_write));
  });
}

TEST_CASE("what is no Unix socket has neither descriptors to pass nor credentials") {
  run([](Reactor& reactor) -> Task<> {
    Ends tcp = co_await connected(reactor);
    std::array<char, 10> room;

    const auto sent = co_await as_outcome(io::send_with_descriptors(tcp.near, "x", {}));
    const auto got = co_await as_outcome(io::receive_with_descriptors(tcp.near, room));

    CHECK(what(sent) == "write to " + tcp.near.peer() + ": this kind of stream cannot do that");
    CHECK(failed_with(got, Errc::not_supported));
    CHECK_THROWS_AS(static_cast<void>(io::peer_credentials(tcp.near)), std::system_error);
    co_await tcp.near.write_all("still of use");
  });
}

TEST_CASE("the credentials of a Unix peer are those of its process") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    io::Listener listener = io::listen("unix:" + folder.path("socket"));
    const Stream client = co_await io::connect("unix:" + folder.path("socket"));
    const Stream server = co_await listener.accept();

    const io::Credentials found = io::peer_credentials(server);

    CHECK(found.pid == ::getpid());
    CHECK(found.uid == ::getuid());
    CHECK(found.gid == ::getgid());
  });
}

TEST_CASE("descriptors without data are refused") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = unix_pair(reactor);
    const int number = 0;

    const auto outcome =
        co_await as_outcome(io::send_with_descriptors(ends.near, "", std::span(&number, 1)));

    CHECK(outcome.check<std::invalid_argument>());
  });
}
