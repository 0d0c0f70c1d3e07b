// SPDX-License-Identifier: MIT
//
// Reply: somebody else's callback API. Runs under ThreadSanitizer too.
#include "deferred/yieldables/reply.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

template <class T>
Task<T> await_reply(Reply<T>& reply) {
  co_return co_await reply;
}

TEST_CASE_FIXTURE(Loop, "an answer before the await is given at the await, without a suspension") {
  Reply<int> reply;
  CHECK(reply.send()(5));
  auto spawned = spawn(reactor, await_reply(reply));

  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Loop, "an answer after the await is given there") {
  Reply<int> reply;
  auto send = reply.send();
  auto spawned = spawn(reactor, await_reply(reply));
  settle();
  REQUIRE_FALSE(spawned.done());

  CHECK(send(6));
  CHECK_FALSE(spawned.done());
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 6);
}

TEST_CASE_FIXTURE(Loop, "a sender is a plain callback") {
  // The single line that resumeback promises: `number = yield ask(..., this.send)`.
  std::function<void(int)> callback;
  const auto ask = [&](const std::string&, std::function<void(int)> done) { callback = done; };
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    Reply<int> reply;
    ask("how many?", reply.send());
    co_return co_await reply;
  });
  settle();

  callback(7);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 7);
}

TEST_CASE_FIXTURE(Loop, "a callback API may call back before it returns") {
  // resumeback: "ValueError: generator already executing".
  const auto ask_at_once = [](const auto& done) { done(8); };

  const auto outcome = outcome_of([&]() -> Task<int> {
    Reply<int> reply;
    ask_at_once(reply.send());
    co_return co_await reply;
  });

  CHECK(outcome.value() == 8);
}

TEST_CASE_FIXTURE(Loop, "an answer may come from another thread") {
  Reply<std::string> reply;
  auto send = reply.send();
  auto spawned = spawn(reactor, await_reply(reply));
  settle();
  std::thread thread([send = std::move(send)] { send("from a thread"); });

  CHECK(reactor.run_until(std::move(spawned).deferred()) == "from a thread");

  thread.join();
}

TEST_CASE_FIXTURE(Loop, "an answer from a thread may come before the await") {
  Reply<std::string> reply;
  std::thread([send = reply.send()] { send("early"); }).join();

  CHECK(outcome_of(await_reply(reply)).value() == "early");
}

TEST_CASE_FIXTURE(Loop, "of several senders the first to answer wins") {
  Reply<int> reply;
  auto first = reply.send();
  auto second = reply.send();
  auto third = first;

  CHECK(second(2));
  CHECK_FALSE(first(1));
  CHECK_FALSE(third.throw_(Oops()));

  CHECK(outcome_of(await_reply(reply)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "of many threads one wins") {
  Reply<int> reply;
  auto sender = reply.send();
  auto spawned = spawn(reactor, await_reply(reply));
  settle();
  std::atomic<int> winners{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&winners, send = sender, i] {
      if (send(i)) ++winners;
    });
  }

  const int got = reactor.run_until(std::move(spawned).deferred());

  for (std::thread& each : threads) each.join();
  CHECK(winners == 1);
  CHECK(got >= 0);
}

TEST_CASE_FIXTURE(Loop, "0, an empty text and false are answers") {
  Reply<int> zero;
  Reply<std::string> empty;
  Reply<bool> no;
  zero.send()(0);
  empty.send()("");
  no.send()(false);

  CHECK(outcome_of(await_reply(zero)).value() == 0);
  CHECK(outcome_of(await_reply(empty)).value() == "");
  CHECK(outcome_of(await_reply(no)).value() == false);
}

TEST_CASE_FIXTURE(Loop, "falsy answers that come later are answers too") {
  Reply<int> reply;
  auto send = reply.send();
  auto spawned = spawn(reactor, await_reply(reply));
  settle();

  send(0);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 0);
}

TEST_CASE_FIXTURE(Loop, "an error is thrown at the await, before and after it") {
  Reply<int> before;
  before.send().throw_(std::out_of_range("far"));
  Reply<int> after;
  auto send = after.send();
  auto spawned = spawn(reactor, await_reply(after));
  settle();
  send.throw_(std::make_exception_ptr(std::out_of_range("far")));
  settle();

  for (const auto& outcome : {outcome_of(await_reply(before)), outcome_of(std::move(spawned))}) {
    REQUIRE(outcome.check<std::out_of_range>());
    CHECK(outcome.failure().report().find("far\n  awaited at reply.cpp:") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(Loop, "when all senders are dropped while it waits: AbandonedError") {
  Reply<int> reply;
  std::optional one = reply.send();
  std::optional two = one;
  auto spawned = spawn(reactor, await_reply(reply));
  settle();
  one.reset();
  settle();
  REQUIRE_FALSE(spawned.done());

  std::thread([&] { two.reset(); }).join();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "when all senders were dropped before the await: AbandonedError") {
  Reply<int> reply;
  {
    auto dropped = reply.send();
  }

  CHECK(outcome_of(await_reply(reply)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "a Reply that no sender was made of is abandoned too") {
  Reply<int> reply;

  CHECK(outcome_of(await_reply(reply)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "a sender is refused once it is over") {
  Reply<int> reply;
  reply.send()(1);

  CHECK_THROWS_AS(reply.send(), std::logic_error);
}

TEST_CASE_FIXTURE(Loop, "a Reply is awaited once") {
  Reply<int> reply;
  reply.send()(1);

  const auto outcome = outcome_of([&]() -> Task<int> {
    co_await reply;
    co_return co_await reply;
  });

  CHECK(outcome.check<std::logic_error>());
}

TEST_CASE_FIXTURE(Loop, "a Reply can be given a time limit, and a late answer does nothing") {
  Reply<int> reply;
  auto send = reply.send();
  const auto outcome =
      outcome_of([&]() -> Task<int> { co_return co_await with_timeout(1s, reply); });
  REQUIRE(outcome.check<TimeoutError>());

  send(1);
  settle();
}

// A sender may be on another thread, and cannot know of the cut.
TEST_CASE_FIXTURE(Loop, "an answer to a wait that was cut off is taken, and reaches nobody") {
  Reply<int> reply;
  const auto send = reply.send();
  bool went_on = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const auto cut = co_await as_outcome(with_timeout(1s, reply));
    CHECK(cut.check<TimeoutError>());
    co_await Pause(1h);
    went_on = true;
  });
  time.advance(1s);

  const bool first = send(1);
  const bool second = send(2);
  settle();

  CHECK(first);
  CHECK_FALSE(second);
  CHECK_FALSE(went_on);
  CHECK_FALSE(spawned.done());
  spawned.task().close();
}

TEST_CASE("a sender takes what makes its result, and nothing else") {
  CHECK(std::is_invocable_r_v<bool, ReplySender<void>>);
  CHECK_FALSE(std::is_invocable_v<ReplySender<void>, int>);
  CHECK(std::is_invocable_r_v<bool, ReplySender<std::string>, const char*>);
  CHECK(std::is_invocable_r_v<bool, ReplySender<std::string>>);  // an empty one
  CHECK_FALSE(std::is_invocable_v<ReplySender<std::string>, std::vector<int>>);
}

TEST_CASE_FIXTURE(Loop, "a Reply of nothing is an event") {
  Reply<void> reply;
  auto send = reply.send();
  auto spawned = spawn(reactor, await_reply(reply));
  settle();

  send();
  settle();

  CHECK(outcome_of(std::move(spawned)).has_value());
}

TEST_CASE("a sender may outlive its Reply and the reactor") {
  std::optional<ReplySender<int>> send;
  {
    Loop loop;
    Reply<int> reply;
    send = reply.send();
    spawn(loop.reactor, await_reply(reply));
    loop.settle();
  }

  std::thread([&] { (*send)(1); }).join();
}

}  // namespace

TEST_CASE("a sender of a Reply that was moved from says so") {
  Reply<int> reply;
  auto sender = reply.send();
  const auto moved = std::move(sender);

  CHECK_THROWS_AS(sender(1), std::logic_error);  // NOLINT: that is what is asked
  CHECK(moved(1));
}
