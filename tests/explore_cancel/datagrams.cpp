// SPDX-License-Identifier: MIT
//
// Programs of datagrams: none is lost or comes twice, wherever they are cut.
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <string>

#include "tests/explore_cancel/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

/// Two that are connected, of Unix, whose queues are short. The far one is used without a task.
class DatagramPair {
 public:
  explicit DatagramPair(Reactor& reactor) : reactor_(reactor) {
    int fds[2];
    must(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0, "there is no socketpair");
    near = io::adopt_datagram(reactor, io::Descriptor(fds[0]));
    far = io::adopt_datagram(reactor, io::Descriptor(fds[1]));
  }

  void send_later(std::string datagram) {
    later_ = reactor_.call_later(1ms, [this, datagram = std::move(datagram)] {
      sent = far.transport().try_send(datagram, *far.peer());
    });
  }
  /// From then on all is taken.
  void take_later(std::string& into) {
    later_ = reactor_.call_later(1ms, [this, &into] {
      watch_ = reactor_.watch(far.transport().descriptor(), Ready::read,
                              [this, &into] { into += take_all(far); });
    });
  }
  static std::string take_all(io::Datagram& from) {
    std::string all;
    std::array<char, 100> room{};
    while (const auto received = from.transport().try_receive(room)) {
      all.append(room.data(), received->size);
    }
    return all;
  }

  io::Datagram near;
  io::Datagram far;
  bool sent = false;

 private:
  Reactor& reactor_;
  DelayedCall later_;
  Watch watch_;
};

// What was not taken is there for whoever receives next; also of who is closed.
Task<> receives(CutRun& run) {
  auto& pair = run.keep<DatagramPair>(run.reactor());
  auto& got = run.keep<std::string>();
  pair.send_later("hello");
  run.at_end([&] {
    got += DatagramPair::take_all(pair.near);
    must(!pair.sent || got == "hello", "a datagram is lost, or comes twice: " + got);
  });
  std::array<char, 100> room{};
  const io::Received received = co_await pair.near.receive(room);
  got.append(room.data(), received.size);
  co_await some_time();
}

// Of two that race, the loser's datagram is there still.
Task<> receives_race(CutRun& run) {
  auto& one = run.keep<DatagramPair>(run.reactor());
  auto& other = run.keep<DatagramPair>(run.reactor());
  auto& got = run.keep<std::string>();
  one.send_later("1");
  other.send_later("1");
  run.at_end([&] {
    got += DatagramPair::take_all(one.near) + DatagramPair::take_all(other.near);
    const std::size_t sent = (one.sent ? 1 : 0) + (other.sent ? 1 : 0);
    const bool passes = run.cut(Cut::close) || run.cut(Cut::throw_);  // while the loser ends
    must(got.size() == sent || (passes && got.size() + 1 == sent),
         "a datagram is lost, or comes twice");
  });
  std::array<char, 100> room{};
  std::array<char, 100> other_room{};
  auto both = race(one.near.receive(room), other.near.receive(other_room));
  const auto first = co_await std::move(both);
  got.append(first.index() == 0 ? room.data() : other_room.data(), 1);
  co_await some_time();
}

// Each that was sent arrives once, and the one that was cut does not.
Task<> sends(CutRun& run) {
  auto& pair = run.keep<DatagramPair>(run.reactor());
  struct Sent {
    std::string arrived;
    std::size_t sent = 0;
  };
  auto& all = run.keep<Sent>();
  pair.take_later(all.arrived);
  run.at_end([&] {
    all.arrived += DatagramPair::take_all(pair.far);
    must(all.arrived.size() == all.sent, "a datagram is lost, or comes twice");
  });
  while (all.sent < 20) {
    co_await pair.near.send("x");
    ++all.sent;
  }
  co_await some_time();
}

// A limit that ends a receive takes nothing away from the next.
Task<> receives_with_limits(CutRun& run) {
  auto& pair = run.keep<DatagramPair>(run.reactor());
  auto& got = run.keep<std::string>();
  run.may_fail_with<TimeoutError>();
  pair.send_later("hello");
  run.at_end([&] {
    got += DatagramPair::take_all(pair.near);
    must(!pair.sent || got == "hello", "a datagram is lost, or comes twice: " + got);
  });
  std::array<char, 100> room{};
  while (got.empty()) {
    const auto received = co_await as_outcome(with_timeout(300us, pair.near.receive(room)));
    if (received.has_value()) got.append(room.data(), received->size);
    if (run.cut(Cut::cancel) || run.cut(Cut::timeout)) break;  // each later one is cut, too
  }
  co_await some_time();
}

Task<> asks_server(CutRun& run) {
  auto& server = run.keep<io::Datagram>(io::bind("udp:127.0.0.1:0"));
  const auto serves = [](CutRun& of, io::Datagram& at) -> Task<> {
    const DestroyedOnce counted(of);
    std::array<char, 100> room{};
    const io::Received received = co_await at.receive(room);
    co_await at.send_to(std::string_view(room.data(), received.size), received.from);
  };
  const auto family = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(serves, std::ref(run), std::ref(server));
    io::Datagram client = co_await io::connect_datagram("udp:" + server.local().text());
    co_await client.send("ask");
    std::array<char, 100> room{};
    const io::Received received = co_await client.receive(room);
    must(std::string_view(room.data(), received.size) == "ask", "an answer is another one");
  };
  co_await with_nursery(family);
}

}  // namespace

Programs datagram_programs() {
  return {
      {"a receive", receives},
      {"receives that race", receives_race},
      {"receives with limits", receives_with_limits},
      {"sends to a queue that is short", sends},
      {"a server of datagrams and who asks", asks_server},
  };
}

}  // namespace deferred::testing
