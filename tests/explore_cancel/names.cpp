// SPDX-License-Identifier: MIT
//
// Composed programs that look up names, in threads that are a pool that runs its jobs a while
// later: whatever is cut, no place among those that may ask is lost, and no job.
#include <memory>
#include <string>
#include <vector>

#include "deferred/testing/manual_pool.hpp"
#include "tests/explore_cancel/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

using Addresses = std::vector<io::Address>;

struct NamesByHand {
  explicit NamesByHand(CutRun& run) : reactor(run.reactor()) {
    const auto ask = [](const std::string&) { return Addresses{io::Address::any_ipv4(0)}; };
    io::names::use(reactor, io::names::in_threads(ask, pool));
    run_later();
  }
  NamesByHand(const NamesByHand&) = delete;
  NamesByHand& operator=(const NamesByHand&) = delete;
  ~NamesByHand() { io::names::use(reactor, nullptr); }
  void run_later() {
    runs = reactor.call_later(700us, [this] {
      pool->run_one();
      if (++times < 10) run_later();
    });
  }
  Reactor& reactor;
  std::shared_ptr<ManualPool> pool = std::make_shared<ManualPool>();
  DelayedCall runs;
  int times = 0;
};

Task<> looks_up(CutRun& run) {
  auto& names = run.keep<NamesByHand>(run);
  run.at_end([&] { must(names.pool->queued() == 0, "a question is left that nobody waits for"); });
  const Addresses local = co_await io::names::look_up("localhost");
  must(local.size() == 2, "an address is lost");
  const Addresses found = co_await io::names::look_up("example.org");
  must(found.size() == 1, "an address is lost");
  co_await some_time();
}

Task<> looks_up_side_by_side(CutRun& run) {
  auto& names = run.keep<NamesByHand>(run);
  run.at_end([&] { must(names.pool->queued() == 0, "a question is left that nobody waits for"); });
  const DestroyedOnce counted(run);
  auto both = all(io::names::look_up("a.example"), io::names::look_up("b.example"));
  const auto found = co_await std::move(both);
  must(std::get<0>(found).size() == 1 && std::get<1>(found).size() == 1, "an address is lost");
  auto limited = move_on_after(200us, io::names::look_up("c.example"));
  const auto late = co_await std::move(limited);
  must(!late || run.cut(), "a limit is not kept");
  co_await some_time();
}

}  // namespace

Programs names_programs() {
  return {
      {"names", looks_up},
      {"names, side by side and with a limit", looks_up_side_by_side},
  };
}

}  // namespace deferred::testing
