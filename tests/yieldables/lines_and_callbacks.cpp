// SPDX-License-Identifier: MIT
//
// Events, permits and items for callbacks, which run inside the call that answers: a line is handed
// over in a loop, and what it waits for may be used, and end, in there.
#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/yieldables/channel.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/lock.hpp"
#include "deferred/yieldables/race.hpp"
#include "deferred/yieldables/remote_sender.hpp"
#include "deferred/yieldables/to_deferred.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

constexpr int many = 100'000;

TEST_CASE("a lock that a hundred thousand callbacks wait for is handed over") {
  Lock lock;
  std::optional<Permit> held = lock.try_acquire();
  std::vector<Deferred<void>> waits;
  int next = 0;
  bool in_order = true;
  for (int i = 0; i < many; ++i) {
    waits.push_back(to_deferred(lock.acquire()).add_callback([&, i](const Permit& permit) {
      in_order = in_order && permit.held() && lock.locked() && next++ == i;
    }));
  }

  held.reset();

  CHECK(next == many);
  CHECK(in_order);
  CHECK_FALSE(lock.locked());
}

TEST_CASE("who comes in a callback stands behind those that wait") {
  Semaphore semaphore(1);
  std::optional<Permit> held = semaphore.try_acquire();
  std::string order;
  std::vector<Deferred<void>> waits;
  const auto wait = [&](char who) {
    waits.push_back(to_deferred(semaphore.acquire()).add_callback([&order, who](const Permit&) {
      order += who;
    }));
  };
  waits.push_back(to_deferred(semaphore.acquire()).add_callback([&](Permit permit) {
    order += 'a';
    permit.release();  // one that waits is given it when this returns
    CHECK_FALSE(semaphore.try_acquire());
    wait('c');
  }));
  wait('b');

  held.reset();

  CHECK(order == "abc");
  CHECK(semaphore.available() == 1);
}

TEST_CASE("a Semaphore may end in the callback of one who has waited for it") {
  Unhandled unhandled;
  std::optional<Semaphore> semaphore(std::in_place, 1);
  std::optional<Permit> held = semaphore->try_acquire();
  std::vector<Deferred<void>> waits;
  waits.push_back(to_deferred(semaphore->acquire()).add_callback([&](const Permit& permit) {
    semaphore.reset();
    CHECK(permit.held());
  }));
  waits.push_back(to_deferred(semaphore->acquire()).add_callback([](const Permit&) {}));

  held.reset();

  CHECK(waits[0].has_result());
  CHECK(std::move(waits[1]).result().check<AbandonedError>());
}

TEST_CASE("a permit that is given back while its Semaphore ends does no harm") {
  std::optional<Semaphore> semaphore(std::in_place, 1);
  std::optional<Permit> held = semaphore->try_acquire();
  std::vector<Deferred<Permit>> waits;
  for (int i = 0; i < 2; ++i) {
    waits.push_back(to_deferred(semaphore->acquire()).add_errback([&](const AbandonedError&) {
      held.reset();
      return Permit();
    }));
  }

  semaphore.reset();

  for (Deferred<Permit>& each : waits) CHECK_FALSE(std::move(each).result().value().held());
}

TEST_CASE("set() wakes those that wait at that moment, and not those that come in a callback") {
  Event event;
  int woken = 0;
  std::vector<Deferred<void>> waits;
  waits.push_back(to_deferred(event).add_callback([&] {
    ++woken;
    event.clear();
    waits.push_back(to_deferred(event).add_callback([&] { woken += 100; }));
  }));
  waits.push_back(to_deferred(event).add_callback([&] { ++woken; }));
  waits.reserve(3);

  event.set();
  CHECK(woken == 2);
  event.set();
  CHECK(woken == 102);
}

TEST_CASE("an Event may end in the callback of one who has waited for it") {
  std::optional<Event> event(std::in_place);
  int woken = 0;
  Deferred<void> one = to_deferred(*event).add_callback([&] {
    ++woken;
    event.reset();
  });
  Deferred<void> other = to_deferred(*event).add_callback([&] { ++woken; });

  event->set();

  CHECK(woken == 2);
}

TEST_CASE("a channel may end in the callback of whoever is answered") {
  using Items = std::vector<std::string>;
  const auto end_in = [](std::size_t capacity, bool sender_ends, auto act) {
    std::optional<Channel<std::string>> channel(std::in_place, capacity);
    std::string items[] = {"1", "2", "3", "4"};
    for (std::size_t i = 0; i < capacity; ++i) CHECK(channel->try_send(std::move(items[i])));
    Deferred<void> sends = to_deferred(channel->send(std::move(items[2]))).add_callback([&] {
      if (sender_ends) channel.reset();
    });
    act(channel, sender_ends);
    CHECK(sends.has_result());
    CHECK(channel.has_value() == false);
  };
  for (const std::size_t capacity : {0U, 1U}) {
    for (const bool sender_ends : {true, false}) {
      CAPTURE(capacity);
      CAPTURE(sender_ends);
      end_in(capacity, sender_ends, [](auto& channel, bool other_ends) {
        Items got;
        Deferred<void> receives =
            to_deferred(channel->receive()).add_callback([&](std::optional<std::string> item) {
              got.push_back(*item);
              if (!other_ends) channel.reset();
            });
        CHECK(receives.has_result());
        CHECK(got.size() == 1);
      });
    }
  }
}

TEST_CASE("a channel may end in a callback of its close(), and those behind are told") {
  std::optional<Channel<int>> channel(std::in_place, 0);
  int told = 0;
  std::vector<Deferred<void>> waits;
  for (int i = 0; i < 3; ++i) {
    waits.push_back(
        to_deferred(channel->receive()).add_callback([&](const std::optional<int>& item) {
          CHECK_FALSE(item);
          ++told;
          channel.reset();
        }));
  }
  channel->close();
  CHECK(told == 3);

  channel.emplace(0);
  int item = 1;
  told = 0;
  for (int i = 0; i < 3; ++i) {
    waits.push_back(
        to_deferred(channel->send(std::move(item))).add_errback([&](const ChannelClosedError&) {
          ++told;
          channel.reset();
        }));
  }
  channel->close();
  CHECK(told == 3);
}

TEST_CASE("items that a callback sends go to those that wait, in a long row") {
  Channel<int> channel(0);
  int got = 0;
  std::vector<Deferred<void>> waits;
  for (int i = 0; i < many; ++i) {
    waits.push_back(
        to_deferred(channel.receive()).add_callback([&](const std::optional<int>& item) {
          got += *item;
          channel.try_send(1);
        }));
  }

  CHECK(channel.try_send(1));

  CHECK(got == many);
}

/// Receivers, senders and what they got, while the items of a thread are handed out.
struct HandOut : Loop {
  void receive(std::string who) {
    waits.push_back(to_deferred(reactor, channel.receive())
                        .add_callback([this, who](const std::optional<int>& item) {
                          got += who + std::to_string(item.value_or(0)) + ' ';
                          if (who == "a") in_first();
                        }));
  }
  void send(int& item) { waits.push_back(to_deferred(reactor, channel.send(std::move(item)))); }
  void hand_out(int items) {
    const auto sender = channel.remote_sender(reactor);
    for (int i = 1; i <= items; ++i) CHECK(sender.try_send(std::move(i)));
    settle();
  }

  Channel<int> channel{3};
  std::vector<Deferred<void>> waits;
  std::string got;
  std::function<void()> in_first;
};

TEST_CASE_FIXTURE(HandOut,
                  "who comes while the items of a thread are handed out stands behind those that "
                  "wait, and has the items in their order") {
  int items[] = {4, 5, 6};
  for (const char* who : {"a", "b", "c"}) receive(who);
  in_first = [&] {
    for (int& item : items) send(item);
    receive("d");
    CHECK_FALSE(channel.try_receive());
    receive("e");
  };

  hand_out(3);

  CHECK(got == "a1 b2 c3 d4 e5 ");
  CHECK(channel.try_receive() == 6);
}

TEST_CASE_FIXTURE(HandOut, "try_receive takes nothing from those to whom items are handed out") {
  receive("a");
  receive("b");
  in_first = [&] { CHECK_FALSE(channel.try_receive()); };

  hand_out(3);

  CHECK(got == "a1 b2 ");
  CHECK(channel.try_receive() == 3);
}

TEST_CASE_FIXTURE(HandOut, "who comes while a channel that closes hands out is told, too") {
  receive("a");
  receive("b");
  in_first = [&] {
    receive("c");
    receive("d");
  };
  const auto sender = channel.remote_sender(reactor);
  for (int i = 1; i <= 3; ++i) CHECK(sender.try_send(std::move(i)));

  channel.close();

  CHECK(got == "a1 b2 c3 d0 ");
  settle();
}

TEST_CASE_FIXTURE(Loop, "a send that its receiver's callback makes lose a race has sent its item") {
  Channel<std::string> channel(0);
  Event event;
  std::string item = "item";
  std::string got;
  const Deferred<void> receives =
      to_deferred(reactor, channel.receive()).add_callback([&](std::optional<std::string> sent) {
        got = *sent;
        event.set();
      });
  const auto send = [&]() -> Task<std::size_t> {
    const auto won = co_await race(event, channel.send(std::move(item)));
    co_return won.index();
  };
  CHECK(outcome_of(send).value() == 0);
  CHECK(got == "item");
  CHECK(item.empty());
}

TEST_CASE("a receive that is cancelled as a Deferred takes nothing") {
  Channel<int> channel(1);
  Deferred<std::optional<int>> cut = to_deferred(channel.receive());
  Deferred<std::optional<int>> left = to_deferred(channel.receive());

  cut.cancel();
  CHECK(channel.try_send(1));

  CHECK(std::move(cut).result().check<Cancelled>());
  CHECK(std::move(left).result().value() == 1);
}

}  // namespace
