// SPDX-License-Identifier: MIT
#include "deferred/yieldables/channel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<> send(Channel<int>& channel, int item) { co_await channel.send(std::move(item)); }
Task<std::optional<int>> receive(Channel<int>& channel) { co_return co_await channel.receive(); }
Task<> receive_all(Channel<int>& channel, std::vector<int>& got) {
  for (auto item = co_await channel.receive(); item; item = co_await channel.receive()) {
    got.push_back(*item);
  }
}
int drop(Channel<int>& channel) { return channel.try_receive().value_or(-1); }

TEST_CASE_FIXTURE(Loop, "items are received in the order in which they were sent") {
  Channel<int> channel(3);
  std::vector<int> got;
  spawn(reactor, receive_all(channel, got));
  auto sends = spawn(reactor, [&]() -> Task<> {
    for (int i = 0; i < 10; ++i) co_await channel.send(std::move(i));
    channel.close();
  });

  time.run_until_idle();

  CHECK(sends.done());
  CHECK(got == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a channel takes items up to its capacity without a suspension") {
  Channel<int> channel(2);
  CHECK(channel.capacity() == 2);
  auto sends = spawn(reactor, [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) co_await channel.send(std::move(i));
  });
  settle();
  CHECK(channel.size() == 2);
  CHECK_FALSE(sends.done());

  CHECK(drop(channel) == 0);
  CHECK(channel.size() == 2);
  settle();
  CHECK(sends.done());

  CHECK(drop(channel) == 1);
  CHECK(drop(channel) == 2);
  CHECK(drop(channel) == -1);
}

TEST_CASE_FIXTURE(Loop, "a send to a channel of capacity 0 goes on with its receive") {
  Channel<int> channel(0);
  auto sends = spawn(reactor, send(channel, 5));
  settle();
  REQUIRE_FALSE(sends.done());
  CHECK(channel.size() == 0);

  auto receives = spawn(reactor, receive(channel));
  settle();

  CHECK(sends.done());
  CHECK(outcome_of(std::move(receives)).value() == 5);
  auto waits = spawn(reactor, receive(channel));
  settle();
  REQUIRE_FALSE(waits.done());
  auto again = spawn(reactor, send(channel, 6));
  settle();
  CHECK(again.done());
  CHECK(outcome_of(std::move(waits)).value() == 6);
}

// Twisted: DeferredQueue's testQueue: a put to a waiting getter goes past the limit.
TEST_CASE_FIXTURE(Loop, "an item for one who waits goes past the capacity") {
  Channel<int> channel(1);
  auto one = spawn(reactor, receive(channel));
  auto other = spawn(reactor, receive(channel));
  settle();

  CHECK(channel.try_send(1));
  CHECK(channel.try_send(2));
  CHECK(channel.try_send(3));
  CHECK_FALSE(channel.try_send(4));
  CHECK(channel.size() == 1);
  settle();

  CHECK(outcome_of(std::move(one)).value() == 1);
  CHECK(outcome_of(std::move(other)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "receivers have their items in their order, and senders their room") {
  Channel<int> channel(1);
  std::string order;
  const auto take = [&](char who) -> Task<> {
    const std::optional<int> item = co_await channel.receive();
    order += who + std::to_string(*item);
  };
  for (const char who : {'a', 'b', 'c'}) spawn(reactor, take, who);
  settle();
  const auto put = [&](int item) -> Task<> {
    co_await channel.send(std::move(item));
    order += "s";
  };
  for (int i = 0; i < 6; ++i) spawn(reactor, put, i);
  settle();
  CHECK(order == "ssssa0b1c2");  // those that need not wait go on first
  order.clear();

  CHECK(drop(channel) == 3);
  CHECK(drop(channel) == 4);
  CHECK(drop(channel) == 5);
  settle();
  CHECK(order == "ss");
}

TEST_CASE_FIXTURE(Loop, "two consumers share what is sent, and each item has one") {
  Channel<int> channel(4);
  std::vector<int> got[2];
  for (auto& each : got) spawn(reactor, receive_all(channel, each));
  spawn(reactor, [&]() -> Task<> {
    for (int i = 0; i < 100; ++i) co_await channel.send(std::move(i));
    channel.close();
  });

  time.run_until_idle();

  CHECK(got[0].size() + got[1].size() == 100);
  CHECK(got[0].size() > 10);
  CHECK(got[1].size() > 10);
  std::vector<bool> seen(100);
  for (const auto& each : got) {
    for (const int item : each) seen[static_cast<std::size_t>(item)] = true;
  }
  CHECK(std::count(seen.begin(), seen.end(), true) == 100);
}

TEST_CASE_FIXTURE(Loop, "an item is moved to its receiver, and copied nowhere") {
  Counted::reset();
  {
    Channel<Counted> channel(1);
    const auto outcome = outcome_of([&]() -> Task<int> {
      Counted item(7);
      co_await channel.send(std::move(item));
      CHECK(item.value == -1);
      const std::optional<Counted> got = co_await channel.receive();
      co_await channel.send(Counted(8));
      co_return got->value;
    });
    CHECK(outcome.value() == 7);
    CHECK(Counted::live == 1);
  }
  CHECK(Counted::live == 0);
  CHECK(Counted::copies == 0);
}

TEST_CASE_FIXTURE(Loop, "items that can only be moved are sent, from variables and temporaries") {
  Channel<std::unique_ptr<int>> channel(1);
  std::vector<int> got;
  spawn(reactor, [&]() -> Task<> {
    auto item = std::make_unique<int>(1);
    co_await channel.send(std::move(item));
    CHECK(item == nullptr);
    co_await channel.send(std::make_unique<int>(2));
    co_await channel.send(std::make_unique<int>(3));
    channel.close();
  });
  spawn(reactor, [&]() -> Task<> {
    for (auto item = co_await channel.receive(); item; item = co_await channel.receive()) {
      got.push_back(**item);
    }
  });

  time.run_until_idle();

  CHECK(got == std::vector<int>{1, 2, 3});
}

TEST_CASE_FIXTURE(Loop, "an optional that is empty is an item as any other") {
  Channel<std::optional<int>> channel(1);
  CHECK(channel.try_send(std::optional<int>()));
  const auto outcome = outcome_of([&]() -> Task<int> {
    const std::optional<std::optional<int>> empty = co_await channel.receive();
    channel.close();
    const std::optional<std::optional<int>> nothing = co_await channel.receive();
    co_return (empty && !*empty ? 1 : 0) + (nothing ? 0 : 2);
  });
  CHECK(outcome.value() == 3);
}

TEST_CASE("try_send leaves what it does not take with the caller") {
  Channel<std::string> channel(1);
  std::string item = "one";
  CHECK(channel.try_send(std::move(item)));
  item = "two";
  CHECK_FALSE(channel.try_send(std::move(item)));
  CHECK(item == "two");
  CHECK(channel.try_receive() == "one");
  CHECK_FALSE(channel.try_receive());
  CHECK(channel.try_send(std::move(item)));
  channel.close();
  item = "three";
  CHECK_FALSE(channel.try_send(std::move(item)));
  CHECK(item == "three");
  CHECK(channel.try_receive() == "two");
}

TEST_CASE_FIXTURE(Loop, "try_receive takes the item of a sender that waits") {
  Channel<int> channel(0);
  auto sends = spawn(reactor, send(channel, 5));
  settle();
  CHECK(channel.try_receive() == 5);
  settle();
  CHECK(sends.done());
}

TEST_CASE_FIXTURE(Loop, "try_send does not overtake those that wait") {
  Channel<int> channel(1);
  spawn(reactor, send(channel, 1));
  spawn(reactor, send(channel, 2));
  settle();
  CHECK(drop(channel) == 1);
  CHECK_FALSE(channel.try_send(3));
  CHECK(drop(channel) == 2);
}

TEST_CASE("a channel is used without a reactor where nobody has to wait") {
  Channel<int> channel(2);
  CHECK(channel.try_send(1));
  CHECK(channel.size() == 1);
  CHECK(channel.try_receive() == 1);
  CHECK_FALSE(channel.is_closed());
  channel.close();
  channel.close();
  CHECK(channel.is_closed());
}

}  // namespace
