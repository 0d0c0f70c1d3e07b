// SPDX-License-Identifier: MIT
//
// Items on their way from one task to another.
#include "deferred/yieldables/channel.hpp"

#include <utility>

#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

Task<> send_items(Channel<std::size_t>& channel, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    std::size_t item = i;
    co_await channel.send(std::move(item));
  }
}

template <std::size_t Capacity>
Task<> hand_over(Reactor& reactor, std::size_t n) {
  Channel<std::size_t> channel(Capacity);
  auto sends = spawn(reactor, send_items(channel, n));
  std::size_t sum = 0;
  for (std::size_t i = 0; i != n; ++i) sum += *co_await channel.receive();
  bench::keep(sum);
  co_await std::move(sends);
}

}  // namespace

void works::channels(bench::Program& program, Reactor& reactor) {
  program.batch("channel-16", in(reactor, hand_over<16>));
  program.batch("channel-0", in(reactor, hand_over<0>));
}
