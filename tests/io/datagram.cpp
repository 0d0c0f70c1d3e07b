// SPDX-License-Identifier: MIT
// Datagrams by UDP.
#include "deferred/io/datagram.hpp"

#include <string>
#include <vector>

#include "deferred/io/bind.hpp"
#include "deferred/yieldables/readable.hpp"
#include "tests/io/datagrams.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Address;
using io::Datagram;
using io::Errc;

TEST_CASE("a datagram is received as it was sent, with the address of who has sent it") {
  run([](Reactor& reactor) -> Task<> {
    std::vector<std::string> endpoints = {"udp:127.0.0.1:0"};
    if (has_ipv6(reactor)) endpoints.emplace_back("udp:[::1]:0");
    for (const std::string& endpoint : endpoints) {
      Datagram server = io::bind(endpoint);
      Datagram client = io::bind(endpoint);

      co_await client.send_to("hello", server.local());
      const Came came = co_await come(server);

      CHECK(came.text == "hello");
      CHECK(came.from == client.local());
      CHECK_FALSE(came.truncated);
    }
  });
}

TEST_CASE("each datagram is received alone, in the order in which the kernel has them") {
  run([](Reactor&) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");

    co_await client.send_to("one", server.local());
    co_await client.send_to("two", server.local());
    const Came one = co_await come(server);
    const Came two = co_await come(server);

    CHECK(one.text == "one");
    CHECK(two.text == "two");
  });
}

TEST_CASE("an answer to who has sent is received by him") {
  run([](Reactor&) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    co_await client.send_to("ask", server.local());
    const Came asked = co_await come(server);

    co_await server.send_to("answer", asked.from);
    const Came answered = co_await come(client);

    CHECK(answered.text == "answer");
    CHECK(answered.from == server.local());
  });
}

TEST_CASE("a receive waits until a datagram comes") {
  run([](Reactor& reactor) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    Spawned<Came> waiting = spawn(reactor, come(server));
    co_await turns(5);
    CHECK_FALSE(waiting.done());

    co_await client.send_to("hello", server.local());

    const Came came = co_await std::move(waiting);
    CHECK(came.text == "hello");
  });
}

TEST_CASE("a datagram without bytes is received as one, and is no end") {
  run([](Reactor&) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");

    co_await client.send_to("", server.local());
    co_await client.send_to("more", server.local());
    const Came nothing = co_await come(server);
    const Came more = co_await come(server);

    CHECK(nothing.text.empty());
    CHECK(nothing.from == client.local());
    CHECK_FALSE(nothing.truncated);
    CHECK(more.text == "more");
  });
}

TEST_CASE("a datagram that is larger than the buffer is cut, which is told; the next is whole") {
  run([](Reactor&) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    for (const std::size_t room : {0, 1, 4, 5, 6}) {
      co_await client.send_to("hello", server.local());
      co_await client.send_to("next", server.local());

      const Came came = co_await come(server, room);
      const Came next = co_await come(server);

      CAPTURE(room);
      CHECK(came.text == std::string("hello").substr(0, room));
      CHECK(came.truncated == (room < 5));
      CHECK(came.from == client.local());
      CHECK(next.text == "next");
    }
  });
}

TEST_CASE("a datagram is sent whole or, if it is larger than can be sent, not at all") {
  run([](Reactor&) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    const std::string largest = pattern(65'507);

    const auto too_large = co_await as_outcome(client.send_to(largest + "x", server.local()));
    co_await client.send_to(largest, server.local());
    const Came came = co_await come(server, 1 << 16);

    CHECK(failed_with(too_large, std::errc::message_size));
    CHECK(what(too_large) == "send to " + server.local().text() + ": Message too long");
    CHECK(came.text == largest);
  });
}

TEST_CASE("an address that cannot be sent to is an error that names it, and the next is sent") {
  run([](Reactor&) -> Task<> {
    Datagram server = io::bind("udp:127.0.0.1:0");
    Datagram client = io::bind("udp:127.0.0.1:0");

    const auto no_port = co_await as_outcome(client.send_to("x", Address::parse("127.0.0.1:0")));
    const auto other_family = co_await as_outcome(client.send_to("x", Address::parse("[::1]:9")));
    const auto unnamed = co_await as_outcome(client.send_to("x", Address()));
    co_await client.send_to("y", server.local());
    const Came came = co_await come(server);

    CHECK(what(no_port) == "send to 127.0.0.1:0: Invalid argument");
    CHECK(failed_with(other_family, std::errc::address_family_not_supported));
    CHECK_FALSE(unnamed.has_value());
    CHECK(came.text == "y");
  });
}

TEST_CASE("who is connected sends to its peer, and receives from it alone") {
  run([](Reactor&) -> Task<> {
    Datagram peer = io::bind("udp:127.0.0.1:0");
    Datagram stranger = io::bind("udp:127.0.0.1:0");
    Datagram here = io::bind("udp:127.0.0.1:0");
    co_await stranger.send_to("before", here.local());
    co_await peer.send_to("kept", here.local());

    here.connect(peer.local());
    co_await stranger.send_to("behind", here.local());
    co_await here.send("hello");
    const Came hello = co_await come(peer);
    co_await peer.send_to("answer", hello.from);
    const Came kept = co_await come(here);
    const Came answer = co_await come(here);

    CHECK(here.peer() == peer.local());
    CHECK(hello.text == "hello");
    CHECK(hello.from == here.local());
    CHECK(kept.text == "kept");
    CHECK(answer.text == "answer");
    CHECK(answer.from == peer.local());
  });
}

TEST_CASE("who is connected again has the other peer") {
  run([](Reactor&) -> Task<> {
    Datagram first = io::bind("udp:127.0.0.1:0");
    Datagram second = io::bind("udp:127.0.0.1:0");
    Datagram here = io::bind("udp:127.0.0.1:0");
    here.connect(first.local());
    co_await first.send_to("of the first", here.local());

    here.connect(second.local());
    co_await second.send_to("of the second", here.local());
    co_await here.send("hello");
    const Came came = co_await come(here);
    const Came hello = co_await come(second);

    CHECK(came.text == "of the second");
    CHECK(hello.text == "hello");
  });
}

TEST_CASE("a connect that fails leaves the peer as it was") {
  run([](Reactor&) -> Task<> {
    Datagram peer = io::bind("udp:127.0.0.1:0");
    Datagram here = io::bind("udp:127.0.0.1:0");
    here.connect(peer.local());

    CHECK_THROWS_WITH_AS(here.connect(Address::parse("[::1]:9")),
                         "connect to [::1]:9: Address family not supported by protocol",
                         std::system_error);

    co_await here.send("hello");
    const Came came = co_await come(peer);
    CHECK(came.text == "hello");
    CHECK(here.peer() == peer.local());
  });
}

// The kernel connects to port 0, sends nothing there and receives from nobody.
TEST_CASE("a connect to port 0 is refused, and leaves the peer, or that there is none, as it was") {
  run([](Reactor&) -> Task<> {
    Datagram peer = io::bind("udp:127.0.0.1:0");
    Datagram connected = io::bind("udp:127.0.0.1:0");
    Datagram alone = io::bind("udp:127.0.0.1:0");
    connected.connect(peer.local());
    const char* const refusal = "connect to 127.0.0.1:0: a peer has a port: Invalid argument";

    for (Datagram* const here : {&connected, &alone}) {
      CHECK_THROWS_WITH_AS(here->connect(Address::parse("127.0.0.1:0")), refusal,
                           std::system_error);
    }

    CHECK(connected.peer() == peer.local());
    CHECK_FALSE(alone.peer());
    co_await connected.send("to the peer");
    const Came to_peer = co_await come(peer);
    co_await peer.send_to("to who has none", alone.local());
    const Came to_alone = co_await come(alone);
    CHECK(to_peer.text == "to the peer");
    CHECK(to_alone.text == "to who has none");
  });
}

TEST_CASE("send() needs a peer, and send_to() sends to the peer where there is one") {
  run([](Reactor&) -> Task<> {
    Datagram peer = io::bind("udp:127.0.0.1:0");
    Datagram other = io::bind("udp:127.0.0.1:0");
    Datagram here = io::bind("udp:127.0.0.1:0");

    const auto to_nobody = co_await as_outcome(here.send("x"));
    here.connect(peer.local());
    const auto to_other = co_await as_outcome(here.send_to("x", other.local()));
    co_await here.send_to("hello", peer.local());
    const Came came = co_await come(peer);

    CHECK(what(to_nobody) == "send to nobody: Destination address required");
    CHECK(failed_with(to_other, std::errc::already_connected));
    CHECK(came.text == "hello");
  });
}

TEST_CASE("that a datagram was refused is one error of who is connected, and not its end") {
  run([](Reactor&) -> Task<> {
    Datagram gone = io::bind("udp:127.0.0.1:0");
    const std::string endpoint = "udp:" + gone.local().text();
    Datagram client = co_await io::connect_datagram(endpoint);
    gone.close();

    co_await client.send("lost");
    const auto received = co_await as_outcome(come(client));
    co_await client.send("lost again");
    co_await Readable{client.transport().descriptor()};  // the error is there
    const auto sent = co_await as_outcome(client.send("not sent"));
    Datagram back = io::bind(endpoint);
    co_await client.send("hello");
    const Came came = co_await come(back);

    CHECK(what(received) == "receive on " + client.local().text() + ": Connection refused");
    CHECK(what(sent) == "send to " + back.local().text() + ": Connection refused");
    CHECK(came.text == "hello");
  });
}

TEST_CASE("a refusal wakes who waits for an answer") {
  run([](Reactor& reactor) -> Task<> {
    Datagram gone = io::bind("udp:127.0.0.1:0");
    Datagram client = co_await io::connect_datagram("udp:" + gone.local().text());
    gone.close();
    Spawned<Came> waiting = spawn(reactor, come(client));
    co_await turns(2);

    co_await client.send("lost");

    const auto received = co_await as_outcome(std::move(waiting));
    CHECK(failed_with(received, std::errc::connection_refused));
  });
}

TEST_CASE("who is not connected hears of no refusal") {
  run([](Reactor&) -> Task<> {
    Datagram gone = io::bind("udp:127.0.0.1:0");
    const Address nowhere = gone.local();
    Datagram here = io::bind("udp:127.0.0.1:0");
    gone.close();

    co_await here.send_to("lost", nowhere);
    co_await here.send_to("to myself", here.local());
    const Came came = co_await come(here);

    CHECK(came.text == "to myself");
  });
}

TEST_CASE(
    "a socket of all addresses takes both families, and knows IPv4's by their own addresses") {
  run([](Reactor&) -> Task<> {
    Datagram server = io::bind("udp:*:0");
    Datagram client = io::bind("udp:127.0.0.1:0");
    const Address address = Address::ip("127.0.0.1", server.port()).value();

    co_await client.send_to("ask", address);
    const Came asked = co_await come(server);
    co_await server.send_to("answer", asked.from);
    const Came answered = co_await come(client);
    server.connect(asked.from);
    co_await server.send("connected");
    const Came connected = co_await come(client);

    CHECK(asked.from == client.local());
    CHECK(answered.text == "answer");
    CHECK(answered.from == address);
    CHECK(connected.from == address);
    CHECK(server.local() == address);
    CHECK(server.peer() == client.local());
  });
}
