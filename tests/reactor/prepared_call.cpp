// SPDX-License-Identifier: MIT
// PreparedCall: what was made beforehand is sent without memory.
#include "deferred/reactor/prepared_call.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/support/driven.hpp"

using namespace deferred;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;

TEST_CASE_TEMPLATE("a prepared call is made once, on the reactor's thread", On, OnPoll,
                   OnVirtualTime) {
  On on;
  int calls = 0;
  Reactor* by = nullptr;
  PreparedCall call(on.reactor.remote(), [&](Reactor& reactor) {
    ++calls;
    by = &reactor;
    reactor.stop();
  });
  std::thread other([&, sent = std::move(call)]() mutable {
    CHECK(std::move(sent).send());
    CHECK_FALSE(std::move(sent).send());
  });

  on.reactor.run();
  other.join();

  CHECK(calls == 1);
  CHECK(by == &on.reactor);
}

TEST_CASE("a prepared call that is not sent drops what it would call") {
  OnPoll on;
  const auto held = std::make_shared<int>();
  {
    const PreparedCall call(on.reactor.remote(), [held] { FAIL("it was not sent"); });
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("a reactor that was stopped, or has crashed, takes a prepared call in its next run") {
  OnPoll on;
  int calls = 0;
  const auto count_and_stop = [&] {
    ++calls;
    on.reactor.stop();
  };
  PreparedCall first(on.reactor.remote(), count_and_stop);
  PreparedCall second(on.reactor.remote(), count_and_stop);

  on.reactor.stop();
  on.reactor.run();
  CHECK_FALSE(on.reactor.call_from_thread([] {}));
  CHECK(std::move(first).send());
  CHECK(calls == 0);
  on.reactor.run();
  CHECK(calls == 1);

  on.reactor.post([&] { on.reactor.crash(); });
  on.reactor.run();
  CHECK(std::move(second).send());
  on.reactor.run();
  CHECK(calls == 2);
}

TEST_CASE("a reactor that is destroyed drops a prepared call; one that is gone refuses it") {
  const auto held = std::make_shared<int>();
  std::optional<PreparedCall> late;
  {
    OnPoll on;
    PreparedCall sent(on.reactor.remote(), [held] { FAIL("it had no turn"); });
    CHECK(std::move(sent).send());
    late.emplace(on.reactor.remote(), [held] { FAIL("the reactor is gone"); });
    CHECK(held.use_count() == 3);
  }
  CHECK(held.use_count() == 2);

  CHECK_FALSE(std::move(*late).send());
  CHECK(held.use_count() == 1);
}

TEST_CASE("what a prepared call throws goes to the error hook") {
  OnPoll on;
  std::string what;
  on.reactor.set_error_hook([&](const Failure& failure, std::string_view) {
    what = failure.what();
    on.reactor.stop();
  });
  PreparedCall call(on.reactor.remote(), [] { throw std::runtime_error("too late"); });

  CHECK(std::move(call).send());
  on.reactor.run();

  CHECK(what == "too late");
}
