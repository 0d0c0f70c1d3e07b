// SPDX-License-Identifier: MIT
//
// Composed programs of who listens, connects and serves: no connection is lost, and no socket is
// left open.
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/explore_cancel/programs.hpp"
#include "tests/explore_cancel/sockets.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

using io::Listener;
using io::Stream;

/// Both sides are tasks.
template <class Dial>
Task<> accepts_and_connects(CutRun& run, Listener& listener, Dial dial) {
  const DestroyedOnce counted(run);
  const auto connects = [&run, &listener, dial]() -> Task<Stream> {
    const DestroyedOnce also(run);
    co_return co_await dial(listener);
  };
  const auto family = [&](Nursery& nursery) -> Task<> {
    Spawned<Stream> client = nursery.spawn(connects);
    Stream server = co_await listener.accept();
    Stream near = co_await std::move(client);
    co_await near.write_all("x");
    std::array<char, 4> room{};
    const std::size_t got = co_await server.read_some(room);
    must(got == 1, "a byte is lost");
  };
  co_await with_nursery(family);
}
Task<> by_host_and_port(CutRun& run) {
  auto& listener = run.keep<Listener>(io::listen(run.reactor(), "127.0.0.1", 0));
  const auto dial = [](const Listener& at) { return io::connect("127.0.0.1", at.port()); };
  return accepts_and_connects(run, listener, dial);
}
Task<> by_localhost(CutRun& run) {
  auto& listener = run.keep<Listener>(io::listen(run.reactor(), "localhost", 0));
  const auto dial = [](const Listener& at) { return io::connect("localhost", at.port()); };
  return accepts_and_connects(run, listener, dial);
}
Task<> by_endpoint(CutRun& run) {
  const std::string endpoint = "unix:@deferred, explore_cancel, " + std::to_string(::getpid());
  auto& listener = run.keep<Listener>(io::listen(run.reactor(), endpoint));
  const auto dial = [endpoint](const Listener&) { return io::connect(endpoint); };
  return accepts_and_connects(run, listener, dial);
}

// Who has connected is accepted, or waits for whoever accepts next.
Task<> accepts_on_localhost(CutRun& run) {
  struct Callers {
    std::vector<Dialled> all;
    std::vector<DelayedCall> calls;
    std::size_t accepted = 0;
  };
  auto& listener = run.keep<Listener>(io::listen(run.reactor(), "localhost", 0));
  auto& callers = run.keep<Callers>();
  const auto calls = [&](Duration after, const io::Address& to) {
    callers.calls.push_back(
        run.reactor().call_later(after, [&callers, to] { callers.all.emplace_back(to); }));
  };
  const io::Address four = *io::Address::ip("127.0.0.1", listener.port());
  calls(1ms, four);
  calls(1ms, four);
  calls(1ms, listener.acceptor().local());  // of IPv6, where there is that
  calls(2ms, four);
  run.at_end([&] {
    while (listener.acceptor().try_accept()) ++callers.accepted;
    must(callers.accepted == callers.all.size(), "a connection is lost");
  });
  for (int i = 0; i < 4; ++i) {
    Stream stream = co_await listener.accept();
    ++callers.accepted;
  }
  co_await some_time();
}

// What a server has accepted has ended with it, and what it has not is for the next.
Task<> serves(CutRun& run) {
  struct Caller {
    std::optional<Dialled> socket;
    std::string heard;
  };
  static constexpr auto grace = 2ms;
  struct World {
    std::array<Caller, 3> callers;
    std::vector<DelayedCall> calls;
    std::size_t served = 0, at_once = 0;
    std::optional<TimePoint> cut_by, ended;
  };
  auto& listener = run.keep<Listener>(io::listen(run.reactor(), "127.0.0.1", 0));
  auto& world = run.keep<World>();
  const auto at = [&](Duration after, auto does) {
    world.calls.push_back(run.reactor().call_later(after, does));
  };
  for (Caller& caller : world.callers) {
    at(1ms, [&] {
      caller.socket.emplace(*io::Address::ip("127.0.0.1", listener.port()));
      caller.socket->say("word");
    });
    const Duration waits = &caller == &world.callers.back() ? 2ms : 0ms;  // until there is a place
    at(3ms + waits, [&] { caller.heard += caller.socket->hear(); });
    at(4ms + waits, [&] { caller.socket->close(); });
  }
  at(1s, [&] { listener.close(); });
  run.at_each_place([&](std::size_t) {
    if (run.cut() && !world.cut_by) world.cut_by = run.reactor().now();
  });
  run.at_end([&] {
    must(!world.cut_by || !world.ended || *world.ended <= *world.cut_by + grace,
         "a server that is told to end goes on behind its grace");
    for (const Caller& caller : world.callers) {
      must(caller.heard == "word" || (run.cut() && caller.heard.empty()),
           "another word comes back");
    }
    must(world.at_once == 0, "a handler goes on behind its server");
    must(run.cut() || world.served == 3, "a caller is not served");
  });
  const auto echo = [&run, &world](Stream stream) -> Task<> {
    const DestroyedOnce counted(run);
    struct AtOnce {
      explicit AtOnce(std::size_t& all) : count(all) {
        must(++count <= 2, "more are served than may be at a time");
      }
      AtOnce(const AtOnce&) = delete;
      AtOnce& operator=(const AtOnce&) = delete;
      ~AtOnce() { --count; }
      std::size_t& count;
    } const one(world.at_once);
    std::array<char, 16> room{};
    while (true) {
      const std::size_t got = co_await stream.read_some(room);
      if (got == 0) break;
      co_await stream.write_all({room.data(), got});
    }
    ++world.served;
  };
  struct Ends {
    Ends(World& of, Reactor& on) : world(of), reactor(on) {}
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    ~Ends() { world.ended = reactor.now(); }
    World& world;
    Reactor& reactor;
  } const ends(world, run.reactor());
  io::ServeOptions options(2, grace);
  co_await io::serve(listener, echo, std::move(options));
}

}  // namespace

Programs server_programs() {
  return {
      {"a listener and who connects", by_host_and_port},
      {"a listener on localhost and who connects", by_localhost},
      {"a listener at an endpoint and who connects", by_endpoint},
      {"a listener on localhost", accepts_on_localhost},
      {"a server", serves},
  };
}

}  // namespace deferred::testing
