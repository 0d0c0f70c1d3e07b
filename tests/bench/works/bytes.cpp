// SPDX-License-Identifier: MIT
//
// Bytes of heap that an item takes which only waits: microthreads, timers, Deferreds, connections.
// Each in a process of its own, where no free list holds a block yet.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "../backends.hpp"
#include "deferred/io.hpp"
#include "items.hpp"

namespace {

using namespace deferred;

// As echo::serve. The buffer is not the connection's: what is read into it has been dealt with at
// the next wait.
Task<> serve(io::Stream stream, std::array<char, 4096>& buffer) {
  while (true) {
    const std::size_t got = co_await stream.read_some(buffer);
    if (got == 0) co_return;
    co_await stream.write_all({buffer.data(), got});
  }
}

Task<> idle_connections(Reactor& reactor, const std::vector<int>& sockets, works::Growth& growth) {
  std::array<char, 4096> buffer;
  growth.begin();
  for (const int socket : sockets) {
    io::Stream stream = io::adopt(reactor, io::Descriptor(socket), "127.0.0.1:54321");
    spawn(reactor, serve(std::move(stream), buffer)).detach();
  }
  co_await Pause{};
  growth.all_there();
}

// One end each of so many pairs, with small numbers as an accept would give them; fewer if the
// process may not have as many. The other ends stay open as long as the process.
std::vector<int> connected_sockets(std::size_t wanted) {
  std::vector<int> ends(std::min(wanted, (works::most_descriptors() - 64) / 2));
  for (int& end : ends) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) std::abort();
    end = pair[0];
    if (::fcntl(pair[1], F_DUPFD, static_cast<int>(ends.size()) + 32) < 0) std::abort();
    ::close(pair[1]);
  }
  return ends;
}

double idle_connection() {
  const std::vector<int> sockets = connected_sockets(4'000);
  const char* const name = bench::backends.contains("epoll") ? "epoll" : "poll";
  Reactor reactor{bench::backends.at(name)()};
  works::Growth growth(sockets.size());
  reactor.run(idle_connections(reactor, sockets, growth));
  return growth.an_item();
}

template <class F>
auto growth_of(F task, std::size_t count) {
  return [task, count] {
    works::HandClock clock;
    Reactor reactor{clock};
    works::Growth growth(count);
    reactor.run(task(works::Items{reactor, clock, count, [&growth] { growth.begin(); },
                                  [&growth] { growth.all_there(); }}));
    return growth.an_item();
  };
}

}  // namespace

void works::bytes(bench::Program& program) {
  constexpr std::size_t million = 1'000'000;
  const auto delays = bench::random_delays(million);
  const auto timers = [&delays](Items items) { return cancelled_timers(std::move(items), delays); };
  program.bytes("W5-bytes", growth_of(parked_tasks, 100'000), "heap; without what it waits for");
  program.bytes("parked", growth_of(parked_tasks, million), "10^6 of them");
  program.bytes("timer", growth_of(timers, million), "10^6 of them; without the handle");
  program.bytes("pending", growth_of(pending_deferreds, million),
                "10^6 of them; without the Promise");
  program.bytes("idle-connection", idle_connection, "4000 of them; without a buffer");
}
