// SPDX-License-Identifier: MIT
// bind() and connect_datagram(): by text, over networks, over sockets that were handed down.
#include "deferred/io/bind.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "deferred/io/connect.hpp"
#include "deferred/io/endpoint_kinds.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/io/network.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/datagrams.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Address;
using io::Datagram;
using io::Descriptor;
using io::Errc;

namespace {

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

/// A network that has names and no datagrams.
class NamesOnly : public io::Network {
 public:
  Task<io::Stream> connect(Address) override { co_return io::Stream(); }
  io::Listener listen(const Address&, const io::ListenOptions&) override { return {}; }
  Task<std::vector<Address>> look_up(std::string host) override {
    looked_up.push_back(host);
    co_await Pause{takes};
    co_return addresses;
  }

  std::vector<Address> addresses;
  Duration takes = 1s;
  std::vector<std::string> looked_up;
};

/// The datagrams are the system's.
class Names final : public NamesOnly {
 public:
  explicit Names(Network& system) : system_(system) {}
  Datagram bind(const Address& at, const io::ListenOptions& options) override {
    return system_.bind(at, options);
  }

 private:
  Network& system_;
};

}  // namespace

TEST_CASE("port 0 picks a free one, which is told") {
  run([](Reactor&) -> Task<> {
    const Datagram first = io::bind("udp:127.0.0.1:0");
    const Datagram second = io::bind("udp:127.0.0.1:0");

    CHECK(first.port() != 0);
    CHECK(first.port() != second.port());
    CHECK(first.local() == Address::ip("127.0.0.1", first.port()));
    co_return;
  });
}

TEST_CASE("several Datagrams share a port if all of them say so, and no two that do not") {
  Reactor reactor;
  const Datagram alone = io::bind(reactor, "udp:127.0.0.1:0");
  const Datagram shared = io::bind(reactor, "udp:127.0.0.1:0:share_port=yes");
  const std::string taken = "udp:" + alone.local().text();
  const std::string same = "udp:" + shared.local().text();
  io::ListenOptions sharing;
  sharing.share_port = true;

  CHECK(error_of_binding(reactor, taken) ==
        "bind to " + alone.local().text() + ": Address already in use");
  CHECK(says(error_of_binding(reactor, taken + ":share_port=yes"), "Address already in use"));
  CHECK(says(error_of_binding(reactor, same), "Address already in use"));
  CHECK(error_of_binding(reactor, same + ":share_port=yes") == "no error");
  CHECK(io::bind(reactor, same, sharing).port() == shared.port());
}

TEST_CASE("who binds names a host, which is an address of this machine") {
  Reactor reactor;

  CHECK(says(error_of_binding(reactor, "udp:53"), "'*' is everywhere"));
  CHECK(says(error_of_binding(reactor, "udp::0"), "'*' is everywhere"));
  CHECK(says(error_of_binding(reactor, "udp:localhost:0"), "name one"));
  CHECK(error_of_binding(reactor, "udp:example.org:53") ==
        "bind to example.org:53: it is neither an IPv4 nor an IPv6 address");
  CHECK(says(error_of_binding(reactor, "udp:192.0.2.1:0"), "bind to 192.0.2.1:0: "));
  CHECK(error_of_binding(reactor, "udp:*:0") == "no error");
}

TEST_CASE("an endpoint that is wrong, or of the other sort, is refused with the reason") {
  run([](Reactor& reactor) -> Task<> {
    const auto option = co_await as_outcome(io::connect_datagram("udp:127.0.0.1:9:mode=600"));
    const auto no_port = co_await as_outcome(io::connect_datagram("udp:127.0.0.1"));
    const auto no_path = co_await as_outcome(io::connect_datagram("unixgram:a:b"));
    const auto of_streams = co_await as_outcome(io::connect_datagram("tcp:127.0.0.1:9"));
    const auto of_datagrams = co_await as_outcome(io::connect("udp:127.0.0.1:9"));
    const auto port_0 = co_await as_outcome(io::connect_datagram("udp:127.0.0.1:0"));
    const auto unknown = co_await as_outcome(io::connect_datagram("gopher:example.org:70"));

    CHECK(failed_with(option, Errc::bad_endpoint));
    CHECK(says(what(no_port), "udp:HOST:PORT"));
    CHECK(says(what(no_path), "unixgram:PATH"));
    CHECK(says(what(of_streams), "it is of streams: connect()"));
    CHECK(says(what(of_datagrams), "it is of datagrams: connect_datagram()"));
    CHECK(says(what(port_0), "a peer has a port"));
    CHECK(says(what(unknown), "there are fd, process, stdio, tcp, udp, unix, unixgram"));
    CHECK(says(error_of_binding(reactor, "unix:/tmp/x"), "it is of streams: listen()"));
    CHECK(says(error_of_binding(reactor, "udp:127.0.0.1:0:mode=600"), "mode"));
    CHECK(says(error_of_binding(reactor, "unixgram:/tmp/x:share_port=yes"), "share_port"));
    CHECK(says(error_of_binding(reactor, "unixgram:/tmp/x:mode=9"), "an octal number"));
    CHECK(says(error_of_binding(reactor, "fd:x"), "a descriptor is a number"));
    CHECK_THROWS_AS(static_cast<void>(io::listen("unixgram:/tmp/x")), std::system_error);
  });
}

TEST_CASE("who is made for a peer has the address from which the peer is reached") {
  run([](Reactor& reactor) -> Task<> {
    std::vector<std::string> endpoints = {"udp:127.0.0.1:0"};
    if (has_ipv6(reactor)) endpoints.emplace_back("udp:[::1]:0");
    for (const std::string& endpoint : endpoints) {
      Datagram server = io::bind(endpoint);

      Datagram client = co_await io::connect_datagram("udp:" + server.local().text());
      co_await client.send("hello");
      const Came came = co_await come(server);

      CHECK(came.from == client.local());
      CHECK(client.local().host() == server.local().host());
      CHECK(client.peer() == server.local());
    }
  });
}

TEST_CASE("localhost is ::1, and 127.0.0.1 where there is no IPv6") {
  run([](Reactor& reactor) -> Task<> {
    const Datagram client = co_await io::connect_datagram("udp:localhost:9");

    CHECK(client.peer() == Address::ip(has_ipv6(reactor) ? "::1" : "127.0.0.1", 9));
  });
}

TEST_CASE("of a name's addresses the first is taken that can be reached") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Names network(io::current_network(here));
    const RestoreTaskLocal restore = io::use_network(network);
    Datagram server = co_await io::connect_datagram("udp:127.0.0.1:9");
    const std::string port = std::to_string(server.port());
    // No datagram goes to all of a network without the option for that.
    network.addresses = {Address::parse("255.255.255.255:0"), Address::parse("127.0.0.1:0"),
                         Address::parse("127.0.0.2:0")};

    const Datagram client = co_await io::connect_datagram("udp:many.example:" + port);

    CHECK(network.looked_up == std::vector<std::string>{"many.example"});
    CHECK(client.peer() == Address::ip("127.0.0.1", server.port()));
  });
}

TEST_CASE("a name of which no address can be reached is an error that tells of each") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Names network(io::current_network(here));
    const RestoreTaskLocal restore = io::use_network(network);
    network.addresses = {Address::parse("255.255.255.255:0"), Address::unix_path("/nowhere/x")};
    const auto before = open_descriptors();

    const auto several = co_await as_outcome(io::connect_datagram("udp:many.example:9"));
    network.addresses.pop_back();
    const auto one = co_await as_outcome(io::connect_datagram("udp:one.example:9"));
    network.addresses.clear();
    const auto none = co_await as_outcome(io::connect_datagram("udp:none.example:9"));

    CHECK(what(several) ==
          "connect to many.example:9: 255.255.255.255:9: Permission denied; unix:/nowhere/x: No "
          "such file or directory");
    CHECK(what(one) == "connect to one.example:9: Permission denied");
    CHECK(failed_with(none, Errc::not_an_address));
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("a name that is not found in time is an error") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Names network(io::current_network(here));
    const RestoreTaskLocal restore = io::use_network(network);
    network.takes = 1h;
    const TimePoint start = here.now();

    const auto late =
        co_await as_outcome(io::connect_datagram("udp:slow.example:9", io::ConnectOptions(5s)));

    CHECK(what(late) == "connect to slow.example:9: Connection timed out");
    CHECK(here.now() - start == 5s);
  });
}

TEST_CASE("a network without datagrams says so") {
  run([](Reactor& reactor) -> Task<> {
    NamesOnly network;
    const RestoreTaskLocal restore = io::use_network(network);

    const auto connected = co_await as_outcome(io::connect_datagram("udp:127.0.0.1:9"));
    const std::string bound = error_of_binding(reactor, "udp:127.0.0.1:9");

    CHECK(failed_with(connected, Errc::not_supported));
    CHECK(what(connected) == "bind to 0.0.0.0:0: this network has no datagrams");
    CHECK(bound == "bind to 127.0.0.1:9: this network has no datagrams");
  });
}

TEST_CASE("fd:N is a socket that was handed down, with a peer or without") {
  run([](Reactor&) -> Task<> {
    Datagram made = io::bind("udp:127.0.0.1:0");
    const int copy = ::dup(made.transport().descriptor());
    made.close();
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);

    Datagram bound = io::bind("fd:" + std::to_string(copy));
    Datagram one = co_await io::connect_datagram("fd:" + std::to_string(pair[0]));
    Datagram other = io::bind("fd:" + std::to_string(pair[1]));
    Datagram client = io::bind("udp:127.0.0.1:0");
    co_await client.send_to("hello", bound.local());
    const Came hello = co_await come(bound);
    co_await one.send("ask");
    const Came asked = co_await come(other);
    co_await other.send("answer");
    const Came answered = co_await come(one);

    CHECK(hello.text == "hello");
    CHECK_FALSE(bound.peer());
    CHECK(one.peer() == Address());
    CHECK(asked.text == "ask");
    CHECK(asked.from == Address());
    CHECK(answered.text == "answer");
  });
}

TEST_CASE("a socket that was handed down is not handed on") {
  run([](Reactor&) -> Task<> {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);

    const Datagram one = io::adopt_datagram(Descriptor(pair[0]));
    const Datagram other = co_await io::connect_datagram("fd:" + std::to_string(pair[1]));

    CHECK(::fcntl(pair[0], F_GETFD) == FD_CLOEXEC);
    CHECK(::fcntl(pair[1], F_GETFD) == FD_CLOEXEC);
  });
}

TEST_CASE("of a socket that was handed down with a peer only what that has sent is received") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    for (const bool is_unix : {false, true}) {
      const auto bound = [&](const char* name) {
        return io::bind(is_unix ? "unixgram:" + folder.path(name) : "udp:127.0.0.1:0");
      };
      Datagram peer = bound("peer");
      Datagram stranger = bound("stranger");
      Datagram made = bound("made");
      co_await stranger.send_to("before", made.local());
      co_await peer.send_to("hello", made.local());
      made.connect(peer.local());

      Datagram adopted = io::adopt_datagram(Descriptor(::dup(made.transport().descriptor())));
      const Came came = co_await come(adopted);

      CAPTURE(is_unix);
      CHECK(came.text == "hello");
      CHECK(came.from == peer.local());
    }
  });
}

TEST_CASE("a socket that was handed down is left as it is, and does not block") {
  run([](Reactor& reactor) -> Task<> {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
    Datagram one = io::adopt_datagram(Descriptor(pair[0]));
    Datagram other = io::adopt_datagram(reactor, Descriptor(pair[1]));
    const int flags = ::fcntl(one.transport().descriptor(), F_GETFL);

    Spawned<Came> waiting = spawn(reactor, come(one));
    co_await turns(2);
    co_await other.send("hello");
    const Came came = co_await std::move(waiting);

    CHECK((flags & O_NONBLOCK) == 0);
    CHECK(came.text == "hello");
  });
}

TEST_CASE("the path of a socket that was handed down is left") {
  Reactor reactor;
  const std::string path = "/tmp/deferred-test-datagram-" + std::to_string(::getpid());
  Datagram made = io::bind(reactor, "unixgram:" + path);
  Descriptor copy(::dup(made.transport().descriptor()));

  {
    const Datagram adopted = io::adopt_datagram(reactor, std::move(copy));
  }

  CHECK(::access(path.c_str(), F_OK) == 0);
  made.close();
  CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("what is no socket of datagrams, of UDP or Unix, is not adopted, and is closed") {
  Reactor reactor;
  const auto before = open_descriptors();
  const auto error_of_adopting = [&](int fd) {
    REQUIRE(fd >= 0);
    try {
      const Datagram adopted = io::adopt_datagram(reactor, Descriptor(fd));
      return std::string("no error");
    } catch (const std::system_error& error) {
      const std::string start = "adopt descriptor " + std::to_string(fd) + ": ";
      CHECK(std::string(error.what()).starts_with(start));
      return std::string(error.what()).substr(start.size());
    }
  };
  const std::string not_such = "it is no socket of datagrams, of UDP or Unix: Invalid argument";

  CHECK(error_of_adopting(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == not_such);
  CHECK(error_of_adopting(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) == not_such);
  CHECK(error_of_adopting(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == not_such);
  CHECK(error_of_adopting(::open("/dev/null", O_RDWR | O_CLOEXEC)) ==
        "Socket operation on non-socket");

  CHECK(open_descriptors() == before);
}
