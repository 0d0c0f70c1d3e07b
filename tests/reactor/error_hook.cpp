// SPDX-License-Identifier: MIT
// The error hook: what it is called with, and when it is not.
#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/hooked.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Hooked;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;
using deferred::testing::SocketPair;

namespace {

using Texts = std::vector<std::string>;

[[noreturn]] void oops() { throw std::runtime_error("oops"); }

}  // namespace

TEST_CASE_TEMPLATE("what callbacks throw goes to the error hook, with who threw it", On, OnPoll,
                   OnVirtualTime) {
  On on;
  Hooked hooked(on.reactor);
  SocketPair pair;
  pair.write(1);
  on.reactor.post([] { oops(); });
  on.reactor.post([&] { on.reactor.call_when_running([] { oops(); }); });
  const bool taken = on.reactor.call_from_thread([] { oops(); });
  const DelayedCall timer = on.reactor.call_later(0s, [] { oops(); });
  Watch watch = on.reactor.watch(pair[0], Ready::read, [&] {
    watch = Watch();
    oops();
  });

  on.run_for(1ms);

  CHECK(taken);
  std::sort(hooked.texts.begin(), hooked.texts.end());
  CHECK(hooked.texts == Texts{"a callback of call_later: oops",
                              "a callback of call_when_running: oops", "a callback of watch: oops",
                              "a callback posted from a thread: oops", "a posted callback: oops"});
}

TEST_CASE_TEMPLATE("the main task's failure goes to the error hook, Cancelled says nothing", On,
                   OnPoll, OnVirtualTime) {
  On on;
  const Hooked hooked(on.reactor);
  const auto fails = []() -> Task<> {
    co_await Pause{};
    oops();
  };
  const auto cancelled = []() -> Task<> {
    co_await Pause{};
    throw Cancelled();
  };

  CHECK(on.reactor.run(fails()) == 1);
  CHECK(on.reactor.run(cancelled()) == 1);

  CHECK(hooked.texts == Texts{"the main task: oops"});
}

TEST_CASE("an error hook that throws is reported, with what it was called for") {
  OnPoll on;
  on.reactor.set_error_hook(
      [](const Failure&, std::string_view) { throw std::runtime_error("from the hook"); });
  on.reactor.post([] { oops(); });

  on.turn();

  CHECK(on.unhandled.take() == Texts{"from the hook", "oops"});
}

TEST_CASE("an error hook may replace itself") {
  OnPoll on;
  on.reactor.set_error_hook(
      [&](const Failure&, std::string_view) { on.reactor.set_error_hook({}); });
  on.reactor.post([] { oops(); });
  on.reactor.post([] { oops(); });

  on.turn();

  CHECK(on.unhandled.take() == Texts{"oops"});
}

// The hook was called with what closing leaves, and what it referred to was gone.
TEST_CASE("the error hook is not called while the reactor is being destroyed") {
  int calls = 0;
  {
    OnPoll on;
    on.reactor.set_error_hook([&](const Failure&, std::string_view) { ++calls; });
    const auto main = []() -> Task<> { co_await Pause{1h}; };
    on.reactor.stop();
    on.reactor.run(main());
  }
  CHECK(calls == 0);
}
