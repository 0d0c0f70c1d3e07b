// SPDX-License-Identifier: MIT
// How a wait for a datagram, and a Datagram, ends.
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/io/bind.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/race.hpp"
#include "tests/io/datagrams.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Address;
using io::Datagram;
using io::Errc;
using io::Received;

namespace {

using AwaitOfDatagrams = Task<> (*)(Datagram& here, const Address& to);
const std::vector<AwaitOfDatagrams> awaits_of_datagrams = {
    [](Datagram& here, const Address&) -> Task<> { static_cast<void>(co_await come(here)); },
    [](Datagram& here, const Address& to) -> Task<> { co_await here.send_to("lost", to); },
    [](Datagram& here, const Address& to) -> Task<> {
      here.connect(to);
      co_await here.send("lost");
    },
    [](Datagram&, const Address& to) -> Task<> {
      static_cast<void>(co_await io::connect_datagram("udp:" + to.text()));
    },
    [](Datagram&, const Address&) -> Task<> {
      static_cast<void>(co_await io::connect_datagram("no endpoint"));
    },
    [](Datagram&, const Address&) -> Task<> {
      Datagram none;
      co_await none.send("lost");
    },
    [](Datagram&, const Address&) -> Task<> {
      Datagram none;
      static_cast<void>(co_await come(none));
    },
};

Task<> cancelled_before(AwaitOfDatagrams await, Datagram& here, const Address& to) {
  TaskRef self = co_await current_task;
  self.cancel();
  co_await await(here, to);
}

}  // namespace

TEST_CASE("every await of datagrams is a cancel point, and does nothing when it is cut") {
  run([](Reactor&) -> Task<> {
    for (std::size_t i = 0; i < awaits_of_datagrams.size(); ++i) {
      Datagram here = io::bind("udp:127.0.0.1:0");
      Datagram other = io::bind("udp:127.0.0.1:0");
      co_await other.send_to("kept", here.local());

      auto spawned = spawn(cancelled_before, awaits_of_datagrams[i], std::ref(here), other.local());
      const auto outcome = co_await as_outcome(std::move(spawned));

      CAPTURE(i);
      CHECK(outcome.check<Cancelled>());
      const Came kept = co_await come(here);
      CHECK(kept.text == "kept");
      co_await other.send_to("next", other.local());
      const Came next = co_await come(other);
      CHECK(next.text == "next");
    }
  });
}

TEST_CASE("a receive that is cancelled takes no datagram, also if one has come by then") {
  run([](Reactor& reactor) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    for (const int woken : {0, 1, 2}) {
      char buffer[10];
      Spawned<Received> waiting = spawn(reactor, server.receive(buffer));
      co_await turns(2);
      co_await client.send_to("hello", server.local());
      // Not yet told, told but not gone on, and done.
      co_await turns(woken);
      const bool done = waiting.done();

      waiting.task().cancel();
      const auto cut = co_await as_outcome(std::move(waiting));

      CAPTURE(woken);
      CHECK(cut.has_value() == done);
      if (!done) {
        CHECK(cut.check<Cancelled>());
        const Came came = co_await come(server);
        CHECK(came.text == "hello");
      }
    }
  });
}

TEST_CASE("of receives that race all that lose have taken nothing") {
  run([](Reactor&) -> Task<> {
    Datagram one = io::bind("udp:127.0.0.1:0");
    Datagram other = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    const auto send_both = [&]() -> Task<> {
      co_await Pause{};
      co_await Pause{};
      co_await client.send_to("one", one.local());
      co_await client.send_to("other", other.local());
    };
    for (const bool before : {true, false}) {
      if (before) co_await send_both();
      Spawned<void> sending = spawn(before ? turns(0) : send_both());

      const auto first = co_await race(come(one), come(other));

      co_await std::move(sending);
      const Came& won = first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
      const Came left = co_await come(first.index() == 0 ? other : one);
      CAPTURE(before);
      CHECK(won.text + left.text == (first.index() == 0 ? "oneother" : "otherone"));
    }
  });
}

TEST_CASE("closing a Datagram ends what waits on it, and nothing is done on it any more") {
  run([](Reactor& reactor) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    const Address address = server.local();
    Spawned<Came> waiting = spawn(reactor, come(server));
    co_await turns(2);

    server.close();

    const auto received = co_await as_outcome(std::move(waiting));
    const auto again = co_await as_outcome(come(server));
    const auto sent = co_await as_outcome(server.send_to("x", client.local()));
    const std::string text = "receive on " + address.text() + ": it was closed on this side";
    CHECK(failed_with(received, Errc::closed));
    CHECK(what(received) == text);
    CHECK(what(again) == text);
    CHECK(what(sent) == "send to " + client.local().text() + ": it was closed on this side");
    CHECK_THROWS_WITH_AS(
        server.connect(client.local()),
        ("connect to " + client.local().text() + ": it was closed on this side").c_str(),
        std::system_error);
    CHECK_FALSE(server.is_open());
    CHECK(server.local() == address);
    server.close();
  });
}

TEST_CASE("what was sent before a close is on its way") {
  run([](Reactor&) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");

    co_await client.send_to("last", server.local());
    client.close();

    const Came came = co_await come(server);
    CHECK(came.text == "last");
  });
}

TEST_CASE("a Datagram that is dropped ends what waits on it, and closes its socket") {
  run([](Reactor& reactor) -> Task<> {
    const auto before = open_descriptors();
    Datagram server = io::bind("udp:127.0.0.1:0");
    char buffer[10];
    Spawned<Received> waiting = spawn(reactor, server.receive(buffer));
    co_await turns(2);

    server = Datagram();

    const auto received = co_await as_outcome(std::move(waiting));
    CHECK(failed_with(received, Errc::closed));
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("a Datagram that is moved while a task receives goes on receiving") {
  run([](Reactor& reactor) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    char buffer[10];
    Spawned<Received> waiting = spawn(reactor, server.receive(buffer));
    co_await turns(2);

    const Datagram moved = std::move(server);
    co_await client.send_to("hello", moved.local());

    const Received received = co_await std::move(waiting);
    CHECK(received.size == 5);
    CHECK(moved.is_open());
  });
}

TEST_CASE("a Datagram that was moved from is closed, and says so") {
  run([](Reactor&) -> Task<> {
    Datagram none;
    char buffer[10];

    const auto received = co_await as_outcome(none.receive(buffer));
    const auto sent = co_await as_outcome(none.send("x"));

    CHECK(failed_with(received, Errc::closed));
    CHECK(what(received).starts_with("receive on a Datagram that was moved from"));
    CHECK(failed_with(sent, Errc::closed));
    CHECK_FALSE(none.is_open());
    CHECK(none.local() == Address());
    CHECK(none.port() == 0);
    CHECK_FALSE(none.peer());
    CHECK_THROWS_AS(none.connect(Address::parse("127.0.0.1:9")), std::system_error);
    CHECK_THROWS_AS(none.transport(), std::system_error);
    CHECK_THROWS_AS(none.reactor(), std::system_error);
    none.close();
  });
}

TEST_CASE("one task receives at a time, and the first is not hurt by a second") {
  run([](Reactor& reactor) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    Spawned<Came> first = spawn(reactor, come(server));
    co_await turns(2);

    const auto second = co_await as_outcome(come(server));

    CHECK(failed_with(second, Errc::busy));
    co_await client.send_to("hello", server.local());
    const Came came = co_await std::move(first);
    CHECK(came.text == "hello");
  });
}

TEST_CASE("one task receives while another sends") {
  run([](Reactor& reactor) -> Task<> {
    Datagram here = io::bind("udp:127.0.0.1:0");
    Spawned<Came> receiver = spawn(reactor, come(here));
    co_await turns(2);

    co_await here.send_to("to myself", here.local());

    const Came came = co_await std::move(receiver);
    CHECK(came.text == "to myself");
  });
}

TEST_CASE("a Datagram is its reactor's, on which alone it is used") {
  Reactor home;
  Datagram server = io::bind(home, "udp:127.0.0.1:0");
  CHECK(&server.reactor() == &home);
  run([&](Reactor&) -> Task<> {
    char buffer[10];

    const auto received = co_await as_outcome(server.receive(buffer));
    const auto sent = co_await as_outcome(server.send_to("x", server.local()));

    CHECK(received.check<std::logic_error>());
    CHECK(sent.check<std::logic_error>());
  });
}

TEST_CASE("a Datagram may end before its reactor or after it") {
  const auto before = open_descriptors();
  {
    Datagram server;
    {
      const Unhandled unhandled;
      Reactor reactor;
      server = io::bind(reactor, "udp:127.0.0.1:0");
      char buffer[10];
      Spawned<Received> waiting = spawn(reactor, server.receive(buffer));
      reactor.run_until(turns(3));
      std::move(waiting).detach();
    }
    CHECK(server.is_open());
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a task that finds datagrams and room gives others their turn") {
  run([](Reactor& reactor) -> Task<> {
    Datagram here = io::bind("udp:127.0.0.1:0");
    bool stop = false;
    int received = 0;
    Spawned<void> busy = spawn(reactor, [&]() -> Task<> {
      while (!stop) {
        co_await here.send_to("to myself", here.local());
        const Came came = co_await come(here);
        CHECK(came.text == "to myself");
        ++received;
      }
    });

    co_await turns(10);
    stop = true;
    co_await std::move(busy);

    CHECK(received > 0);
    CHECK(received < 10 * 64);
  });
}

TEST_CASE("a limit ends a receive, and the next one finds the datagram that comes later") {
  run([](Reactor&) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    char buffer[10];

    const auto late = co_await as_outcome(with_timeout(1ms, server.receive(buffer)));
    co_await client.send_to("hello", server.local());
    const Came came = co_await come(server);

    CHECK(late.check<TimeoutError>());
    CHECK(came.text == "hello");
  });
}
