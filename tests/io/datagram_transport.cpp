// SPDX-License-Identifier: MIT
// A Datagram over a transport of one's own: what it is made of is public.
#include "deferred/io/datagram_transport.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "reactors/virtual_time.hpp"
#include "tests/io/datagrams.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Address;
using io::Datagram;
using io::Errc;
using io::Received;

namespace {

/// Reports in a later turn, if it is ready when it is looked at, and when it is told.
class Told final : public io::Readiness {
 public:
  Told(Reactor& reactor, const bool& ready) : Readiness(reactor), ready_(ready) {}
  void tell() {
    later_ = reactor().call_later(0s, [this] { report(); });
  }

 private:
  void arm() override {
    if (ready_) tell();
  }
  void disarm() noexcept override { later_ = DelayedCall(); }

  const bool& ready_;
  DelayedCall later_;
};

/// What is sent comes back, as from whom it was sent to; there is room for two.
class Mirror : public io::DatagramTransport {
 public:
  explicit Mirror(Reactor& reactor)
      : DatagramTransport(reactor, readable_, writable_),
        readable_(reactor, has_some_),
        writable_(reactor, has_room_) {}

  std::optional<Received> try_receive(std::span<char> into) override {
    if (kept_.empty()) return std::nullopt;
    const auto [data, from] = std::move(kept_.front());
    kept_.pop_front();
    note();
    const std::size_t size = data.copy(into.data(), into.size());
    return Received(size, from, size < data.size());
  }
  bool try_send(std::string_view data, const Address& to) override {
    if (data.size() > 100) {
      throw std::system_error(std::make_error_code(std::errc::message_size), sending_to(to));
    }
    if (!has_room_) return false;
    kept_.emplace_back(std::string(data), to);
    note();
    return true;
  }
  Address local() const override { return Address::parse("192.0.2.1:7"); }

 private:
  Address do_connect(const Address& to) override {
    std::erase_if(kept_, [&](const auto& one) { return one.second != to; });
    note();
    return to;
  }
  void do_close() noexcept override { kept_.clear(); }
  void note() {
    has_some_ = !kept_.empty();
    has_room_ = kept_.size() < 2;
    if (has_some_ && readable_.waited_for()) readable_.tell();
    if (has_room_ && writable_.waited_for()) writable_.tell();
  }

  bool has_some_ = false;
  bool has_room_ = true;
  Told readable_;
  Told writable_;
  std::deque<std::pair<std::string, Address>> kept_;
};

/// Says what becomes of it.
class Noted final : public Mirror {
 public:
  Noted(Reactor& reactor, std::string& said) : Mirror(reactor), said_(said) {}
  ~Noted() override { said_ += "gone"; }

 private:
  void do_close() noexcept override { said_ += "closed, "; }

  std::string& said_;
};

/// Closes and drops the Datagram that it waits on when it is told that it ends.
class DropsAtEnd final : public io::Readiness::Observer {
 public:
  DropsAtEnd(Datagram datagram, io::Readiness& direction) : datagram_(std::move(datagram)) {
    wait_for(direction);
  }

 private:
  bool on_ready() noexcept override { return true; }
  void on_end(Failure) noexcept override {
    datagram_.close();
    datagram_ = Datagram();
  }

  Datagram datagram_;
};

Datagram mirror(Reactor& reactor) { return Datagram(io::DatagramPointer::make<Mirror>(reactor)); }
const Address one = Address::parse("192.0.2.2:7");
const Address other = Address::parse("192.0.2.3:7");

}  // namespace

TEST_CASE("a transport of one's own sends and receives") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Datagram datagram = mirror(here);
    Spawned<Came> waiting = spawn(here, come(datagram, 4));
    co_await turns(2);

    co_await datagram.send_to("hello", one);

    const Came came = co_await std::move(waiting);
    CHECK(came.text == "hell");
    CHECK(came.truncated);
    CHECK(came.from == one);
    CHECK(datagram.port() == 7);
    CHECK(datagram.transport().descriptor() == -1);
  });
}

TEST_CASE("who finds no room in a transport waits until it says that there is some") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Datagram datagram = mirror(here);
    co_await datagram.send_to("1", one);
    co_await datagram.send_to("2", one);
    Spawned<void> waiting = spawn(here, datagram.send_to("3", one));
    co_await turns(5);
    CHECK_FALSE(waiting.done());

    static_cast<void>(co_await come(datagram));
    co_await std::move(waiting);

    const Came two = co_await come(datagram);
    const Came three = co_await come(datagram);
    CHECK(two.text == "2");
    CHECK(three.text == "3");
  });
}

TEST_CASE("closing a transport tells who receives, and who sends, what has ended") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Datagram datagram = mirror(here);
    Datagram full = mirror(here);
    co_await full.send_to("1", one);
    co_await full.send_to("2", one);
    Spawned<Came> receiver = spawn(here, come(datagram));
    Spawned<void> sender = spawn(here, full.send_to("3", one));
    co_await turns(2);

    datagram.close();
    full.close();

    const auto received = co_await as_outcome(std::move(receiver));
    const auto sent = co_await as_outcome(std::move(sender));
    CHECK(what(received) == "receive on 192.0.2.1:7: it was closed on this side");
    CHECK(what(sent) == "send to 192.0.2.2:7: it was closed on this side");
  });
}

TEST_CASE("a transport that is connected is told its peer at each send") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Datagram datagram = mirror(here);
    co_await datagram.send_to("dropped", one);

    datagram.connect(other);
    co_await datagram.send("kept");
    const Came came = co_await come(datagram);

    CHECK(came.text == "kept");
    CHECK(came.from == other);
    CHECK(datagram.peer() == other);
  });
}

TEST_CASE("a transport gets no second sender, and no peer, while a task sends") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Datagram datagram = mirror(here);
    co_await datagram.send_to("1", one);
    co_await datagram.send_to("2", one);
    Spawned<void> waiting = spawn(here, datagram.send_to("3", one));
    co_await turns(2);

    const auto second = co_await as_outcome(datagram.send_to("4", other));

    CHECK(what(second) == "send to 192.0.2.3:7: another task is doing that already");
    CHECK_THROWS_WITH_AS(datagram.connect(other),
                         "connect to 192.0.2.3:7: another task is doing that already",
                         std::system_error);
    waiting.task().cancel();
    std::move(waiting).detach();
    co_await turns(2);
  });
}

TEST_CASE("who is told that a transport ends may close it again, and drop it") {
  Reactor reactor;
  for (const bool receives : {true, false}) {
    std::string said;
    Datagram datagram(io::DatagramPointer::make<Noted>(reactor, said));
    io::DatagramTransport& transport = datagram.transport();
    io::Readiness& direction = receives ? transport.readable() : transport.writable();
    const DropsAtEnd waiting(std::move(datagram), direction);

    transport.close();

    CAPTURE(receives);
    CHECK(said == "closed, gone");
  }
}
