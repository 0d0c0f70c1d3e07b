// SPDX-License-Identifier: MIT
// connect() and listen() by text, and listening sockets that need no reactor.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deferred/io/connect.hpp"
#include "deferred/io/endpoint_kinds.hpp"
#include "deferred/io/listen.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Descriptor;
using io::Errc;
using io::Listener;
using io::Stream;

namespace {

std::string error_of_listening(Reactor& reactor, std::string_view endpoint) {
  try {
    const Listener listener = io::listen(reactor, endpoint);
    return "no error";
  } catch (const std::system_error& error) {
    return error.what();
  }
}
std::string error_of_opening(std::string_view endpoint) {
  try {
    const Descriptor opened = io::open_listener(endpoint);
    return "no error";
  } catch (const std::system_error& error) {
    return error.what();
  }
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("tcp:HOST:PORT is connected to and listened at") {
  run([](Reactor&) -> Task<> {
    Listener listener = io::listen("tcp:127.0.0.1:0");

    const Stream client = co_await io::connect("tcp:" + listener.local());
    const Stream server = co_await listener.accept();

    CHECK(client.peer() == listener.local());
    CHECK(server.peer() == client.local());
  });
}

TEST_CASE("an endpoint's IPv6 address stands in brackets") {
  run([](Reactor& reactor) -> Task<> {
    if (!has_ipv6(reactor)) co_return;
    Listener listener = io::listen("tcp:[::1]:0");

    const Stream client = co_await io::connect("tcp:" + listener.local());
    const Stream server = co_await listener.accept();

    CHECK(client.peer() == listener.local());
    CHECK(server.is_open());
  });
}

TEST_CASE("who listens names a host: everywhere has to be said") {
  Reactor reactor;

  CHECK(has(error_of_listening(reactor, "tcp:80"), "'*' is everywhere"));
  CHECK(has(error_of_listening(reactor, "tcp::80"), "'*' is everywhere"));
  CHECK(error_of_listening(reactor, "tcp:*:0") == "no error");
  CHECK(has(error_of_opening("tcp:80"), "'*' is everywhere"));
  CHECK(error_of_opening("tcp:*:0") == "no error");
}

TEST_CASE("an endpoint that is wrong is refused with the reason") {
  run([](Reactor& reactor) -> Task<> {
    const auto unknown = co_await as_outcome(io::connect("gopher:example.org:70"));
    const auto no_port = co_await as_outcome(io::connect("tcp:example.org"));
    const auto option = co_await as_outcome(io::connect("tcp:127.0.0.1:80:mode=600"));

    CHECK(failed_with(unknown, Errc::bad_endpoint));
    CHECK(has(what(unknown),
              "there is no kind 'gopher' on this reactor; there are fd, process, "
              "stdio, tcp, udp, unix"));
    CHECK(has(what(no_port), "tcp:HOST:PORT"));
    CHECK(has(what(option), "mode"));
    CHECK(has(error_of_listening(reactor, "tcp:127.0.0.1:0:mode=600"), "mode"));
    CHECK(has(error_of_listening(reactor, "tcp:127.0.0.1:0:backlog=many"), "backlog= is a number"));
    CHECK(has(error_of_listening(reactor, "tcp:127.0.0.1:0:share_port=1"), "yes or no"));
    CHECK(has(error_of_listening(reactor, "unix:/tmp/x:mode=9"), "an octal number"));
    CHECK(has(error_of_listening(reactor, "fd:x"), "a descriptor is a number"));
    CHECK(has(error_of_opening("tcp:localhost:0"), "localhost is 127.0.0.1 and [::1]: name one"));
    CHECK(has(error_of_opening("fd:0"), "what is opened without a reactor is tcp or unix"));
    CHECK(has(error_of_opening("tcp:example.org:0"), "neither an IPv4 nor an IPv6 address"));
  });
}

TEST_CASE("a listening socket is opened without a reactor, and adopted by one later") {
  Descriptor opened = io::open_listener("tcp:127.0.0.1:0");
  run([&](Reactor&) -> Task<> {
    Listener listener = io::listen(std::move(opened));

    const Stream client = co_await io::connect("tcp:" + listener.local());
    const Stream server = co_await listener.accept();

    CHECK(server.peer() == client.local());
  });
}

TEST_CASE("what is no listening socket is not listened on, and is closed") {
  Reactor reactor;
  const auto before = open_descriptors();

  for (const bool is_file : {true, false}) {
    Descriptor wrong(is_file ? ::open("/dev/null", O_RDWR | O_CLOEXEC)
                             : ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK_THROWS_AS(static_cast<void>(io::listen(reactor, std::move(wrong))), std::system_error);
  }

  CHECK(open_descriptors() == before);
}

TEST_CASE("fd:N is a socket that was handed down, of who listens and of who connects") {
  run([](Reactor&) -> Task<> {
    Descriptor opened = io::open_listener("tcp:127.0.0.1:0");
    Listener listener = io::listen("fd:" + std::to_string(opened.release()));
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);

    Stream one = co_await io::connect("fd:" + std::to_string(pair[0]));
    Stream other = co_await io::connect("fd:" + std::to_string(pair[1]));
    co_await one.write_all("hello");
    std::string got(5, ' ');
    co_await other.read_exactly(got);

    CHECK(listener.port() != 0);
    CHECK(got == "hello");
  });
}

TEST_CASE("several sockets share a port if all of them say so") {
  Reactor reactor;
  const Listener first = io::listen(reactor, "tcp:127.0.0.1:0:share_port=yes");
  const std::string same = "tcp:127.0.0.1:" + std::to_string(first.port());

  CHECK(has(error_of_listening(reactor, same), "Address already in use"));
  CHECK(error_of_listening(reactor, same + ":share_port=yes") == "no error");
}

TEST_CASE("a child that ends leaves its parent's path") {
  Reactor reactor;
  const std::string path = "/tmp/deferred-test-" + std::to_string(::getpid());
  std::optional<Listener> listener = io::listen(reactor, "unix:" + path);

  const pid_t child = ::fork();
  if (child == 0) {
    listener.reset();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);

  CHECK(status == 0);
  CHECK(::access(path.c_str(), F_OK) == 0);
  listener.reset();
  CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a library adds a kind of its own, which is used as the others are") {
  class Shout final : public io::EndpointKind {
   public:
    Task<Stream> connect(io::Endpoint endpoint, io::ConnectOptions options) override {
      endpoint.require("shout:HOST:PORT", 2, 2);
      return io::connect(endpoint.part(0), endpoint.port(1), options);
    }
    Listener listen(Reactor&, const io::Endpoint& endpoint, const io::ListenOptions&) override {
      endpoint.refuse("nobody listens to that");
    }
  };
  run([](Reactor& reactor) -> Task<> {
    io::use_endpoint_kind(reactor, "shout", std::make_shared<Shout>());
    const Listener listener = io::listen("tcp:127.0.0.1:0");

    const Stream client = co_await io::connect("shout:" + listener.local());

    CHECK(client.peer() == listener.local());
    CHECK(has(error_of_listening(reactor, "shout:x:1"), "nobody listens to that"));
  });
}
