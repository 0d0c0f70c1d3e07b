// SPDX-License-Identifier: MIT
// connect() to a name with several addresses (RFC 8305), over a network that is scripted, in
// virtual time.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "deferred/io/connect.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/io/network.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Address;
using io::Errc;
using io::Stream;

namespace {

/// A connection to nowhere, which knows that it is there.
class Nowhere final : public io::Transport {
 public:
  Nowhere(Reactor& reactor, std::string peer, int& open)
      : Transport(reactor, std::move(peer), side_, side_), side_(reactor), open_(open) {
    ++open_;
  }
  std::optional<std::size_t> try_read(std::span<char>) override { return std::nullopt; }
  std::optional<std::size_t> try_write(std::string_view data) override { return data.size(); }
  bool try_shutdown_write() override { return true; }

 private:
  class Side final : public io::Readiness {
   public:
    explicit Side(Reactor& reactor) : Readiness(reactor) {}
    void arm() override {}
    void disarm() noexcept override {}
  };
  void do_close(io::Ending) noexcept override { --open_; }

  Side side_;
  int& open_;
};

enum class Does { is_good, refuses, is_cut_off, is_slow, is_without_descriptors };

/// Each address does one thing, and notes when it was tried.
class Scripted final : public io::Network {
 public:
  explicit Scripted(Reactor& reactor) : reactor_(reactor), start_(reactor.now()) {}

  Task<Stream> connect(Address to) override {
    tried.push_back(to.host() + " at " + std::to_string((reactor_.now() - start_) / 1ms));
    ++under_way;
    const Leave leave{under_way};
    switch (does.at(to.host())) {
      case Does::is_good:
        co_await Pause{2ms};
        break;
      case Does::is_slow:
        co_await Pause{600ms};
        break;
      case Does::is_cut_off:
        co_await Pause{1h};
        break;
      case Does::refuses:
        co_await Pause{2ms};
        throw std::system_error(std::make_error_code(std::errc::connection_refused), "refused");
      case Does::is_without_descriptors:
        throw std::system_error(std::make_error_code(std::errc::too_many_files_open), "socket");
    }
    co_return io::make_stream<Nowhere>(reactor_, to.text(), open);
  }
  io::Listener listen(const Address&, const io::ListenOptions&) override { return {}; }
  Task<std::vector<Address>> look_up(std::string host) override {
    looked_up.push_back(host);
    co_await Pause{look_up_time};
    co_return addresses;
  }

  std::vector<Address> addresses;
  std::map<std::string, Does> does;
  Duration look_up_time = Duration::zero();
  std::vector<std::string> looked_up;
  std::vector<std::string> tried;
  int under_way = 0;
  int open = 0;

 private:
  struct Leave {
    explicit Leave(int& c) : count(c) {}
    ~Leave() { --count; }
    int& count;
  };
  Reactor& reactor_;
  TimePoint start_;
};

Address four(int number) { return Address::ip("192.0.2." + std::to_string(number), 0).value(); }
Address six(int number) { return Address::ip("2001:db8::" + std::to_string(number), 0).value(); }

/// A name with these addresses, each of which does one thing.
class Case {
 public:
  explicit Case(std::vector<std::pair<Address, Does>> script) : reactor(time), network(reactor) {
    for (const auto& [address, does] : script) {
      network.addresses.push_back(address);
      network.does[address.host()] = does;
    }
    io::use_network(reactor, &network);
  }

  /// Whom it has reached, or why nobody, and in how many milliseconds.
  std::string connect(io::ConnectOptions options = {}) {
    std::string said;
    const TimePoint start = reactor.now();
    run_on(reactor, [&](Reactor&) -> Task<> {
      auto got = co_await as_outcome(io::connect("example.org", 80, options));
      under_way_then = network.under_way;
      open_then = network.open;
      said = got.has_value() ? got->peer() : got.failure().what();
    });
    return said + " in " + std::to_string((reactor.now() - start) / 1ms) + " ms";
  }

  reactors::VirtualTime time;
  Reactor reactor;
  Scripted network;
  int under_way_then = -1;
  int open_then = -1;
};

}  // namespace

TEST_CASE("all six orders of an address that is cut off, one that refuses and a good one") {
  const auto order = [](std::vector<Does> does) {
    Case c({{four(1), does[0]}, {four(2), does[1]}, {four(3), does[2]}});
    const std::string said = c.connect();
    CHECK(c.under_way_then == 0);
    CHECK(c.open_then == 1);
    return said;
  };
  constexpr Does cut = Does::is_cut_off;
  constexpr Does refuses = Does::refuses;
  constexpr Does good = Does::is_good;

  CHECK(order({good, cut, refuses}) == "192.0.2.1:80 in 2 ms");
  CHECK(order({good, refuses, cut}) == "192.0.2.1:80 in 2 ms");
  CHECK(order({refuses, good, cut}) == "192.0.2.2:80 in 4 ms");
  CHECK(order({cut, good, refuses}) == "192.0.2.2:80 in 252 ms");
  CHECK(order({cut, refuses, good}) == "192.0.2.3:80 in 254 ms");
  CHECK(order({refuses, cut, good}) == "192.0.2.3:80 in 254 ms");
}

TEST_CASE(
    "the first that answers wins, though it was tried later, and the others are gone by then") {
  Case c({{six(1), Does::is_slow}, {four(1), Does::is_good}});

  CHECK(c.connect() == "192.0.2.1:80 in 252 ms");
  CHECK(c.under_way_then == 0);
  CHECK(c.open_then == 1);
}

TEST_CASE("an address that is slow wins if no other answers before it") {
  Case c({{six(1), Does::is_slow}, {four(1), Does::is_cut_off}});

  CHECK(c.connect() == "[2001:db8::1]:80 in 600 ms");
  CHECK(c.under_way_then == 0);
}

TEST_CASE("the families take turns, IPv6 first, and within one the order of the answer stays") {
  Case c({{four(1), Does::refuses},
          {four(2), Does::refuses},
          {six(1), Does::refuses},
          {four(3), Does::refuses},
          {six(2), Does::refuses}});

  c.connect();

  CHECK(c.network.tried == std::vector<std::string>{"2001:db8::1 at 0", "192.0.2.1 at 2",
                                                    "2001:db8::2 at 4", "192.0.2.2 at 6",
                                                    "192.0.2.3 at 8"});
}

TEST_CASE("addresses that all fail alike are one error, of the host") {
  Case c({{six(1), Does::refuses}, {four(1), Does::refuses}});

  CHECK(c.connect() == "connect to example.org:80: Connection refused in 4 ms");
}

TEST_CASE("addresses that fail differently are told one by one, and the last one's code is given") {
  Case c({{six(1), Does::is_without_descriptors}, {four(1), Does::refuses}});

  CHECK(c.connect() ==
        "connect to example.org:80: [2001:db8::1]:80: Too many open files; 192.0.2.1:80: "
        "Connection refused in 2 ms");
}

TEST_CASE("a process that runs out of descriptors at the second address goes on with the first") {
  Case c({{six(1), Does::is_slow}, {four(1), Does::is_without_descriptors}});

  CHECK(c.connect() == "[2001:db8::1]:80 in 600 ms");
}

TEST_CASE("the limit is for all of it, the name and each attempt, and leaves nothing behind") {
  Case c({{six(1), Does::is_cut_off}, {four(1), Does::is_cut_off}});
  c.network.look_up_time = 3s;

  CHECK(c.connect() == "connect to example.org:80: Connection timed out in 30000 ms");
  CHECK(c.network.tried == std::vector<std::string>{"2001:db8::1 at 3000", "192.0.2.1 at 3250"});
  CHECK(c.under_way_then == 0);
  CHECK(c.open_then == 0);
}

TEST_CASE("a limit that is reached when some have failed tells of those") {
  Case c({{six(1), Does::refuses}, {four(1), Does::is_cut_off}});

  CHECK(
      c.connect(io::ConnectOptions(5s)) ==
      "connect to example.org:80: [2001:db8::1]:80: Connection refused; all: Connection timed out "
      "in 5000 ms");
}

TEST_CASE("the time between two attempts is settable") {
  Case c({{six(1), Does::is_cut_off}, {four(1), Does::is_good}});
  io::ConnectOptions options;
  options.stagger = 1s;

  CHECK(c.connect(options) == "192.0.2.1:80 in 1002 ms");
}

TEST_CASE("cancelled between two attempts it leaves none behind") {
  Case c({{six(1), Does::is_cut_off}, {four(1), Does::is_cut_off}});
  run_on(c.reactor, [&](Reactor& reactor) -> Task<> {
    Spawned<Stream> connecting = spawn(reactor, io::connect("example.org", 80));
    co_await Pause{100ms};
    CHECK(c.network.under_way == 1);

    connecting.task().cancel();
    const auto outcome = co_await as_outcome(std::move(connecting));

    CHECK(outcome.check<Cancelled>());
    CHECK(c.network.under_way == 0);
    CHECK(c.network.tried.size() == 1);
  });
}

TEST_CASE("literals and localhost are not looked up") {
  Case c({});
  c.network.does = {{"127.0.0.1", Does::is_good}, {"::1", Does::refuses}};
  run_on(c.reactor, [&](Reactor&) -> Task<> {
    const Stream literal = co_await io::connect("127.0.0.1", 80);
    const Stream named = co_await io::connect("localhost", 80);

    CHECK(literal.peer() == "127.0.0.1:80");
    CHECK(named.peer() == "127.0.0.1:80");
    CHECK(c.network.looked_up.empty());
  });
}

TEST_CASE("a network is a task's, with those that it spawns, before it is the reactor's") {
  Case c({});
  c.network.does = {{"127.0.0.1", Does::is_good}};
  Scripted other(c.reactor);
  other.does = {{"127.0.0.1", Does::refuses}};
  run_on(c.reactor, [&](Reactor& reactor) -> Task<> {
    const auto of_reactor = co_await as_outcome(io::connect("127.0.0.1", 80));
    {
      const auto mine = io::use_network(other);
      const auto of_task = co_await as_outcome(io::connect("127.0.0.1", 80));
      const auto of_child = co_await as_outcome(spawn(reactor, io::connect("127.0.0.1", 80)));
      CHECK_FALSE(of_task.has_value());
      CHECK_FALSE(of_child.has_value());
    }
    const auto after = co_await as_outcome(io::connect("127.0.0.1", 80));

    CHECK(of_reactor.has_value());
    CHECK(after.has_value());
  });
}

TEST_CASE("a task's network is not that of another reactor's listeners") {
  Case c({});
  Reactor another;
  run_on(c.reactor, [&](Reactor&) -> Task<> {
    const auto mine = io::use_network(c.network);

    const io::Listener listener = io::listen(another, "127.0.0.1", 0);

    CHECK(&listener.reactor() == &another);
    co_return;
  });
}

TEST_CASE("a name without addresses is an error") {
  Case c({});

  CHECK(c.connect().starts_with("connect to example.org:80: "));
}
