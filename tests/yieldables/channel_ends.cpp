// SPDX-License-Identifier: MIT
//
// How waits for a channel end otherwise than by an item, and what is lost then: nothing.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/channel.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/first_of.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

using Text = std::string;
const Text long_text = "a text that is longer than what a string holds in place";

Task<> send(Channel<Text>& channel, Text& item) { co_await channel.send(std::move(item)); }
Task<Text> receive(Channel<Text>& channel) {
  const std::optional<Text> item = co_await channel.receive();
  co_return item ? *item : "nothing";
}

TEST_CASE_FIXTURE(Loop,
                  "senders that wait when a channel is closed get ChannelClosedError, and keep "
                  "their items") {
  Channel<Text> channel(0);
  Text items[] = {long_text, long_text};
  auto one = spawn(reactor, send(channel, items[0]));
  auto other = spawn(reactor, send(channel, items[1]));
  settle();

  channel.close();
  settle();

  CHECK(outcome_of(std::move(one)).check<ChannelClosedError>());
  CHECK(outcome_of(std::move(other)).check<ChannelClosedError>());
  CHECK(items[0] == long_text);
  CHECK(items[1] == long_text);
}

TEST_CASE_FIXTURE(Loop, "a send on a closed channel is a ChannelClosedError, and leaves the item") {
  Channel<Text> channel(1);
  channel.close();
  Text item = long_text;
  CHECK(outcome_of(send(channel, item)).check<ChannelClosedError>());
  CHECK(item == long_text);
}

TEST_CASE_FIXTURE(Loop, "what is in a closed channel is received, and then nothing") {
  Channel<Text> channel(2);
  CHECK(channel.try_send("one"));
  CHECK(channel.try_send("two"));
  channel.close();
  CHECK(outcome_of(receive(channel)).value() == "one");
  CHECK(outcome_of(receive(channel)).value() == "two");
  CHECK(outcome_of(receive(channel)).value() == "nothing");
  CHECK(outcome_of(receive(channel)).value() == "nothing");
}

TEST_CASE_FIXTURE(Loop, "receivers that wait when a channel is closed get nothing") {
  Channel<Text> channel(1);
  auto one = spawn(reactor, receive(channel));
  auto other = spawn(reactor, receive(channel));
  settle();
  channel.close();
  settle();
  CHECK(outcome_of(std::move(one)).value() == "nothing");
  CHECK(outcome_of(std::move(other)).value() == "nothing");
}

TEST_CASE_FIXTURE(Loop, "those that wait for a channel that is destroyed get AbandonedError") {
  std::optional<Channel<Text>> channel(std::in_place, 0);
  Text item = long_text;
  auto sends = spawn(reactor, send(*channel, item));
  settle();
  channel.reset();
  settle();
  CHECK(outcome_of(std::move(sends)).check<AbandonedError>());
  CHECK(item == long_text);

  channel.emplace(0);
  auto receives = spawn(reactor, receive(*channel));
  settle();
  channel.reset();
  settle();
  CHECK(outcome_of(std::move(receives)).check<AbandonedError>());
}

TEST_CASE("a channel and the reactor whose tasks wait for it end in any order") {
  for (const bool channel_first : {true, false}) {
    std::optional<Channel<Text>> channel(std::in_place, 1);
    std::optional<Loop> loop(std::in_place);
    Text items[] = {"1", "2", "3"};
    for (Text& item : items) spawn(loop->reactor, send(*channel, item));
    Channel<Text> other(0);
    spawn(loop->reactor, receive(other));
    loop->settle();
    if (channel_first) channel.reset();
    loop.reset();
    channel.reset();
    CHECK(items[0].empty());
    CHECK(items[2] == "3");
  }
}

// ---- Cut.

TEST_CASE_FIXTURE(Loop, "a send that is cut leaves its item in the sender's variable") {
  Channel<Text> channel(0);
  Text items[] = {long_text, long_text, long_text, long_text};
  auto cancelled = spawn(reactor, send(channel, items[0]));
  auto once = spawn(reactor, send(channel, items[1]));
  auto closed = spawn(reactor, send(channel, items[2]));
  auto late = spawn(
      reactor, [&]() -> Task<> { co_await with_timeout(1s, channel.send(std::move(items[3]))); });
  Text last = "last";
  auto left = spawn(reactor, send(channel, last));
  settle();

  cancelled.task().cancel();
  once.task().cancel_once();
  closed.task().close();
  time.advance(1s);

  for (const Text& item : items) CHECK(item == long_text);
  CHECK(outcome_of(std::move(late)).check<TimeoutError>());
  CHECK(outcome_of(receive(channel)).value() == "last");
  CHECK(left.done());
}

TEST_CASE_FIXTURE(Loop, "a send that is cancelled before its await leaves its item") {
  Channel<Text> channel(1);
  Text item = long_text;
  auto sends = spawn(reactor, send(channel, item));
  sends.task().cancel();
  settle();
  CHECK(outcome_of(std::move(sends)).check<Cancelled>());
  CHECK(item == long_text);
}

TEST_CASE_FIXTURE(Loop, "a receive that is cut takes nothing") {
  Channel<Text> channel(1);
  auto cancelled = spawn(reactor, receive(channel));
  auto once = spawn(reactor, receive(channel));
  auto closed = spawn(reactor, receive(channel));
  auto late = spawn(reactor, [&]() -> Task<> {
    static_cast<void>(co_await with_timeout(1s, channel.receive()));
  });
  auto left = spawn(reactor, receive(channel));
  settle();

  cancelled.task().cancel();
  once.task().cancel_once();
  closed.task().close();
  time.advance(1s);
  CHECK(channel.try_send("one"));
  CHECK(channel.try_send("two"));
  settle();

  // Twisted: test_cancelQueueAfterSynchronousGet, test_cancelQueueAfterGet.
  CHECK(outcome_of(std::move(cancelled)).check<Cancelled>());
  CHECK(outcome_of(std::move(late)).check<TimeoutError>());
  CHECK(outcome_of(std::move(left)).value() == "one");
  CHECK(channel.try_receive() == "two");
}

TEST_CASE_FIXTURE(Loop,
                  "a receive that is cancelled when it has its item gives it, and the cancel "
                  "hits the next await") {
  Channel<Text> channel(1);
  Text got;
  auto receives = spawn(reactor, [&]() -> Task<> {
    got = *co_await channel.receive();
    co_await Pause{};
  });
  settle();

  CHECK(channel.try_send(Text(long_text)));
  receives.task().cancel();
  settle();

  CHECK(got == long_text);
  CHECK(outcome_of(std::move(receives)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a receiver that is closed when it has its item drops it") {
  Counted::reset();
  Channel<Counted> channel(1);
  auto receives =
      spawn(reactor, [&]() -> Task<> { static_cast<void>(co_await channel.receive()); });
  settle();
  CHECK(channel.try_send(Counted(1)));
  CHECK(Counted::live == 1);

  receives.task().close();

  CHECK(Counted::live == 0);
  CHECK(channel.size() == 0);
}

// ---- Races.

TEST_CASE_FIXTURE(Loop, "a receive that loses a race takes nothing, also before it has gone on") {
  Channel<Text> channel(1);
  Channel<Text> other(1);
  auto either = spawn(reactor, [&]() -> Task<Text> {
    co_return *co_await FirstOf(other.receive(), channel.receive());
  });
  auto next = spawn(reactor, receive(channel));
  settle();

  CHECK(other.try_send("other"));
  CHECK(channel.try_send("channel"));
  settle();

  CHECK(outcome_of(std::move(either)).value() == "other");
  CHECK(outcome_of(std::move(next)).value() == "channel");
}

TEST_CASE_FIXTURE(Loop, "a receive that has lost a race before it began takes nothing") {
  Channel<Text> channel(1);
  Channel<Text> other(1);
  CHECK(channel.try_send("channel"));
  CHECK(other.try_send("other"));
  const auto outcome = outcome_of(
      [&]() -> Task<Text> { co_return *co_await FirstOf(other.receive(), channel.receive()); });
  CHECK(outcome.value() == "other");
  CHECK(channel.size() == 1);
}

TEST_CASE_FIXTURE(Loop, "a send that loses a race leaves its item") {
  Channel<Text> channel(0);
  Channel<Text> other(0);
  Text items[] = {"channel", "other"};
  auto either = spawn(reactor, [&]() -> Task<> {
    co_await FirstOf(other.send(std::move(items[1])), channel.send(std::move(items[0])));
  });
  settle();

  CHECK(other.try_receive() == "other");
  CHECK_FALSE(channel.try_receive());
  settle();
  CHECK(either.done());
  CHECK(items[0] == "channel");

  Channel<Text> free(2);
  items[1] = "free";
  outcome_of([&]() -> Task<> {
    co_await FirstOf(free.send(std::move(items[1])), free.send(std::move(items[0])));
  }).value();
  CHECK(free.size() == 1);
  CHECK(items[0] == "channel");
}

// ---- Moves that throw.

struct Throwing {
  Throwing() { ThrowsOnMove::throwing = true; }
  Throwing(const Throwing&) = delete;
  Throwing& operator=(const Throwing&) = delete;
  ~Throwing() { ThrowsOnMove::throwing = false; }
};

TEST_CASE_FIXTURE(Loop, "an item that throws when it is moved stays where it is") {
  Channel<ThrowsOnMove> channel(1);
  const auto take = [&]() -> Task<int> {
    const std::optional<ThrowsOnMove> item = co_await channel.receive();
    co_return item->value;
  };
  ThrowsOnMove item(3);

  {  // with the sender
    const Throwing throwing;
    CHECK_THROWS_AS(channel.try_send(std::move(item)), std::runtime_error);
  }
  CHECK(channel.size() == 0);
  auto waits = spawn(reactor, take);
  settle();
  {  // and the receiver waits on
    const Throwing throwing;
    CHECK_THROWS_AS(channel.try_send(std::move(item)), std::runtime_error);
    settle();
    CHECK_FALSE(waits.done());
  }
  CHECK(channel.try_send(std::move(item)));
  settle();
  CHECK(outcome_of(std::move(waits)).value() == 3);

  CHECK(channel.try_send(ThrowsOnMove(4)));
  {  // in the channel
    const Throwing throwing;
    CHECK(outcome_of(take).check<std::runtime_error>());
    CHECK_THROWS_AS(channel.try_receive(), std::runtime_error);
  }
  CHECK(channel.size() == 1);
  CHECK(outcome_of(take).value() == 4);
}

TEST_CASE_FIXTURE(Loop, "an item that throws as it leaves the receiver's await is lost") {
  Channel<ThrowsOnMove> channel(1);
  auto waits = spawn(reactor, [&]() -> Task<> { static_cast<void>(co_await channel.receive()); });
  settle();
  CHECK(channel.try_send(ThrowsOnMove(3)));
  {
    const Throwing throwing;
    settle();
  }
  CHECK(outcome_of(std::move(waits)).check<std::runtime_error>());
  CHECK(channel.size() == 0);
}

TEST_CASE_FIXTURE(Loop, "an item that throws when it is moved from one who waits stays with him") {
  Channel<ThrowsOnMove> channel(0);
  ThrowsOnMove item(3);
  auto sends = spawn(reactor, [&]() -> Task<> { co_await channel.send(std::move(item)); });
  settle();
  const auto take = [&]() -> Task<int> { co_return (co_await channel.receive())->value; };
  {
    const Throwing throwing;
    CHECK(outcome_of(take).check<std::runtime_error>());
    CHECK_THROWS_AS(channel.try_receive(), std::runtime_error);
  }
  CHECK_FALSE(sends.done());

  CHECK(outcome_of(take).value() == 3);
  CHECK(sends.done());
}

TEST_CASE_FIXTURE(Loop, "an item that cannot be moved into the room there is waits for the next") {
  struct Item {
    Item(int v, bool throwing) : value(v), throws(throwing) {}
    Item(Item&& other) : value(other.value), throws(other.throws) {
      if (throws && *armed) throw std::runtime_error("the move threw");
    }
    int value;
    bool throws;
    static bool* of() {
      static bool on = false;
      return &on;
    }
    bool* armed = of();
  };
  Channel<Item> channel(1);
  CHECK(channel.try_send(Item(1, false)));
  Item item(2, true);
  auto sends = spawn(reactor, [&]() -> Task<> { co_await channel.send(std::move(item)); });
  settle();
  *Item::of() = true;
  const auto take = [&]() -> Task<int> { co_return (co_await channel.receive())->value; };
  CHECK(outcome_of(take).value() == 1);
  CHECK_FALSE(sends.done());
  CHECK_FALSE(channel.try_send(Item(3, false)));
  *Item::of() = false;

  CHECK(outcome_of(take).value() == 2);
  CHECK(sends.done());
}

}  // namespace
