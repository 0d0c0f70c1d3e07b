// SPDX-License-Identifier: MIT
// TCP: listening, connecting, addresses, and attempts that fail. (Twisted: test_tcp's ports,
// clients and connectors)
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "deferred/io/errors.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::conformance {
namespace {

using enum Capability;
using io::Listener;
using io::Stream;

/// The port of a listener that is gone again: nobody listens there.
std::uint16_t free_port(Reactor& reactor) { return io::listen(reactor, "127.0.0.1", 0).port(); }

/// While it lives, no descriptor can be opened.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    try {  // UBSan looks at the type of an object through a pipe, the first time that it meets it
      throw std::system_error(std::error_code());
    } catch (const std::exception&) {
    }
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);  // the lowest free number
    ::close(next);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next);
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

/// Both ends tell the same two addresses.
Task<void> check_addresses(Context& c, std::string host, std::string shown) {
  Listener listener = io::listen(c.reactor(), host, 0);
  const std::string at = shown + ":" + std::to_string(listener.port());
  c.equal(listener.local(), at, "where the listener says it listens");
  Stream client = co_await io::connect(host, listener.port());
  Stream server = co_await listener.accept();
  c.equal(client.peer(), at, "the client's peer");
  c.equal(server.local(), at, "the server's own address");
  c.equal(server.peer(), client.local(), "the server's peer");
  c.check(client.local().starts_with(shown + ":"), "the client's own address is of that kind");
}

const ConformanceCase cases_of_tcp_connecting[] = {
    {"a client is connected, and the server gets the connection", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         context.check(both.client.is_open() && both.server.is_open(), "both ends are open");
       });
     },
     "tcp.connectEvent"},
    {"listener, client and server tell their IPv4 addresses", descriptors,
     [](Context& c) {
       c.run([](Context& context) { return check_addresses(context, "127.0.0.1", "127.0.0.1"); });
     },
     "tcp.addresses tcp.portGetHostOnIPv4 tcp.serverGetHostOnIPv4 tcp.serverGetPeerOnIPv4 "
     "tcp.buildProtocolIPv4Address tcp.serverAddressTCP4"},
    {"listener, client and server tell their IPv6 addresses", descriptors,
     [](Context& c) {
       require_ipv6(c);
       c.run([](Context& context) { return check_addresses(context, "::1", "[::1]"); });
     },
     "tcp.portGetHostOnIPv6 tcp.serverGetHostOnIPv6 tcp.serverGetPeerOnIPv6 "
     "tcp.buildProtocolIPv6Address tcp.serverAddressTCP6"},
    {"a host that can be no name is refused, and named", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         const auto outcome = co_await as_outcome(io::connect("no such host", 1));
         context.check(failed_with(outcome, io::Errc::not_a_name), "the error says so");
         context.check(what_of(outcome).find("no such host") != std::string::npos, "with its name");
       });
     }},
    {"a connection that nobody accepts at the port is refused", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         const std::uint16_t port = free_port(context.reactor());
         const auto outcome = co_await as_outcome(io::connect("127.0.0.1", port));
         context.check(failed_with(outcome, std::errc::connection_refused), "the error says so");
       });
     }},
    {"the handler of a failed connection stops the reactor", descriptors,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       bool failed = false;
       spawn(reactor, io::connect("127.0.0.1", free_port(reactor)))
           .add_callback([](Stream) {})
           .add_errback([&](const std::system_error&) {
             failed = true;
             reactor.stop();
           })
           .detach();
       reactor.run();
       c.check(failed, "the errback was called");
     },
     "tcp.clientConnectionFailedStopsReactor"},
    {"a client connects again after its connection was refused", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         const std::uint16_t port = free_port(context.reactor());
         const auto refused = co_await as_outcome(io::connect("127.0.0.1", port));
         context.check(!refused.has_value(), "nobody listens yet");
         Listener listener = io::listen(context.reactor(), "127.0.0.1", port);
         const Stream client = co_await io::connect("127.0.0.1", port);
         const Stream server = co_await listener.accept();
         context.check(client.is_open(), "the second attempt comes about");
       });
     }},
    {"a client connects again after its connection was lost", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Listener listener = io::listen(context.reactor(), "127.0.0.1", 0);
         for (int i = 0; i < 3; ++i) {
           Stream client = co_await io::connect("127.0.0.1", listener.port());
           Stream server = co_await listener.accept();
           server.close();
           const std::string end = co_await read_text(client);
           context.equal(end, "", "what the client reads: the end");
         }
       });
     },
     "tcp.reconnect"},
    {"an attempt that is cancelled ends with Cancelled, and leaves no socket", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         // A full backlog keeps the attempt pending.
         Listener listener = io::listen(context.reactor(), "127.0.0.1", 0, io::ListenOptions(0));
         std::vector<Spawned<Stream>> attempts;
         for (int i = 0; i < 4; ++i) {
           attempts.push_back(spawn(context.reactor(), io::connect("127.0.0.1", listener.port())));
         }
         co_await pauses(5);
         int cancelled = 0;
         for (Spawned<Stream>& attempt : attempts) {
           const bool pending = !attempt.done();
           attempt.task().cancel();
           const auto outcome = co_await as_outcome(std::move(attempt));
           if (pending) cancelled += outcome.check<Cancelled>() != nullptr;
         }
         context.check(cancelled > 0, "at least one was pending, and was cancelled");
       });
     },
     "tcp.userFail"},
    {"a connection that the server does not want is closed", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Listener listener = io::listen(context.reactor(), "127.0.0.1", 0);
         Stream client = co_await io::connect("127.0.0.1", listener.port());
         {
           const Stream unwanted = co_await listener.accept();
         }
         const std::string end = co_await read_text(client);
         context.equal(end, "", "what the client reads: the end");
       });
     },
     "tcp.buildProtocolReturnsNone"},
    {"a port that is taken cannot be listened on", descriptors,
     [](Context& c) {
       const Listener listener = io::listen(c.reactor(), "127.0.0.1", 0);
       c.throws<std::system_error>(
           [&] { const Listener second = io::listen(c.reactor(), "127.0.0.1", listener.port()); },
           "the second listener");
     }},
    {"a port can be listened on again when its listener is gone", descriptors,
     [](Context& c) {
       const std::uint16_t port = free_port(c.reactor());
       for (int i = 0; i < 3; ++i)
         const Listener again = io::listen(c.reactor(), "127.0.0.1", port);
     }},
    {"closing a listener ends the accept that waits", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Listener listener = io::listen(context.reactor(), "127.0.0.1", 0);
         Spawned<Stream> waiting = spawn(context.reactor(), listener.accept());
         co_await pauses(3);
         listener.close();
         const auto outcome = co_await as_outcome(std::move(waiting));
         context.check(failed_with(outcome, io::Errc::closed), "it is told so");
       });
     }},
    {"an accept that is cancelled takes no connection: the next accept gets it", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Listener listener = io::listen(context.reactor(), "127.0.0.1", 0);
         Spawned<Stream> waiting = spawn(context.reactor(), listener.accept());
         co_await pauses(3);
         waiting.task().cancel();
         const auto cancelled = co_await as_outcome(std::move(waiting));
         context.check(cancelled.check<Cancelled>() != nullptr, "it ends with Cancelled");
         const Stream client = co_await io::connect("127.0.0.1", listener.port());
         const Stream server = co_await listener.accept();
         context.equal(server.peer(), client.local(), "who is accepted");
       });
     }},
    {"fifty clients are accepted, each once", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Listener listener = io::listen(context.reactor(), "127.0.0.1", 0);
         std::vector<Spawned<Stream>> clients;
         for (int i = 0; i < 50; ++i) {
           clients.push_back(spawn(context.reactor(), io::connect("127.0.0.1", listener.port())));
         }
         std::vector<std::string> accepted, connected;
         for (int i = 0; i < 50; ++i) {
           const Stream server = co_await listener.accept();
           accepted.push_back(server.peer());
         }
         for (Spawned<Stream>& one : clients) {
           const Stream client = co_await std::move(one);
           connected.push_back(client.local());
         }
         std::sort(accepted.begin(), accepted.end());
         std::sort(connected.begin(), connected.end());
         context.check(accepted == connected, "the same fifty");
       });
     }},
    {"out of descriptors an accept fails, and goes on when there are some again", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Listener listener = io::listen(context.reactor(), "127.0.0.1", 0);
         const Stream client = co_await io::connect("127.0.0.1", listener.port());
         auto none = std::make_unique<NoMoreDescriptors>();
         const auto failed = co_await as_outcome(listener.accept());
         none.reset();
         context.check(failed_with(failed, std::errc::too_many_files_open), "the error says so");
         const Stream server = co_await listener.accept();
         context.equal(server.peer(), client.local(), "who is accepted in the end");
       });
     },
     "tcp.closePeerOnEMFILE"},
    {"out of descriptors a connect fails with that error", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Listener listener = io::listen(context.reactor(), "127.0.0.1", 0);
         auto none = std::make_unique<NoMoreDescriptors>();
         const auto failed = co_await as_outcome(io::connect("127.0.0.1", listener.port()));
         none.reset();
         context.check(failed_with(failed, std::errc::too_many_files_open), "the error says so");
       });
     }},
};

}  // namespace

std::span<const ConformanceCase> tcp_connecting_cases() { return cases_of_tcp_connecting; }

}  // namespace deferred::testing::conformance
