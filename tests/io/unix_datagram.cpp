// SPDX-License-Identifier: MIT
// Datagrams of Unix sockets: paths, names, who may send, full queues.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "deferred/io/bind.hpp"
#include "deferred/io/listen.hpp"
#include "tests/io/datagrams.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Address;
using io::Datagram;
using io::Descriptor;
using io::Errc;

namespace {

unsigned mode_of_path(const std::string& path) {
  struct stat found{};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

std::string abstract_name(const char* of) {
  return "@deferred-test-" + std::string(of) + "-" + std::to_string(::getpid());
}

/// A socket at that path of which its process has died.
void leave_datagrams_behind(const std::string& path) {
  const Descriptor bound(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Address name = Address::unix_path(path);
  REQUIRE(::bind(bound.fd(), reinterpret_cast<const sockaddr*>(name.native().data()),
                 static_cast<socklen_t>(name.native().size())) == 0);
}

}  // namespace

TEST_CASE("a datagram goes to a path, and its answer to who has sent it") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string endpoint = "unixgram:" + folder.path("server");
    Datagram server = io::bind(endpoint);
    Datagram client = io::bind("unixgram:" + folder.path("client"));

    co_await client.send_to("ask", server.local());
    const Came asked = co_await come(server);
    co_await server.send_to("answer", asked.from);
    const Came answered = co_await come(client);

    CHECK(server.local() == Address::unix_path(folder.path("server")));
    CHECK(server.port() == 0);
    CHECK(asked.text == "ask");
    CHECK(asked.from == client.local());
    CHECK(answered.text == "answer");
    CHECK(answered.from == server.local());
  });
}

TEST_CASE("an abstract name is no file, and is free again when its Datagram ends") {
  run([](Reactor&) -> Task<> {
    const std::string name = abstract_name("free");
    for (int i = 0; i < 2; ++i) {
      Datagram server = io::bind("unixgram:" + name);
      Datagram client = co_await io::connect_datagram("unixgram:" + name);

      co_await client.send("hello");
      const Came came = co_await come(server);

      CHECK(came.text == "hello");
      CHECK(server.local() == Address::unix_path(name));
      CHECK_FALSE(std::filesystem::exists(name));
    }
  });
}

TEST_CASE("who is made for a peer has a name of its own, so that he can be answered") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    Datagram server = io::bind("unixgram:" + folder.path("server"));
    Datagram client = co_await io::connect_datagram("unixgram:" + folder.path("server"));

    co_await client.send("ask");
    const Came asked = co_await come(server);
    co_await server.send_to("answer", asked.from);
    const Came answered = co_await come(client);

    CHECK(asked.from == client.local());
    CHECK(asked.from.host().starts_with("@"));
    CHECK(answered.text == "answer");
    CHECK(answered.from == server.local());
    CHECK(client.peer() == server.local());
  });
}

TEST_CASE("a sender without a name is unnamed, and cannot be answered") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    Datagram server = io::bind("unixgram:" + folder.path("server"));
    const Descriptor nameless(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const Address to = server.local();
    REQUIRE(::sendto(nameless.fd(), "hello", 5, 0,
                     reinterpret_cast<const sockaddr*>(to.native().data()),
                     static_cast<socklen_t>(to.native().size())) == 5);

    const Came came = co_await come(server);
    const auto answered = co_await as_outcome(server.send_to("answer", came.from));

    CHECK(came.text == "hello");
    CHECK(came.from.family() == Address::Family::unnamed);
    CHECK(what(answered) == "send to unnamed: Invalid argument");
  });
}

TEST_CASE("a datagram of a Unix socket may be empty, is cut to the buffer, and may be too large") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    Datagram server = io::bind("unixgram:" + folder.path("server"));
    Datagram client = io::bind("unixgram:" + folder.path("client"));

    co_await client.send_to("", server.local());
    co_await client.send_to("hello", server.local());
    const auto too_large = co_await as_outcome(client.send_to(pattern(16 << 20), server.local()));
    co_await client.send_to("next", server.local());
    const Came nothing = co_await come(server);
    const Came cut = co_await come(server, 4);
    const Came next = co_await come(server);

    CHECK(nothing.text.empty());
    CHECK_FALSE(nothing.truncated);
    CHECK(cut.text == "hell");
    CHECK(cut.truncated);
    CHECK(failed_with(too_large, std::errc::message_size));
    CHECK(next.text == "next");
  });
}

TEST_CASE("who may send to a path is its owner alone, whatever the umask is, or as mode= says") {
  Reactor reactor;
  const TemporaryFolder folder;
  const mode_t before = ::umask(0);
  for (const mode_t mask : {0, 022, 0777}) {
    ::umask(mask);
    const Datagram owner = io::bind(reactor, "unixgram:" + folder.path("owner"));
    const Datagram all = io::bind(reactor, "unixgram:" + folder.path("all") + ":mode=666");

    CAPTURE(mask);
    CHECK(mode_of_path(folder.path("owner")) == 0600);
    CHECK(mode_of_path(folder.path("all")) == 0666);
  }
  ::umask(before);
}

TEST_CASE("a path goes with its Datagram, and one that was left behind is replaced") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string path = folder.path("socket");
    leave_datagrams_behind(path);
    REQUIRE(std::filesystem::is_socket(path));

    Datagram server = io::bind("unixgram:" + path);
    Datagram client = co_await io::connect_datagram("unixgram:" + path);
    co_await client.send("hello");
    const Came came = co_await come(server);
    server.close();

    CHECK(came.text == "hello");
    CHECK_FALSE(std::filesystem::exists(path));
  });
}

TEST_CASE("a path that is somebody's is left to him, be he of datagrams or of streams") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    const std::string path = folder.path("socket");
    const std::string stream_path = folder.path("streams");
    Datagram first = io::bind("unixgram:" + path);
    const io::Listener streams = io::listen("unix:" + stream_path);

    CHECK(error_of_binding(reactor, "unixgram:" + path) ==
          "bind to unix:" + path + ": Address already in use");
    CHECK(error_of_binding(reactor, "unixgram:" + stream_path) ==
          "bind to unix:" + stream_path + ": Address already in use");
    CHECK_THROWS_AS(static_cast<void>(io::listen("unix:" + path)), std::system_error);

    Datagram client = co_await io::connect_datagram("unixgram:" + path);
    co_await client.send("hello");
    const Came came = co_await come(first);
    CHECK(came.text == "hello");
    CHECK(std::filesystem::is_socket(stream_path));
  });
}

TEST_CASE("a path that is not there, or of streams, is an error of who sends to it") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string missing = folder.path("missing");
    const io::Listener streams = io::listen("unix:" + folder.path("streams"));
    Datagram here = io::bind("unixgram:" + folder.path("here"));

    const auto sent = co_await as_outcome(here.send_to("x", Address::unix_path(missing)));
    const auto connected = co_await as_outcome(io::connect_datagram("unixgram:" + missing));
    const auto to_streams =
        co_await as_outcome(here.send_to("x", Address::unix_path(folder.path("streams"))));

    CHECK(what(sent) == "send to unix:" + missing + ": No such file or directory");
    CHECK(what(connected) == "connect to unix:" + missing + ": No such file or directory");
    CHECK(failed_with(to_streams, std::errc::wrong_protocol_type));
  });
}

TEST_CASE("a peer that ends is an error of who sends, and is found again when it is back") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string endpoint = "unixgram:" + folder.path("server");
    Datagram server = io::bind(endpoint);
    Datagram client = co_await io::connect_datagram(endpoint);
    server.close();

    const auto first = co_await as_outcome(client.send("lost"));
    const auto second = co_await as_outcome(client.send("lost too"));
    server = io::bind(endpoint);
    co_await client.send("hello");
    const Came came = co_await come(server);
    co_await server.send_to("answer", came.from);
    const Came answered = co_await come(client);

    CHECK(what(first) == "send to unix:" + folder.path("server") + ": Connection refused");
    CHECK(what(second) == "send to unix:" + folder.path("server") + ": No such file or directory");
    CHECK(came.text == "hello");
    CHECK(answered.text == "answer");
  });
}

TEST_CASE("a peer that is back is found by the next send, and cannot send to us before") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const std::string endpoint = "unixgram:" + folder.path("server");
    Datagram server = io::bind(endpoint);
    Datagram client = co_await io::connect_datagram(endpoint);
    server.close();
    server = io::bind(endpoint);

    const auto too_early = co_await as_outcome(server.send_to("too early", client.local()));
    co_await client.send("hello");
    const Came came = co_await come(server);
    co_await server.send_to("answer", came.from);
    const Came answered = co_await come(client);

    CHECK(failed_with(too_early, std::errc::operation_not_permitted));
    CHECK(came.text == "hello");
    CHECK(answered.text == "answer");
  });
}

TEST_CASE("who sends to a full queue waits until there is room in it") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    Datagram server = io::bind("unixgram:" + folder.path("server"));
    Datagram other = io::bind("unixgram:" + folder.path("other"));
    Datagram one = io::bind("unixgram:" + folder.path("one"));
    Datagram two = io::bind("unixgram:" + folder.path("two"));
    int of_one = 0;
    int of_two = 0;
    const auto before = open_descriptors();
    Spawned<void> first = spawn(reactor, fill(one, server.local(), "of one", of_one));
    co_await turns(20);
    const int most = of_one;
    Spawned<void> second = spawn(reactor, fill(two, server.local(), "of two", of_two));
    co_await turns(20);
    CHECK(most > 0);
    CHECK(of_two == 0);

    // It is woken although all that it could wait for is another sender's.
    first.task().cancel();
    for (int i = 0; i < 3; ++i) {
      const Came came = co_await come(server);
      CHECK(came.text == "of one");
      co_await turns(5);
      CHECK(of_two == i + 1);
    }

    CHECK(of_one == most);
    second.task().cancel();
    co_await turns(2);
    co_await two.send_to("elsewhere", other.local());
    const Came came = co_await come(other);
    CHECK(came.text == "elsewhere");
    one.close();
    CHECK(open_descriptors() < before);
    std::move(first).detach();
    std::move(second).detach();
  });
}

TEST_CASE("who has a peer waits while its queue is full") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    const std::string endpoint = "unixgram:" + folder.path("server");
    Datagram server = io::bind(endpoint);
    Datagram client = co_await io::connect_datagram(endpoint);
    int sent = 0;
    Spawned<void> sender = spawn(reactor, fill(client, server.local(), "more", sent));
    co_await turns(20);
    const int most = sent;
    CHECK(most > 0);

    const auto busy = co_await as_outcome(client.send("x"));
    CHECK_THROWS_AS(client.connect(server.local()), std::system_error);
    static_cast<void>(co_await come(server));
    co_await turns(5);

    CHECK(failed_with(busy, Errc::busy));
    CHECK(sent == most + 1);
    client.close();
    const auto ended = co_await as_outcome(std::move(sender));
    CHECK(failed_with(ended, Errc::closed));
    CHECK(what(ended) == "send to unix:" + folder.path("server") + ": it was closed on this side");
  });
}

TEST_CASE("a send that is cut while it waits for room has sent nothing") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    Datagram server = io::bind("unixgram:" + folder.path("server"));
    Datagram here = io::bind("unixgram:" + folder.path("here"));
    int sent = 0;
    Spawned<void> filling = spawn(reactor, fill(here, server.local(), "before", sent));
    co_await turns(20);
    filling.task().cancel();
    co_await turns(2);
    Spawned<void> waiting = spawn(reactor, here.send_to("cut", server.local()));
    co_await turns(3);
    CHECK_FALSE(waiting.done());

    static_cast<void>(co_await come(server));
    waiting.task().cancel();
    const auto cut = co_await as_outcome(std::move(waiting));

    CHECK(cut.check<Cancelled>());
    for (int i = 1; i < sent; ++i) {
      const Came came = co_await come(server);
      CHECK(came.text == "before");
    }
    co_await here.send_to("behind", server.local());
    const Came behind = co_await come(server);
    CHECK(behind.text == "behind");
    std::move(filling).detach();
  });
}
