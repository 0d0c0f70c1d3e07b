// SPDX-License-Identifier: MIT
//
// Datagrams over system calls that fail. The functions at the top stand before libc's.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <string>

#include "deferred/io/bind.hpp"
#include "tests/io/datagrams.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Address;
using io::Datagram;

namespace {

// What the next calls fail with, in order; those after are real.
struct DatagramFaults {
  std::deque<int> socket = {};
  std::deque<int> peer_name = {};
  std::deque<int> receive = {};
  std::deque<int> send = {};
  int receives = 0;  // calls so far
  int sends = 0;
};
DatagramFaults now;

// Takes the next fault; zero if there is none.
int next_error(std::deque<int>& errors) {
  if (errors.empty()) return 0;
  errno = errors.front();
  errors.pop_front();
  return errno;
}

// All calls are real again at its end.
class WithDatagramFaults {
 public:
  explicit WithDatagramFaults(DatagramFaults faults) { now = std::move(faults); }
  WithDatagramFaults(const WithDatagramFaults&) = delete;
  WithDatagramFaults& operator=(const WithDatagramFaults&) = delete;
  ~WithDatagramFaults() { now = {}; }
};

}  // namespace

extern "C" {
int socket(int family, int type, int protocol) noexcept {
  if (next_error(now.socket)) return -1;
  return static_cast<int>(::syscall(SYS_socket, family, type, protocol));
}
int getpeername(int fd, sockaddr* name, socklen_t* size) noexcept {
  if (next_error(now.peer_name)) return -1;
  return static_cast<int>(::syscall(SYS_getpeername, fd, name, size));
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  ++now.receives;
  if (next_error(now.receive)) return -1;
  return ::syscall(SYS_recvmsg, fd, message, flags);
}
ssize_t sendto(int fd, const void* bytes, std::size_t size, int flags, const sockaddr* to,
               socklen_t to_size) {
  ++now.sends;
  if (next_error(now.send)) return -1;
  return ::syscall(SYS_sendto, fd, bytes, size, flags, to, to_size);
}
}

TEST_CASE("a call for a datagram that a signal interrupts is made again") {
  run([](Reactor&) -> Task<> {
    Datagram here = io::bind("udp:127.0.0.1:0");
    const WithDatagramFaults interrupted(
        DatagramFaults{.receive = {EINTR, EINTR}, .send = {EINTR, EINTR}});

    co_await here.send_to("hello", here.local());
    const Came came = co_await come(here);

    CHECK(came.text == "hello");
  });
}

TEST_CASE("readiness for a datagram that turns out to be none is waited for again") {
  run([](Reactor&) -> Task<> {
    Datagram here = io::bind("udp:127.0.0.1:0");
    const WithDatagramFaults spurious(
        DatagramFaults{.receive = {EAGAIN, EAGAIN, EAGAIN}, .send = {EAGAIN, EAGAIN}});

    co_await here.send_to("hello", here.local());
    const Came came = co_await come(here);

    CHECK(came.text == "hello");
    CHECK(now.receives == 4);
    CHECK(now.sends == 3);
  });
}

TEST_CASE("what a receive or a send fails with is thrown once, and the next is a new try") {
  run([](Reactor&) -> Task<> {
    for (const int error : {EIO, ENOBUFS, ENOMEM, ENETUNREACH, EHOSTUNREACH, EPERM}) {
      Datagram here = io::bind("udp:127.0.0.1:0");
      const std::string message = std::generic_category().message(error);
      const WithDatagramFaults failing(DatagramFaults{.receive = {error}, .send = {error}});

      const auto sent = co_await as_outcome(here.send_to("first", here.local()));
      co_await here.send_to("second", here.local());
      const auto received = co_await as_outcome(come(here));
      const Came came = co_await come(here);

      CHECK(what(sent) == "send to " + here.local().text() + ": " + message);
      CHECK(what(received) == "receive on " + here.local().text() + ": " + message);
      CHECK(came.text == "second");
    }
  });
}

TEST_CASE("everywhere is all addresses of IPv4 where there is no IPv6") {
  run([](Reactor&) -> Task<> {
    const WithDatagramFaults without(DatagramFaults{.socket = {EAFNOSUPPORT}});

    const Datagram bound = io::bind("udp:*:0");

    CHECK(bound.local().family() == Address::Family::ipv4);
    CHECK(bound.local().is_any());
    co_return;
  });
}

TEST_CASE("a Datagram that gets no socket is an error that names its address") {
  run([](Reactor& reactor) -> Task<> {
    const WithDatagramFaults out(DatagramFaults{.socket = {EMFILE}});

    CHECK(error_of_binding(reactor, "udp:127.0.0.1:0") ==
          "bind to 127.0.0.1:0: Too many open files");
    co_return;
  });
}

TEST_CASE("who waits for room in a Unix queue is asleep, until there is room") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    Datagram server = io::bind("unixgram:" + folder.path("server"));
    Datagram here = io::bind("unixgram:" + folder.path("here"));
    int sent = 0;
    Spawned<void> sender = spawn(reactor, fill(here, server.local(), "more", sent));
    co_await turns(20);
    const int tries = now.sends;

    co_await turns(100);

    CHECK(sent > 0);
    CHECK(now.sends == tries);
    const Came came = co_await come(server);
    co_await turns(5);
    CHECK(now.sends == tries + 2);
    sender.task().cancel();
    std::move(sender).detach();
    co_await turns(2);
  });
}

TEST_CASE("who waits for room in his own Unix socket is asleep, until there is room") {
  run([](Reactor& reactor) -> Task<> {
    const TemporaryFolder folder;
    Datagram server = io::bind("unixgram:" + folder.path("server"));
    Datagram here = io::bind("unixgram:" + folder.path("here"));
    const std::string large = pattern(60'000);
    int sent = 0;
    Spawned<void> sender = spawn(reactor, fill(here, server.local(), large, sent));
    co_await turns(20);
    const int tries = now.sends;
    const int most = sent;

    co_await turns(100);

    CHECK(most > 0);
    CHECK(most < 10);
    CHECK(now.sends == tries);
    for (int i = 0; i < most; ++i) {
      const Came came = co_await come(server, large.size());
      CHECK(came.text == large);
    }
    co_await turns(5);
    CHECK(sent > most);
    sender.task().cancel();
    std::move(sender).detach();
    co_await turns(2);
  });
}

TEST_CASE("who cannot wait for room in a Unix queue, for want of a descriptor, is told so") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    Datagram server = io::bind("unixgram:" + folder.path("server"));
    Datagram here = io::bind("unixgram:" + folder.path("here"));
    const WithDatagramFaults out(DatagramFaults{.socket = {EMFILE}, .send = {EAGAIN}});

    const auto sent = co_await as_outcome(here.send_to("x", server.local()));
    co_await here.send_to("y", server.local());
    const Came came = co_await come(server);

    CHECK(what(sent) == "send to unix:" + folder.path("server") + ": Too many open files");
    CHECK(came.text == "y");
  });
}

// By then the receiver may have made room: it was asked for a wait at its queue, which is for
// others than its peer, and this was the sender's error.
TEST_CASE("who finds no room for one that has him as its peer waits for room of his own") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    Datagram server = io::bind("unixgram:" + folder.path("server"));
    Datagram client = co_await io::connect_datagram("unixgram:" + folder.path("server"));
    const WithDatagramFaults full(DatagramFaults{.send = {EAGAIN}});

    co_await server.send_to("hello", client.local());
    const Came came = co_await come(client);

    CHECK(came.text == "hello");
  });
}

TEST_CASE("that one has another peer is told to who finds no room for it") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    const Datagram server = io::bind("unixgram:" + folder.path("server"));
    const Datagram client = co_await io::connect_datagram("unixgram:" + folder.path("server"));
    Datagram stranger = io::bind("unixgram:" + folder.path("stranger"));
    const WithDatagramFaults full(DatagramFaults{.send = {EAGAIN}});

    const auto sent = co_await as_outcome(stranger.send_to("hello", client.local()));

    CHECK(what(sent) == "send to " + client.local().text() + ": Operation not permitted");
    CHECK(now.sends == 2);
  });
}

TEST_CASE("a connect that fails when the kernel has connected it has the peer it had") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    for (const bool is_unix : {false, true}) {
      const auto bound = [&](const char* name) {
        return io::bind(is_unix ? "unixgram:" + folder.path(name) : "udp:127.0.0.1:0");
      };
      Datagram peer = bound("peer");
      const Datagram other = bound("other");
      Datagram here = bound("here");
      here.connect(peer.local());

      {
        const WithDatagramFaults failing(DatagramFaults{.peer_name = {ENOBUFS}});
        CHECK_THROWS_WITH_AS(
            here.connect(other.local()),
            ("connect to " + other.local().text() + ": No buffer space available").c_str(),
            std::system_error);
      }

      CAPTURE(is_unix);
      CHECK(here.peer() == peer.local());
      co_await here.send("hello");
      const Came hello = co_await come(peer);
      co_await peer.send_to("answer", hello.from);
      const Came answer = co_await come(here);
      CHECK(hello.from == here.local());
      CHECK(answer.text == "answer");
    }
  });
}

TEST_CASE("a connect that fails when the kernel has connected it has no peer where it had none") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    for (const std::string& endpoint : {std::string("udp:127.0.0.1:0"), std::string("udp:*:0"),
                                        "unixgram:" + folder.path("here")}) {
      Datagram here = io::bind(endpoint);
      const bool is_unix = here.port() == 0;
      Datagram other = io::bind(is_unix ? "unixgram:" + folder.path("other") : "udp:127.0.0.1:0");
      Datagram stranger =
          io::bind(is_unix ? "unixgram:" + folder.path("stranger") : "udp:127.0.0.1:0");
      const Address before = here.local();

      {
        const WithDatagramFaults failing(DatagramFaults{.peer_name = {ENOBUFS}});
        CHECK_THROWS_AS(here.connect(other.local()), std::system_error);
      }

      CAPTURE(endpoint);
      CHECK_FALSE(here.peer());
      CHECK(here.local() == before);
      const Address at = is_unix ? before : Address::ip("127.0.0.1", before.port()).value();
      co_await stranger.send_to("hello", at);
      const Came hello = co_await come(here);
      co_await here.send_to("answer", hello.from);
      const Came answer = co_await come(stranger);
      CHECK(hello.text == "hello");
      CHECK(answer.from == at);
    }
  });
}
