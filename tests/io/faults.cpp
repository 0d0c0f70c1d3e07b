// SPDX-License-Identifier: MIT
//
// Streams over system calls that fail. The functions at the top stand before libc's.
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <vector>

#include "deferred/io/netstring.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Errc;
using io::Listener;
using io::Stream;

namespace {

// What the next calls fail with, in order; those after are real.
struct Faults {
  std::deque<int> socket = {};
  std::deque<int> accept = {};
  std::deque<int> receive = {};
  std::deque<int> send = {};
  std::uint16_t local_port = 0;  // what a new socket is bound to, instead of a free one
  std::size_t most = static_cast<std::size_t>(-1);  // of the bytes of one receive or send
  int receives = 0;                                 // calls so far
  int sends = 0;
};
Faults faults;

// Takes the next fault; zero if there is none.
int next_of(std::deque<int>& errors) {
  if (errors.empty()) return 0;
  errno = errors.front();
  errors.pop_front();
  return errno;
}

// All calls are real again at its end.
class WithFaults {
 public:
  explicit WithFaults(Faults now) { faults = std::move(now); }
  WithFaults(const WithFaults&) = delete;
  WithFaults& operator=(const WithFaults&) = delete;
  ~WithFaults() { faults = {}; }
};

}  // namespace

extern "C" {
int socket(int family, int type, int protocol) noexcept {
  if (next_of(faults.socket)) return -1;
  const int made = static_cast<int>(::syscall(SYS_socket, family, type, protocol));
  if (faults.local_port != 0) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    here.sin_port = htons(faults.local_port);
    if (::bind(made, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) return -1;
  }
  return made;
}
int accept4(int fd, sockaddr* peer, socklen_t* size, int flags) {
  if (next_of(faults.accept)) return -1;
  return static_cast<int>(::syscall(SYS_accept4, fd, peer, size, flags));
}
ssize_t recv(int fd, void* bytes, std::size_t size, int flags) {
  ++faults.receives;
  if (next_of(faults.receive)) return -1;
  size = std::min(size, faults.most);
  return ::syscall(SYS_recvfrom, fd, bytes, size, flags, nullptr, nullptr);
}
ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  ++faults.sends;
  if (next_of(faults.send)) return -1;
  size = std::min(size, faults.most);
  return ::syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0);
}
}

TEST_CASE("a call that a signal interrupts is made again") {
  run([](Reactor& reactor) -> Task<void> {
    const WithFaults interrupted(
        Faults{.accept = {EINTR, EINTR}, .receive = {EINTR, EINTR, EINTR}, .send = {EINTR, EINTR}});
    Ends ends = co_await connected(reactor);

    co_await ends.near.write_all("through");
    co_await ends.near.shutdown_write();
    const std::string got = co_await ends.far.read_to_end();

    CHECK(got == "through");
  });
}

TEST_CASE("a message costs one receive and one send: nobody tries what cannot be there yet") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    Spawned<void> echo = spawn(reactor, [&]() -> Task<> {
      char buffer[100];
      std::size_t got = 1;
      while (got != 0) {
        got = co_await ends.near.read_some(buffer);
        co_await ends.near.write_all({buffer, got});
      }
    });
    char buffer[100];
    co_await ends.far.write_all("warm");
    const std::size_t warm = co_await ends.far.read_some(buffer);
    CHECK(warm == 4);

    const WithFaults counted(Faults{});
    for (int i = 0; i < 10; ++i) {
      co_await ends.far.write_all("a message");
      const std::size_t got = co_await ends.far.read_some(buffer);
      CHECK(got == 9);
    }

    CHECK(faults.receives == 20);
    CHECK(faults.sends == 20);
    ends.far.close();
    co_await std::move(echo);
  });
}

TEST_CASE("a reader whose buffer was filled tries again at once, for there may be more") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.far.write_all("four");
    char buffer[2];
    const std::size_t first = co_await ends.near.read_some(buffer);
    CHECK(first == 2);

    bool turned = false;
    reactor.call_later(0s, [&] { turned = true; }).detach();
    const std::size_t second = co_await ends.near.read_some(buffer);

    CHECK(second == 2);
    CHECK(!turned);
  });
}

TEST_CASE("readiness that turns out to be none is waited for again") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    const WithFaults spurious(
        Faults{.receive = {EAGAIN, EAGAIN, EAGAIN}, .send = {EAGAIN, EAGAIN}});

    co_await ends.near.write_all("through");
    co_await ends.near.shutdown_write();
    const std::string got = co_await ends.far.read_to_end();

    CHECK(got == "through");
  });
}

TEST_CASE("all works when each call moves one byte") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    const WithFaults short_calls(Faults{.most = 1});
    const std::string text = pattern(500);

    co_await ends.near.write_all(io::encode_netstring(text));
    co_await ends.near.shutdown_write();
    const auto got = co_await io::read_netstring(ends.far);
    const std::string rest = co_await ends.far.read_to_end();

    CHECK(got == text);
    CHECK(rest.empty());
  });
}

TEST_CASE("an error of a connection is thrown with the peer, and again by each later try") {
  run([](Reactor& reactor) -> Task<void> {
    for (const int error : {EIO, ENOTCONN, ETIMEDOUT, EHOSTUNREACH}) {
      Ends ends = co_await connected(reactor);
      const std::string message = std::generic_category().message(error);
      const WithFaults failing(Faults{.receive = {error}, .send = {error}});

      const auto written = co_await as_outcome(ends.near.write_all("first"));
      const auto read = co_await as_outcome(ends.far.read_to_end());
      const auto written_again = co_await as_outcome(ends.near.write_all("second"));
      ends.near.close();
      const auto read_again = co_await as_outcome(ends.far.read_to_end());

      CHECK(what(written) == "write to " + ends.near.peer() + ": " + message);
      CHECK(what(read) == "read from " + ends.far.peer() + ": " + message);
      CHECK(what(written_again) == what(written));
      CHECK(what(read_again) == what(read));
    }
  });
}

TEST_CASE("a read or write that fails for want of memory may do the next time") {
  run([](Reactor& reactor) -> Task<void> {
    for (const int error : {ENOBUFS, ENOMEM}) {
      Ends ends = co_await connected(reactor);
      const std::string message = std::generic_category().message(error);
      const WithFaults failing(Faults{.receive = {error}, .send = {error}});

      const auto written = co_await as_outcome(ends.near.write_all("first"));
      const auto read = co_await as_outcome(ends.far.read_to_end());
      co_await ends.near.write_all("second");
      ends.near.close();
      const std::string got = co_await ends.far.read_to_end();

      CHECK(what(written) == "write to " + ends.near.peer() + ": " + message);
      CHECK(what(read) == "read from " + ends.far.peer() + ": " + message);
      CHECK(got == "second");
    }
  });
}

TEST_CASE("a connection that is gone when it is accepted is passed over") {
  run([](Reactor& reactor) -> Task<void> {
    const WithFaults gone(
        Faults{.accept = {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENETUNREACH}});

    const Ends ends = co_await connected(reactor);

    CHECK(ends.near.peer() == ends.far.local());
  });
}

TEST_CASE("whatever the machine is out of, the accepter is told and rests before it tries again") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<void> {
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
      Listener listener = io::listen(here, "127.0.0.1", 0);
      const Stream client = co_await io::connect("127.0.0.1", listener.port());
      const WithFaults out(Faults{.accept = {error}});
      const TimePoint start = here.now();

      const auto got = co_await as_outcome(listener.accept());
      const Stream server = co_await listener.accept();

      CHECK(what(got) ==
            "accept on " + listener.local() + ": " + std::generic_category().message(error));
      CHECK(here.now() - start == 5ms);
      CHECK(server.peer() == client.local());
    }
  });
}

TEST_CASE("an accepter that keeps failing rests ever longer, up to 80 ms") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<void> {
    Listener listener = io::listen(here, "127.0.0.1", 0);
    const Stream client = co_await io::connect("127.0.0.1", listener.port());
    const WithFaults out(Faults{.accept = std::deque<int>(8, EMFILE)});
    const TimePoint start = here.now();
    std::vector<Duration> tries;

    for (int i = 0; i < 8; ++i) {
      const auto got = co_await as_outcome(listener.accept());
      tries.push_back(here.now() - start);
      CHECK(failed_with(got, std::errc::too_many_files_open));
    }
    const Stream server = co_await listener.accept();

    CHECK(tries == std::vector<Duration>{0ms, 5ms, 15ms, 35ms, 75ms, 155ms, 235ms, 315ms});
    CHECK(here.now() - start == 395ms);
    CHECK(server.peer() == client.local());
  });
}

TEST_CASE("the first rest is short again once a connection was accepted") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<void> {
    Listener listener = io::listen(here, "127.0.0.1", 0);
    const Stream one = co_await io::connect("127.0.0.1", listener.port());
    const Stream two = co_await io::connect("127.0.0.1", listener.port());
    faults.accept.assign(5, EMFILE);
    for (int i = 0; i < 5; ++i) {
      const auto got = co_await as_outcome(listener.accept());
      CHECK_FALSE(got.has_value());
    }
    const Stream first = co_await listener.accept();
    faults.accept.assign(1, EMFILE);
    const auto got = co_await as_outcome(listener.accept());
    CHECK_FALSE(got.has_value());
    const TimePoint before = here.now();

    const Stream second = co_await listener.accept();

    CHECK(here.now() - before == 5ms);
  });
}

TEST_CASE("closing a listener ends an accept that rests") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<void> {
    Listener listener = io::listen(here, "127.0.0.1", 0);
    const Stream client = co_await io::connect("127.0.0.1", listener.port());
    faults.accept.assign(1, EMFILE);
    const auto failed = co_await as_outcome(listener.accept());
    CHECK_FALSE(failed.has_value());
    Spawned<Stream> resting = spawn(here, listener.accept());
    co_await turns(2);
    const TimePoint before = here.now();

    listener.close();

    const auto got = co_await as_outcome(std::move(resting));
    CHECK(failed_with(got, Errc::closed));
    CHECK(here.now() == before);
  });
}

TEST_CASE("a client that gets no socket is told whom it could not reach") {
  run([](Reactor& reactor) -> Task<void> {
    const Listener listener = io::listen(reactor, "127.0.0.1", 0);
    const auto before = open_descriptors();
    const WithFaults out(Faults{.socket = {EMFILE, ENFILE}});

    const auto first = co_await as_outcome(io::connect("127.0.0.1", listener.port()));
    const auto second = co_await as_outcome(io::connect("127.0.0.1", listener.port()));
    const Stream third = co_await io::connect("127.0.0.1", listener.port());

    CHECK(what(first) == "connect to " + listener.local() + ": Too many open files");
    CHECK(what(second) == "connect to " + listener.local() + ": Too many open files in system");
    CHECK(third.is_open());
    CHECK(open_descriptors() == before + 1);
  });
}

TEST_CASE("localhost is 127.0.0.1 where there is no IPv6") {
  run([](Reactor& reactor) -> Task<void> {
    const Listener listener = io::listen(reactor, "127.0.0.1", 0);
    const WithFaults without(Faults{.socket = {EAFNOSUPPORT}});

    const Stream stream = co_await io::connect("localhost", listener.port());

    CHECK(stream.peer() == listener.local());
  });
}

TEST_CASE("a socket that would be connected to itself is refused, for nobody listens") {
  run([](Reactor& reactor) -> Task<void> {
    const std::uint16_t port = io::listen(reactor, "127.0.0.1", 0).port();
    const WithFaults bound(Faults{.local_port = port});

    const auto got = co_await as_outcome(io::connect("127.0.0.1", port));

    CHECK(failed_with(got, std::errc::connection_refused));
  });
}
