// SPDX-License-Identifier: MIT
#include "deferred/io/connect.hpp"

#include <vector>

#include "deferred/io/names.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Address;
using io::Errc;
using io::Listener;
using io::Stream;

namespace {

// A port where nobody listens: that of a listener that is gone.
std::uint16_t unused_port(Reactor& reactor) { return io::listen(reactor, "127.0.0.1", 0).port(); }

}  // namespace

TEST_CASE("a connection that is refused is an error that names the peer") {
  run([](Reactor& reactor) -> Task<void> {
    const std::uint16_t port = unused_port(reactor);

    const auto got = co_await as_outcome(io::connect("127.0.0.1", port));

    CHECK(failed_with(got, std::errc::connection_refused));
    CHECK(what(got) == "connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
  });
}

TEST_CASE("localhost that refuses at all its addresses is named as it was given") {
  run([](Reactor& reactor) -> Task<void> {
    const std::uint16_t port = unused_port(reactor);

    const auto got = co_await as_outcome(io::connect("localhost", port));

    CHECK(what(got) == "connect to localhost:" + std::to_string(port) + ": Connection refused");
  });
}

TEST_CASE("localhost is 127.0.0.1 if nobody listens at ::1") {
  run([](Reactor& reactor) -> Task<void> {
    const Listener listener = io::listen(reactor, "127.0.0.1", 0);

    const Stream stream = co_await io::connect("localhost", listener.port());

    CHECK(stream.peer() == listener.local());
  });
}

TEST_CASE("localhost is ::1 if somebody listens there") {
  run([](Reactor& reactor) -> Task<void> {
    if (!has_ipv6(reactor)) co_return;
    const Listener listener = io::listen(reactor, "::1", 0);

    const Stream stream = co_await io::connect("localhost", listener.port());

    CHECK(stream.peer() == listener.local());
  });
}

TEST_CASE("an IPv6 address that refuses is named in brackets") {
  run([](Reactor& reactor) -> Task<void> {
    if (!has_ipv6(reactor)) co_return;

    const auto got = co_await as_outcome(io::connect("::1", unused_port(reactor)));

    CHECK(what(got).starts_with("connect to [::1]:"));
    CHECK(failed_with(got, std::errc::connection_refused));
  });
}

TEST_CASE("a host that can be no name is refused, and nobody is asked") {
  run([](Reactor&) -> Task<void> {
    const std::vector<std::string> hosts = {"", "1.2.3", "[::1]", "a b", std::string(300, 'a')};
    for (const std::string& host : hosts) {
      const auto got = co_await as_outcome(io::connect(host, 80));

      CAPTURE(host);
      CHECK(failed_with(got, Errc::not_a_name));
      CHECK(what(got).starts_with("look up '"));
    }
  });
}

TEST_CASE("a name is looked up, and connected to at the address that its source knows") {
  run([](Reactor& reactor) -> Task<void> {
    const auto known = [](const std::string& host) {
      return std::vector{
          Address::ip(host == "poems.example" ? "127.0.0.1" : "192.0.2.1", 0).value()};
    };
    io::names::use(reactor, io::names::in_threads(known));
    const Listener listener = io::listen(reactor, "127.0.0.1", 0);

    const Stream stream = co_await io::connect("poems.example", listener.port());

    CHECK(stream.peer() == listener.local());
  });
}

TEST_CASE("an address may have a scope, of who connects and of who listens") {
  run([](Reactor& reactor) -> Task<void> {
    if (!has_ipv6(reactor)) co_return;
    const Listener listener = io::listen(reactor, "::1%lo", 0);

    const Stream stream = co_await io::connect("::1%lo", listener.port());

    CHECK(stream.peer().starts_with("[::1%lo]:"));
  });
}

TEST_CASE("a host with a NUL in it is refused, not cut short") {
  run([](Reactor&) -> Task<void> {
    const std::string host("127.0.0.1\0", 10);

    const auto got = co_await as_outcome(io::connect(host, 80));

    CHECK(failed_with(got, Errc::not_a_name));
  });
}

TEST_CASE("a peer that does not answer is given up after with_timeout, with nothing left open") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<void> {
    // With its queue full, the kernel drops the knocks of those that come after.
    const Listener full = io::listen(here, "127.0.0.1", 0, io::ListenOptions(0));
    std::vector<Stream> queued;
    bool timed_out = false;
    for (int i = 0; i < 8 && !timed_out; ++i) {
      const auto before = open_descriptors();
      const TimePoint start = here.now();
      auto got = co_await as_outcome(with_timeout(5s, io::connect("127.0.0.1", full.port())));
      if (got.has_value()) {
        queued.push_back(*std::move(got));
      } else {
        CHECK(got.check<TimeoutError>());
        CHECK(here.now() - start == 5s);
        CHECK(open_descriptors() == before);
        timed_out = true;
      }
    }
    CHECK(timed_out);
  });
}

TEST_CASE("a cancelled connect leaves nothing open") {
  run([](Reactor& reactor) -> Task<void> {
    const Listener full = io::listen(reactor, "127.0.0.1", 0, io::ListenOptions(0));
    std::vector<Spawned<Stream>> all;
    const auto before = open_descriptors();
    for (int i = 0; i < 8; ++i) {
      all.push_back(spawn(reactor, io::connect("127.0.0.1", full.port())));
    }
    co_await turns(3);
    int waiting = 0;
    for (auto& one : all) {
      if (!one.done()) ++waiting;
      one.task().cancel();
    }
    int cancelled = 0;
    for (auto& one : all) {
      const auto got = co_await as_outcome(std::move(one));
      if (got.check<Cancelled>()) ++cancelled;
    }

    CHECK(waiting > 0);
    CHECK(cancelled == waiting);
    CHECK(open_descriptors() == before);
  });
}
