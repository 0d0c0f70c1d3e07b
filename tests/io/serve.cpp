// SPDX-License-Identifier: MIT
#include "deferred/io/serve.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/yieldables/event.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Errc;
using io::Listener;
using io::ServeOptions;
using io::Stream;

namespace {

/// Virtual time: a limit passes as soon as nothing goes on.
template <class F>
void run_in_virtual_time(F body) {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, std::move(body));
}

Task<> echo(Stream stream) {
  char room[100];
  while (true) {
    const std::size_t got = co_await stream.read_some(room);
    if (got == 0) co_return;
    co_await stream.write_all(std::string_view(room, got));
  }
}

Task<std::string> ask(Stream& stream, std::string_view text) {
  co_await stream.write_all(text);
  std::string answer(text.size(), ' ');
  co_await stream.read_exactly(answer);
  co_return answer;
}

}  // namespace

TEST_CASE("serve calls its handler for each connection, all of them at once") {
  run([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    Spawned<void> server = spawn(reactor, io::serve(listener, echo));
    std::vector<Stream> clients;
    for (int i = 0; i < 20; ++i)
      clients.push_back(co_await io::connect("127.0.0.1", listener.port()));

    for (int round = 0; round < 3; ++round) {
      for (Stream& client : clients) {
        const std::string answer = co_await ask(client, "hello");
        CHECK(answer == "hello");
      }
    }
    for (Stream& client : clients) client.close();
    listener.close();
    co_await std::move(server);
  });
}

TEST_CASE("serve owns its handler, with what that has captured") {
  run([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    const auto greeting = std::make_shared<std::string>("good day");
    std::optional<Spawned<void>> server;
    {
      const auto greet = [greeting](Stream stream) -> Task<> {
        co_await stream.write_all(*greeting);
      };
      server = spawn(reactor, io::serve(listener, greet));
    }

    Stream client = co_await io::connect("127.0.0.1", listener.port());
    const std::string heard = co_await client.read_to_end();
    listener.close();
    co_await *std::move(server);

    CHECK(heard == "good day");
    CHECK(greeting.use_count() == 1);
  });
}

TEST_CASE("serve has so many connections at a time, and the others wait to be accepted") {
  run([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    Spawned<void> server = spawn(reactor, io::serve(listener, echo, ServeOptions(2)));
    Stream first = co_await io::connect("127.0.0.1", listener.port());
    Stream second = co_await io::connect("127.0.0.1", listener.port());
    Stream third = co_await io::connect("127.0.0.1", listener.port());
    Spawned<std::string> answer = spawn(reactor, ask(third, "now"));

    const std::string one = co_await ask(first, "one");
    const std::string two = co_await ask(second, "two");
    co_await turns(10);
    CHECK(one == "one");
    CHECK(two == "two");
    CHECK_FALSE(answer.done());
    first.close();

    const std::string now = co_await std::move(answer);
    CHECK(now == "now");
    server.task().cancel();
    const auto outcome = co_await as_outcome(std::move(server));
    CHECK(outcome.check<Cancelled>());
  });
}

TEST_CASE("a connection that its peer has broken ends alone, and its error is told") {
  run([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    std::vector<std::string> errors;
    ServeOptions options;
    options.on_error = [&](const std::exception& error) { errors.emplace_back(error.what()); };
    Spawned<void> server = spawn(reactor, io::serve(listener, echo, options));
    Stream good = co_await io::connect("127.0.0.1", listener.port());
    Stream bad = co_await io::connect("127.0.0.1", listener.port());
    const std::string peer = bad.local();
    co_await turns(5);

    bad.abort();
    co_await turns(5);
    const std::string answer = co_await ask(good, "still there");

    CHECK(answer == "still there");
    CHECK(errors == std::vector<std::string>{"read from " + peer + ": Connection reset by peer"});
    good.close();
    listener.close();
    co_await std::move(server);
  });
}

TEST_CASE("a peer that is too slow, or does not keep to the protocol, ends its connection only") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    std::vector<std::string> errors;
    ServeOptions options;
    options.on_error = [&](const std::exception& error) { errors.emplace_back(error.what()); };
    const auto strict = [](Stream stream) -> Task<> {
      char room[10];
      const std::size_t got = co_await with_timeout(5s, stream.read_some(room));
      throw io::ProtocolError("read from a peer: " + std::string(room, got));
    };
    Spawned<void> server = spawn(reactor, io::serve(listener, strict, options));
    Stream silent = co_await io::connect("127.0.0.1", listener.port());
    const std::string end_of_silent = co_await silent.read_to_end();
    Stream wrong = co_await io::connect("127.0.0.1", listener.port());
    co_await wrong.write_all("nonsense");
    const std::string end_of_wrong = co_await wrong.read_to_end();

    CHECK_FALSE(server.done());
    REQUIRE(errors.size() == 2);
    CHECK(errors[0].find("5 s") != std::string::npos);
    CHECK(errors[1] == "read from a peer: nonsense");
    listener.close();
    co_await std::move(server);
  });
}

TEST_CASE("another error of a handler ends the server, with all its connections, and is thrown") {
  run([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    const auto faulty = [](Stream stream) -> Task<> {
      char room[10];
      co_await stream.read_some(room);
      throw std::logic_error("a fault");
    };
    Spawned<void> server = spawn(reactor, io::serve(listener, faulty));
    Stream waits = co_await io::connect("127.0.0.1", listener.port());
    Stream asks = co_await io::connect("127.0.0.1", listener.port());
    co_await turns(5);

    co_await asks.write_all("x");
    const auto outcome = co_await as_outcome(std::move(server));
    const std::string rest = co_await waits.read_to_end();

    CHECK(what(outcome) == "a fault");
    CHECK(rest.empty());
  });
}

TEST_CASE("a server whose listener is closed ends with its connections, which have their grace") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    for (const Duration grace : {Duration(0s), Duration(5s)}) {
      Listener listener = io::listen("127.0.0.1", 0);
      bool finished = false;
      const auto takes_3_s = [&](Stream) -> Task<> {
        co_await Pause{3s};
        finished = true;
      };
      const auto never_ends = [](Stream stream) -> Task<> {
        static_cast<void>(co_await stream.read_to_end());
      };
      int count = 0;
      const auto serve_one = [&](Stream stream) {
        return ++count == 1 ? takes_3_s(std::move(stream)) : never_ends(std::move(stream));
      };
      Spawned<void> server =
          spawn(reactor, io::serve(listener, serve_one, ServeOptions(10, grace)));
      const Stream one = co_await io::connect("127.0.0.1", listener.port());
      const Stream two = co_await io::connect("127.0.0.1", listener.port());
      co_await turns(5);
      const TimePoint start = reactor.now();

      listener.close();
      co_await std::move(server);

      CAPTURE(grace / 1s);
      CHECK(count == 2);
      CHECK(finished == (grace == 5s));
      CHECK(reactor.now() - start == grace);
    }
  });
}

TEST_CASE("a server that is cancelled accepts no more, and its connections have their grace") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    for (const Duration grace : {Duration(0s), Duration(5s)}) {
      Listener listener = io::listen("127.0.0.1", 0);
      Spawned<void> server = spawn(reactor, io::serve(listener, echo, ServeOptions(10, grace)));
      Stream client = co_await io::connect("127.0.0.1", listener.port());
      const std::string before = co_await ask(client, "before");
      const TimePoint start = reactor.now();

      server.task().cancel();
      co_await turns(5);
      const Stream late = co_await io::connect("127.0.0.1", listener.port());
      const auto after = co_await as_outcome(ask(client, "after"));
      const auto outcome = co_await as_outcome(std::move(server));

      CAPTURE(grace / 1s);
      CHECK(before == "before");
      CHECK(after.has_value() == (grace == 5s));
      CHECK(outcome.check<Cancelled>());
      CHECK(reactor.now() - start == grace);
      Stream accepted = co_await listener.accept();
      CHECK(accepted.peer() == late.local());
    }
  });
}

TEST_CASE("a server that is cancelled ends as soon as its connections have") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    Spawned<void> server = spawn(reactor, io::serve(listener, echo, ServeOptions(10, 1h)));
    Stream client = co_await io::connect("127.0.0.1", listener.port());
    const std::string before = co_await ask(client, "before");
    const TimePoint start = reactor.now();

    server.task().cancel();
    co_await Pause{10s};
    client.close();
    const auto outcome = co_await as_outcome(std::move(server));

    CHECK(outcome.check<Cancelled>());
    CHECK(reactor.now() - start == 10s);
  });
}

TEST_CASE("an error that is thrown into a server ends it, with its connections") {
  run([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    Spawned<void> server = spawn(reactor, io::serve(listener, echo));
    Stream client = co_await io::connect("127.0.0.1", listener.port());
    const std::string before = co_await ask(client, "before");
    CHECK(before == "before");

    server.task().throw_(std::runtime_error("enough"));
    const auto outcome = co_await as_outcome(std::move(server));
    const std::string rest = co_await client.read_to_end();

    CHECK(what(outcome) == "enough");
    CHECK(rest.empty());
  });
}

TEST_CASE("a server whose connections are at their limit ends when it is told to") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    Spawned<void> server = spawn(reactor, io::serve(listener, echo, ServeOptions(1)));
    const Stream only = co_await io::connect("127.0.0.1", listener.port());
    co_await turns(5);

    server.task().cancel();
    const auto outcome = co_await as_outcome(std::move(server));

    CHECK(outcome.check<Cancelled>());
  });
}

TEST_CASE("a server is refused where another task accepts") {
  run([](Reactor& reactor) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    Spawned<Stream> accepting = spawn(reactor, listener.accept());
    co_await turns(2);

    const auto outcome = co_await as_outcome(io::serve(listener, echo));

    CHECK(failed_with(outcome, Errc::busy));
    listener.close();
    const auto accepted = co_await as_outcome(std::move(accepting));
    CHECK(failed_with(accepted, Errc::closed));
  });
}
