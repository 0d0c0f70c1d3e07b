// SPDX-License-Identifier: MIT
//
// W6: timers. Inside a turn, where the clock is read once: so are they set by what a reactor calls.
#include <chrono>
#include <cstdlib>
#include <vector>

#include "deferred/reactor/delayed_call.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

struct Timers {
  works::HandClock& clock;
  const std::vector<std::chrono::nanoseconds>& delays;
  std::vector<DelayedCall>& calls;
  std::size_t& fired;
};

Task<> set_and_cancel_alone(Reactor& reactor, Timers t, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    auto call =
        reactor.call_later(bench::opaque(std::chrono::nanoseconds(1'000'000)), [&t] { ++t.fired; });
    call.cancel();
  }
  co_return;
}

Task<> set_and_cancel(Reactor& reactor, Timers t, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i)
    t.calls.push_back(reactor.call_later(t.delays[i], [&t] { ++t.fired; }));
  for (auto& call : t.calls) call.cancel();
  t.calls.clear();
  co_return;
}

Task<> set_and_fire(Reactor& reactor, Timers t, std::size_t n) {
  t.fired = 0;
  for (std::size_t i = 0; i != n; ++i)
    reactor.call_later(t.delays[i], [&t] { ++t.fired; }).detach();
  t.clock.put_forward(std::chrono::seconds(1));
  co_await Pause{};
  if (t.fired != n) std::abort();
}

}  // namespace

void works::timers(bench::Program& program, Reactor& reactor, HandClock& clock) {
  const auto delays = bench::random_delays(bench::many_timers);
  std::vector<DelayedCall> calls;
  calls.reserve(delays.size());
  std::size_t fired = 0;
  const Timers shared{clock, delays, calls, fired};
  const auto in = [&](auto task) {
    return [&, task](std::size_t n) { reactor.run(task(reactor, shared, n)); };
  };
  const bench::Ops all{bench::many_timers, bench::many_timers};
  program.batch("W6-alone", in(set_and_cancel_alone));
  program.batch("W6-cancel", in(set_and_cancel), "", all);
  program.batch("W6-fire", in(set_and_fire), "its clock put forward by hand", all);
}
