// SPDX-License-Identifier: MIT
//
// Connections and datagrams of which each system call fails once.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "deferred/io.hpp"
#include "deferred/tasks/nursery.hpp"
#include "tests/failing_calls/tries.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Datagram;
using io::Descriptor;
using io::Listener;
using io::Stream;

namespace {

Task<> echo_to_the_end(Stream& stream) {
  char room[64];
  while (true) {
    const std::size_t got = co_await stream.read_some(room);
    if (got == 0) co_return;
    co_await stream.write_all(std::string_view(room, got));
  }
}

Task<> accept_and_echo(Listener& listener) {
  Stream stream = co_await listener.accept();
  co_await echo_to_the_end(stream);
}

/// Two messages and their answers, and both ends.
Task<std::string> converse(Stream& stream) {
  std::string heard;
  for (const std::string_view message : {"one, ", "two, "}) {
    std::string answer(message.size(), ' ');
    co_await stream.write_all(message);
    co_await stream.read_exactly(answer);
    heard += answer;
  }
  co_await stream.shutdown_write();
  heard += co_await stream.read_to_end();
  co_return heard + "the end";
}

// An error of one side ends the other.
Task<std::string> conversation_at(std::string endpoint) {
  Listener listener = io::listen(endpoint);
  std::string heard;
  const auto both = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(accept_and_echo(listener));
    std::string at = listener.local();
    if (listener.port() != 0) at = "tcp:" + at;
    Stream client = co_await io::connect(at);
    heard = co_await converse(client);
  };
  co_await with_nursery(both);
  co_return heard;
}

Task<> serve_echo(Listener& listener) {
  const auto handler = [](Stream stream) -> Task<> { co_await echo_to_the_end(stream); };
  co_await io::serve(listener, handler);
}

/// A client that comes again when it has heard nothing.
Task<std::string> ask_until_answered(const std::string& endpoint, int& asked) {
  while (true) {
    ++asked;
    try {
      Stream client = co_await io::connect(endpoint);
      co_return co_await converse(client);
    } catch (const std::system_error&) {
    }
  }
}

Task<std::string> pass_a_descriptor(Stream& from, Stream& to) {
  const int pipe[] = {::dup(STDOUT_FILENO)};
  const Descriptor given(pipe[0]);
  char room[16];
  co_await io::send_with_descriptors(from, "here", pipe);
  const io::ReceivedDescriptors got = co_await io::receive_with_descriptors(to, room, 1);
  const io::Credentials peer = io::peer_credentials(to);
  co_return std::string(room, got.size) + ", " + std::to_string(got.descriptors.size()) +
      (peer.pid == ::getpid() ? ", of this process" : ", of another");
}

Task<std::string> send_and_receive(Datagram& from, Datagram& to) {
  char room[16];
  co_await from.send_to("one", to.local());
  const io::Received got = co_await to.receive(room);
  co_return std::string(room, got.size) + " from " + (got.from == from.local() ? "it" : "another");
}

}  // namespace

TEST_CASE("whatever call of a conversation over TCP fails, it goes on or the error says which") {
  each_call_fails([](Reactor&) { return conversation_at("tcp:127.0.0.1:0"); });
}

TEST_CASE("whatever call of a conversation at a path fails, it goes on or the error says which") {
  const TemporaryFolder folder;
  const std::string path = folder.path("socket");

  // A path whose last owner is gone is there each time.
  each_call_fails(
      [&](Reactor&) -> Task<std::string> {
        {
          const WithoutFaults by_hand;
          ::unlink(path.c_str());
          const Descriptor left_behind = io::open_listener("unix:" + path);
        }
        co_return co_await conversation_at("unix:" + path);
      },
      // What is found out about a path that is taken: if it cannot be, it stays so.
      {{Call::bind, Comes::maybe_its_error},
       {Call::connect, Comes::maybe_an_error},
       {Call::fchmod, Comes::nothing},
       {Call::flock, Comes::maybe_an_error},
       {Call::lstat, Comes::maybe_an_error},
       {Call::socket, Comes::maybe_an_error},
       {Call::unlink, Comes::maybe_an_error}});
}

TEST_CASE("whatever call of a server fails, it goes on: a client that asks again is answered") {
  std::size_t most = 0;
  const auto ask_the_server = [&](Reactor&) -> Task<std::string> {
    std::optional<Listener> listener;
    {
      const WithoutFaults by_hand;
      listener = io::listen("tcp:127.0.0.1:0");
    }
    std::string heard;
    int asked = 0;
    const auto both = [&](Nursery& nursery) -> Task<> {
      nursery.spawn(serve_echo(*listener));
      heard = co_await ask_until_answered("tcp:" + listener->local(), asked);
      nursery.cancel();
    };
    co_await with_nursery(both);
    most = std::max(most, static_cast<std::size_t>(asked));
    co_return heard;
  };

  std::map<Call, Comes> nothing_comes;
  for (std::size_t i = 0; i < count_of_calls; ++i) {
    nothing_comes[Call{static_cast<unsigned char>(i)}] = Comes::nothing;
  }
  each_call_fails(ask_the_server, nothing_comes);

  CHECK(most == 2);
}

TEST_CASE("whatever call for a descriptor that is passed fails, it comes or the error says which") {
  each_call_fails(
      [](Reactor& reactor) -> Task<std::string> {
        std::optional<Stream> near;
        std::optional<Stream> far;
        {
          const WithoutFaults by_hand;
          int pair[2];
          REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
          near = io::adopt(reactor, Descriptor(pair[0]), "near");
          far = io::adopt(reactor, Descriptor(pair[1]), "far");
        }
        co_return co_await pass_a_descriptor(*near, *far);
      },
      // Of what is not known to be a Unix socket it is said that it is none.
      {{Call::getsockopt, Comes::maybe_an_error}});
}

TEST_CASE(
    "whatever call for a socket that is adopted fails, it is closed, and the error says which") {
  each_call_fails(
      [](Reactor& reactor) -> Task<std::string> {
        Descriptor made = io::open_listener("tcp:127.0.0.1:0:share_port=yes");
        const Listener listener = io::listen(reactor, std::move(made));
        int pair[2];
        {
          const WithoutFaults by_hand;
          REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        }
        Descriptor other(pair[1]);
        const Stream one = io::adopt(reactor, Descriptor(pair[0]), "one");
        const Stream another = io::adopt(reactor, std::move(other));
        co_return "adopted";
      },
      {{Call::fcntl, Comes::maybe_its_error}, {Call::setsockopt, Comes::maybe_its_error}});
}

TEST_CASE("whatever call for a datagram fails, it comes or the error says which") {
  each_call_fails([](Reactor&) -> Task<std::string> {
    Datagram from = io::bind("udp:127.0.0.1:0");
    Datagram to = io::bind("udp:127.0.0.1:0");
    co_return co_await send_and_receive(from, to);
  });
}

TEST_CASE("whatever call for a datagram to a path fails, it comes or the error says which") {
  const TemporaryFolder folder;
  each_call_fails(
      [&](Reactor&) -> Task<std::string> {
        {
          const WithoutFaults by_hand;
          std::filesystem::remove(folder.path("from"));
          std::filesystem::remove(folder.path("to"));
        }
        Datagram from = io::bind("unixgram:" + folder.path("from"));
        Datagram to = io::bind("unixgram:" + folder.path("to"));
        co_return co_await send_and_receive(from, to);
      },
      {{Call::fchmod, Comes::nothing}});
}

TEST_CASE("a port that cannot be shared is an error where it is asked for, not of who comes next") {
  const WithFault failing(Fault{Call::setsockopt, 1, ENOPROTOOPT});
  std::string said;

  try {
    const Descriptor opened = io::open_listener("tcp:127.0.0.1:0:share_port=yes");
  } catch (const std::system_error& error) {
    said = error.what();
  }

  CHECK(said == "listen on 127.0.0.1:0: Protocol not available");
}
