// SPDX-License-Identifier: MIT
//
// Datagrams, of UDP on the loopback and of Unix.
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <system_error>

#include "tests/allocation_failure/programs.hpp"

namespace deferred::testing {
namespace {

using io::Address;
using io::Datagram;
using io::Received;

/// Made with memory.
Datagram bound(Reactor& reactor) {
  const AllocationsSucceed memory;
  return io::bind(reactor, "udp:127.0.0.1:0");
}

void binding(Reactor& reactor) {
  Datagram here = io::bind(reactor, "udp:127.0.0.1:0");
  right(here.is_open() && here.port() != 0 && &here.reactor() == &reactor, "it is bound");
  const io::DatagramTransport& transport = here.transport();
  right(transport.is_open() && transport.descriptor() >= 0 && &transport.reactor() == &reactor,
        "what it is made of");
  right(transport.local() == here.local() && !transport.peer() && !here.peer(), "its addresses");
  here.connect(here.local());
  right(here.peer() == here.local(), "its peer");
  here.close();
  right(!here.is_open(), "it is closed");
  Datagram copy = io::bind("udp:127.0.0.1:0");
  copy.transport().connect(copy.local());
  Datagram adopted =
      io::adopt_datagram(reactor, io::Descriptor(::dup(copy.transport().descriptor())));
  copy.transport().close();
  right(adopted.peer() == adopted.local(), "it is adopted with its peer");
}

// What fails for want of memory has sent, or taken, nothing, and the next call does it.
void sending_and_receiving(Reactor& reactor) {
  Datagram here = bound(reactor);
  const Address address = here.local();
  std::array<char, 100> buffer;
  const auto receive = [&]() -> Task<std::size_t> {
    const Received received = co_await here.receive(buffer);
    co_return received.size;
  };
  const auto send = [&]() -> Task<> { co_await here.send_to("four", address); };
  Spawned<std::size_t> receiver = spawn(reactor, receive);
  const ClosedAtEnd closed(receiver.task());
  Deferred<std::size_t> got = std::move(receiver).deferred();
  turns(reactor, 2);
  const Outcome<void> sent = end_of(reactor, send);
  has_value_or_no_memory(sent);
  if (!sent.has_value()) {
    const AllocationsSucceed memory;
    right(end_of(reactor, send).has_value(), "a send after one that failed does not send");
  }
  turn_until(reactor, [&] { return got.has_result(); });
  right(got.has_result(), "a receiver is not woken");
  const Outcome<std::size_t> first = std::move(got).result();
  has_value_or_no_memory(first, 4U);
  const AllocationsSucceed memory;
  if (!first.has_value()) {
    const auto again = end_of(reactor, receive);
    right(again.has_value() && *again == 4, "a receive that failed has lost a datagram");
  }
  const auto none_left = here.transport().try_receive(buffer);
  right(!none_left, "a datagram was sent twice");
}

void talking_to_peer(Reactor& reactor) {
  Datagram server = bound(reactor);
  std::string endpoint;
  {
    const AllocationsSucceed memory;
    endpoint = "udp:" + server.local().text();
  }
  std::array<char, 100> buffer;
  const auto talk = [&]() -> Task<std::size_t> {
    Datagram client = co_await io::connect_datagram(endpoint);
    co_await client.send("four");
    const Received received = co_await server.receive(buffer);
    co_return received.size;
  };
  has_value_or_no_memory(end_of(reactor, talk), 4U);
}

// An error is told as one if there is memory for its text, and else as std::bad_alloc.
void sending_to_nobody(Reactor& reactor) {
  Datagram here = bound(reactor);
  const auto send = [&]() -> Task<> { co_await here.send("x"); };
  const auto closed = [&]() -> Task<> {
    here.close();
    co_await here.send_to("x", here.local());
  };
  const Outcome<void> nobody = end_of(reactor, send);
  right(out_of_memory(nobody) || nobody.check<std::system_error>(), "another error");
  const Outcome<void> late = end_of(reactor, closed);
  right(out_of_memory(late) || late.check<std::system_error>(), "another error");
}

void receiver_of_closed(Reactor& reactor) {
  Datagram here = bound(reactor);
  std::array<char, 100> buffer;
  const auto receive = [&]() -> Task<> { static_cast<void>(co_await here.receive(buffer)); };
  Spawned<void> receiver = spawn(reactor, receive);
  const ClosedAtEnd closed(receiver.task());
  Deferred<void> got = std::move(receiver).deferred();
  turns(reactor, 2);
  here.close();
  turns(reactor, 2);
  right(got.has_result(), "who receives on what is closed is not told");
  const Outcome<void> outcome = std::move(got).result();
  right(out_of_memory(outcome) || outcome.check<std::system_error>(), "another error");
}

// A sender that could not wait for room has sent nothing.
void full_queue(Reactor& reactor) {
  std::optional<Datagram> server, here;
  std::array<char, 100> buffer;
  {
    const AllocationsSucceed memory;
    io::Network& network = io::current_network(reactor);
    server = network.bind(Address(), {});
    here = network.bind(Address(), {});
  }
  const Address address = server->local();
  int sent = 0;
  while (here->transport().try_send("more", address)) ++sent;
  const auto send = [&]() -> Task<> { co_await here->send_to("last", address); };
  Spawned<void> sender = spawn(reactor, send);
  const ClosedAtEnd closed(sender.task());
  Deferred<void> got = std::move(sender).deferred();
  turns(reactor, 3);
  right(server->transport().try_receive(buffer).has_value(), "a datagram is lost");
  turn_until(reactor, [&] { return got.has_result(); });
  right(got.has_result(), "a sender is not woken");
  const Outcome<void> outcome = std::move(got).result();
  has_value_or_no_memory(outcome);
  int left = 0;
  while (server->transport().try_receive(buffer)) ++left;
  right(left == sent - 1 + (outcome.has_value() ? 1 : 0), "a datagram is lost, or sent twice");
}

}  // namespace

Programs datagram_programs() {
  return {
      {"bind, adopt_datagram",
       {"deferred::io::bind()", "deferred::io::adopt_datagram()",
        "deferred::io::Datagram::Datagram()", "deferred::io::Datagram::close()",
        "deferred::io::Datagram::connect()", "deferred::io::Datagram::is_open()",
        "deferred::io::Datagram::local()", "deferred::io::Datagram::peer()",
        "deferred::io::Datagram::port()", "deferred::io::Datagram::reactor()",
        "deferred::io::Datagram::transport()", "deferred::io::DatagramTransport::close()",
        "deferred::io::DatagramTransport::connect()",
        "deferred::io::DatagramTransport::descriptor()",
        "deferred::io::DatagramTransport::is_open()", "deferred::io::DatagramTransport::local()",
        "deferred::io::DatagramTransport::peer()", "deferred::io::DatagramTransport::reactor()",
        "deferred::io::EndpointKind::bind()"},
       &binding},
      {"receive and send_to",
       {"deferred::io::Datagram::receive()", "deferred::io::Datagram::send_to()",
        "deferred::io::Received::Received()", "deferred::io::DatagramTransport::readable()"},
       &sending_and_receiving},
      {"connect_datagram",
       {"deferred::io::connect_datagram()", "deferred::io::Datagram::send()",
        "deferred::io::EndpointKind::connect_datagram()"},
       &talking_to_peer},
      {"datagrams that cannot be sent",
       {"deferred::io::Datagram::send()", "deferred::io::Datagram::send_to()"},
       &sending_to_nobody},
      {"a Datagram that is closed under who receives",
       {"deferred::io::Datagram::close()"},
       &receiver_of_closed},
      {"a Unix queue that is full",
       {"deferred::io::Network::bind()", "deferred::io::DatagramTransport::try_send()",
        "deferred::io::DatagramTransport::try_receive()",
        "deferred::io::DatagramTransport::writable()"},
       &full_queue},
  };
}

}  // namespace deferred::testing
