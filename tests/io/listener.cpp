// SPDX-License-Identifier: MIT
#include "deferred/io/listen.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <vector>

#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Errc;
using io::Listener;
using io::Stream;

namespace {

// Leaves room for so many more descriptors, and puts the limit back at its end.
class FewDescriptors {
 public:
  // UBSan's vptr check tries an address with a pipe, and calls the object bad if there is none.
  // faults.cpp has the same tests with a system call that fails by itself.
#ifdef __SANITIZE_ADDRESS__
  static constexpr bool confuse_this_build = true;
#else
  static constexpr bool confuse_this_build = false;
#endif

  explicit FewDescriptors(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    const rlimit now{static_cast<rlim_t>(lowest_free) + more, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { lift(); }
  void lift() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

std::string error_of_listening(Reactor& reactor, std::string_view host, std::uint16_t port) {
  try {
    const Listener listener = io::listen(reactor, host, port);
    return "no error";
  } catch (const std::system_error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("port 0 picks a free port, which local() and port() tell") {
  Reactor reactor;
  const Listener listener = io::listen(reactor, "127.0.0.1", 0);

  CHECK(listener.port() != 0);
  CHECK(listener.local() == "127.0.0.1:" + std::to_string(listener.port()));
  CHECK(&listener.reactor() == &reactor);
}

TEST_CASE("a listener at localhost is at both of its addresses, with one port") {
  run([](Reactor& reactor) -> Task<void> {
    if (!has_ipv6(reactor)) co_return;
    Listener listener = io::listen(reactor, "localhost", 0);
    std::vector<std::string> peers;

    for (const std::string host : {"127.0.0.1", "::1", "127.0.0.1", "localhost"}) {
      const Stream client = co_await io::connect(host, listener.port());
      const Stream server = co_await listener.accept();
      CHECK(server.peer() == client.local());
      peers.push_back(client.peer());
    }

    const std::string port = ":" + std::to_string(listener.port());
    CHECK(listener.local() == "[::1]" + port);
    CHECK(peers == std::vector<std::string>{"127.0.0.1" + port, "[::1]" + port, "127.0.0.1" + port,
                                            "[::1]" + port});
  });
}

TEST_CASE("a listener at localhost whose number is taken at the second address asks for another") {
  run([](Reactor& reactor) -> Task<void> {
    if (!has_ipv6(reactor)) co_return;
    std::vector<Listener> fours;
    std::vector<Listener> both;

    for (int i = 0; i < 200; ++i) {
      fours.push_back(io::listen(reactor, "127.0.0.1", 0));
      both.push_back(io::listen(reactor, "localhost", 0));
    }

    for (Listener& listener : both) {
      const Stream client = co_await io::connect("127.0.0.1", listener.port());
      const Stream server = co_await listener.accept();
      CHECK(server.peer() == client.local());
    }
  });
}

TEST_CASE("a listener everywhere has to say so, and takes those who come by IPv4 and by IPv6") {
  run([](Reactor& reactor) -> Task<void> {
    Listener listener = io::listen(reactor, "*", 0);

    const Stream four = co_await io::connect("127.0.0.1", listener.port());
    const Stream server = co_await listener.accept();

    CHECK(server.peer() == four.local());
    CHECK_THROWS_WITH_AS(static_cast<void>(io::listen(reactor, "", 80)),
                         "listen on :80: '*' is everywhere: it is neither an IPv4 nor an IPv6 "
                         "address",
                         std::system_error);
  });
}

TEST_CASE("accept waits for a connection and names its peer") {
  run([](Reactor& reactor) -> Task<void> {
    Listener listener = io::listen(reactor, "127.0.0.1", 0);
    Spawned<Stream> accepted = spawn(reactor, listener.accept());
    co_await turns(2);
    CHECK_FALSE(accepted.done());

    const Stream client = co_await io::connect("127.0.0.1", listener.port());

    const Stream server = co_await std::move(accepted);
    CHECK(server.peer() == client.local());
  });
}

TEST_CASE("a loop of accept serves hundreds of connections at once") {
  run([](Reactor& reactor) -> Task<void> {
    Listener listener = io::listen(reactor, "127.0.0.1", 0);
    auto echo = [](Stream stream) -> Task<void> {
      const std::string text = co_await stream.read_to_end();
      co_await stream.write_all(text);
    };
    auto serve = [&]() -> Task<void> {
      while (true) {
        Stream stream = co_await listener.accept();
        spawn(reactor, echo, std::move(stream));
      }
    };
    auto ask = [&](std::string text) -> Task<std::string> {
      Stream stream = co_await io::connect("127.0.0.1", listener.port());
      co_await stream.write_all(text);
      co_await stream.shutdown_write();
      co_return co_await stream.read_to_end();
    };
    Spawned<void> server = spawn(reactor, serve);
    std::vector<Spawned<std::string>> answers;
    for (int i = 0; i < 300; ++i) answers.push_back(spawn(reactor, ask, std::to_string(i)));

    for (int i = 0; i < 300; ++i) {
      const std::string answer = co_await std::move(answers[static_cast<std::size_t>(i)]);
      CHECK(answer == std::to_string(i));
    }
    server.task().close();
    std::move(server).detach();
  });
}

TEST_CASE("a port that is taken, or not ours, is an error that names it") {
  Reactor reactor;
  const Listener first = io::listen(reactor, "127.0.0.1", 0);

  CHECK(error_of_listening(reactor, "127.0.0.1", first.port()) ==
        "listen on " + first.local() + ": Address already in use");
  CHECK(error_of_listening(reactor, "192.0.2.1", 80) ==
        "listen on 192.0.2.1:80: Cannot assign requested address");
}

TEST_CASE("a listener's host is an address, not a name") {
  Reactor reactor;
  for (const char* host : {"example.org", "1.2.3", "[::1]"}) {
    CHECK(error_of_listening(reactor, host, 80)
              .find(":80: it is neither an IPv4 nor an IPv6 address") != std::string::npos);
  }
}

TEST_CASE("closing a listener ends the accept that waits, and refuses whoever comes") {
  run([](Reactor& reactor) -> Task<void> {
    Listener listener = io::listen(reactor, "127.0.0.1", 0);
    Spawned<Stream> accepted = spawn(reactor, listener.accept());
    co_await turns(2);

    listener.close();

    const auto got = co_await as_outcome(std::move(accepted));
    CHECK(what(got) == "accept on " + listener.local() + ": it was closed on this side");
    const auto late = co_await as_outcome(listener.accept());
    CHECK(failed_with(late, Errc::closed));
    const auto client = co_await as_outcome(io::connect("127.0.0.1", listener.port()));
    CHECK(failed_with(client, std::errc::connection_refused));
  });
}

TEST_CASE("a second accepter is told that there is one") {
  run([](Reactor& reactor) -> Task<void> {
    Listener listener = io::listen(reactor, "127.0.0.1", 0);
    Spawned<Stream> first = spawn(reactor, listener.accept());
    co_await turns(2);

    const auto second = co_await as_outcome(listener.accept());

    CHECK(failed_with(second, Errc::busy));
    first.task().close();
    std::move(first).detach();
  });
}

TEST_CASE("a loop that swallows what accept() throws goes on once a turn") {
  run([](Reactor& reactor) -> Task<void> {
    Listener listener = io::listen(reactor, "127.0.0.1", 0);
    Spawned<Stream> first = spawn(reactor, listener.accept());
    co_await turns(2);
    int errors = 0;
    TaskRef loop = spawn(reactor, [&]() -> Task<> {
                     for (;;) {
                       try {
                         static_cast<void>(co_await listener.accept());
                       } catch (const std::system_error&) {
                         ++errors;
                       }
                     }
                   }).task();

    co_await turns(10);
    const int while_busy = std::exchange(errors, 0);
    listener.close();
    static_cast<void>(co_await as_outcome(std::move(first)));
    errors = 0;
    co_await turns(10);
    const int while_closed = errors;
    loop.close();

    CHECK(while_busy > 5);
    CHECK(while_busy <= 10);
    CHECK(while_closed > 5);
    CHECK(while_closed <= 10);
  });
}

TEST_CASE("a cancelled accept takes no connection with it") {
  run([](Reactor& reactor) -> Task<void> {
    Listener listener = io::listen(reactor, "127.0.0.1", 0);
    Spawned<Stream> first = spawn(reactor, listener.accept());
    co_await turns(2);
    Spawned<Stream> client = spawn(reactor, io::connect("127.0.0.1", listener.port()));

    // In the turn in which the connection begins, so that it is accepted by nobody yet.
    first.task().cancel();
    const auto cancelled = co_await as_outcome(std::move(first));
    const Stream server = co_await listener.accept();

    CHECK(cancelled.check<Cancelled>());
    const Stream connected_client = co_await std::move(client);
    CHECK(server.peer() == connected_client.local());
  });
}

TEST_CASE("a connection that was reset in the queue does not disturb those behind it") {
  run([](Reactor& reactor) -> Task<void> {
    Listener listener = io::listen(reactor, "127.0.0.1", 0);
    Stream gone = co_await io::connect("127.0.0.1", listener.port());
    reset(gone);
    Stream client = co_await io::connect("127.0.0.1", listener.port());

    Stream first = co_await listener.accept();
    const auto read = co_await as_outcome(first.read_to_end());
    const Stream second = co_await listener.accept();

    CHECK(failed_with(read, std::errc::connection_reset));
    CHECK(second.peer() == client.local());
  });
}

TEST_CASE("an accepter without a descriptor left is told, and goes on once there is one") {
  if (FewDescriptors::confuse_this_build) return;
  run([](Reactor& reactor) -> Task<void> {
    Listener listener = io::listen(reactor, "127.0.0.1", 0);
    const Stream client = co_await io::connect("127.0.0.1", listener.port());
    FewDescriptors few(0);

    const auto got = co_await as_outcome(listener.accept());
    few.lift();
    const Stream server = co_await listener.accept();

    CHECK(what(got) == "accept on " + listener.local() + ": Too many open files");
    CHECK(server.peer() == client.local());
  });
}

TEST_CASE("a client without a descriptor left is told whom it could not reach") {
  if (FewDescriptors::confuse_this_build) return;
  run([](Reactor& reactor) -> Task<void> {
    const Listener listener = io::listen(reactor, "127.0.0.1", 0);
    const FewDescriptors few(0);

    const auto got = co_await as_outcome(io::connect("127.0.0.1", listener.port()));

    CHECK(what(got) == "connect to " + listener.local() + ": Too many open files");
  });
}

TEST_CASE("a listener of IPv6 tells its address in brackets") {
  Reactor reactor;
  if (!has_ipv6(reactor)) return;
  const Listener listener = io::listen(reactor, "::1", 0);

  CHECK(listener.local() == "[::1]:" + std::to_string(listener.port()));
}
