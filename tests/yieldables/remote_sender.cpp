// SPDX-License-Identifier: MIT
//
// RemoteSender: threads that fill a channel. Runs under ThreadSanitizer too.
#include "deferred/yieldables/remote_sender.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/yieldables/channel.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

using Sent = std::pair<int, int>;  // who, and which of his

/// Threads that are joined at the end.
struct Threads {
  template <class F>
  void begin(F f) {
    all.emplace_back(std::move(f));
  }
  void join() {
    for (std::thread& each : all) each.join();
    all.clear();
  }
  ~Threads() { join(); }
  std::vector<std::thread> all;
};

TEST_CASE_FIXTURE(OnPoll,
                  "what threads send arrives, of each in its order, however small the "
                  "channel is") {
  constexpr int senders = 4;
  constexpr int each = 2'000;
  for (const std::size_t capacity : {1U, 16U}) {
    Channel<Sent> channel(capacity);
    Threads threads;
    for (int who = 0; who < senders; ++who) {
      threads.begin([who, sender = channel.remote_sender(reactor)] {
        for (int i = 0; i < each; ++i) {
          if (!sender.send({who, i})) std::abort();
        }
      });
    }
    const auto receive = [&]() -> Task<bool> {
      int next[senders] = {};
      bool in_order = true;
      for (int i = 0; i < senders * each; ++i) {
        const std::optional<Sent> item = co_await channel.receive();
        in_order = in_order && item->second == next[item->first]++;
      }
      co_return in_order;
    };

    CHECK(reactor.run_until(receive()));
    CHECK(channel.size() == 0);
  }
}

TEST_CASE_FIXTURE(OnPoll, "a thread that only tries keeps what is refused, and nothing is lost") {
  constexpr int items = 5'000;
  Channel<std::unique_ptr<int>> channel(8);
  Threads threads;
  threads.begin([sender = channel.remote_sender(reactor)] {
    for (int i = 0; i < items; ++i) {
      auto item = std::make_unique<int>(i);
      while (!sender.try_send(std::move(item))) {
        if (!item) std::abort();  // refused, and taken all the same
        std::this_thread::yield();
      }
    }
  });
  const auto receive = [&]() -> Task<bool> {
    bool in_order = true;
    for (int i = 0; i < items; ++i) {
      const auto item = co_await channel.receive();
      in_order = in_order && **item == i;
      if (channel.size() > 8) in_order = false;
    }
    co_return in_order;
  };
  CHECK(reactor.run_until(receive()));
}

TEST_CASE_FIXTURE(Loop, "a thread has no more on its way than there is room for") {
  Channel<std::string> channel(3);
  std::string left = "four";
  std::thread([&, sender = channel.remote_sender(reactor)] {
    CHECK(sender.try_send("one"));
    CHECK(sender.try_send("two"));
    CHECK(sender.try_send("three"));
    CHECK_FALSE(sender.try_send(std::move(left)));
  }).join();
  CHECK(left == "four");
  CHECK(channel.size() == 0);
  settle();
  CHECK(channel.size() == 3);

  CHECK(channel.try_receive() == "one");
  std::thread([&, sender = channel.remote_sender(reactor)] {
    CHECK(sender.try_send(std::move(left)));
    CHECK_FALSE(sender.try_send("five"));
  }).join();
  settle();
  CHECK(channel.try_receive() == "two");
  CHECK(channel.try_receive() == "three");
  CHECK(channel.try_receive() == "four");
}

TEST_CASE_FIXTURE(Loop,
                  "tasks and threads share the capacity, and tasks that wait have room first") {
  Channel<int> channel(2);
  CHECK(channel.try_send(1));
  const auto sender = channel.remote_sender(reactor);
  std::thread([&] {
    CHECK(sender.try_send(2));
    CHECK_FALSE(sender.try_send(9));
  }).join();
  CHECK_FALSE(channel.try_send(9));
  int three = 3;
  auto sends = spawn(reactor, [&]() -> Task<> { co_await channel.send(std::move(three)); });
  settle();
  CHECK_FALSE(sends.done());

  CHECK(channel.try_receive() == 1);
  settle();
  CHECK(sends.done());
  std::thread([&] { CHECK_FALSE(sender.try_send(9)); }).join();
  CHECK(channel.try_receive() == 2);
  std::thread([&] { CHECK(sender.try_send(4)); }).join();
  CHECK_FALSE(channel.try_send(9));
  settle();
  CHECK(channel.try_receive() == 3);
  CHECK(channel.try_receive() == 4);
  CHECK(channel.try_send(5));
}

TEST_CASE("what comes together wakes the reactor once") {
  Unhandled unhandled;
  Counting backend;
  Reactor reactor(backend);
  Channel<int> channel(100);
  const auto sender = channel.remote_sender(reactor);
  const int before = backend.wakes;

  std::thread([&] {
    for (int i = 0; i < 100; ++i) CHECK(sender.try_send(std::move(i)));
  }).join();

  CHECK(backend.wakes - before == 1);
  backend.run_once(false);
  CHECK(channel.size() == 100);
}

TEST_CASE_FIXTURE(OnPoll, "an item of a thread goes to those that wait, in their order") {
  Channel<int> channel(4);
  const auto sender = channel.remote_sender(reactor);
  std::vector<int> got;
  const auto take = [&](int who) -> Task<> {
    const std::optional<int> item = co_await channel.receive();
    got.push_back(who * 10 + *item);
  };
  for (int who = 1; who <= 3; ++who) spawn(reactor, take, who);
  turn();
  std::thread([&] {
    for (int i = 1; i <= 4; ++i) CHECK(sender.send(i));
  }).join();

  turn();
  turn();

  CHECK(got == std::vector<int>{11, 22, 33});
  CHECK(channel.size() == 1);
}

TEST_CASE_FIXTURE(Loop,
                  "a channel that is closed tells the threads, and gives what was on its way") {
  std::optional<Channel<int>> channel(std::in_place, 2);
  const auto sender = channel->remote_sender(reactor);
  std::thread([&] { CHECK(sender.send(1)); }).join();
  std::thread([&] { CHECK(sender.send(2)); }).join();
  std::atomic<bool> blocked_sent = true;
  std::thread blocked([&] { blocked_sent = sender.send(3); });

  channel->close();

  blocked.join();
  CHECK_FALSE(blocked_sent);
  std::thread([&] { CHECK_FALSE(sender.try_send(4)); }).join();
  CHECK(channel->try_receive() == 1);
  CHECK(channel->try_receive() == 2);
  CHECK_FALSE(channel->try_receive());
  settle();
}

TEST_CASE_FIXTURE(Loop,
                  "receivers that wait when a channel is closed get what was on its way first") {
  Channel<int> channel(2);
  const auto sender = channel.remote_sender(reactor);
  const auto take = [&]() -> Task<int> {
    const std::optional<int> item = co_await channel.receive();
    co_return item.value_or(0);
  };
  auto one = spawn(reactor, take);
  auto other = spawn(reactor, take);
  settle();
  std::thread([&] { CHECK(sender.send(1)); }).join();

  channel.close();
  CHECK(sender.is_closed());
  settle();

  CHECK(outcome_of(std::move(one)).value() == 1);
  CHECK(outcome_of(std::move(other)).value() == 0);
}

TEST_CASE_FIXTURE(Loop, "threads are told when the channel is gone") {
  std::optional<Channel<int>> channel(std::in_place, 1);
  const auto sender = channel->remote_sender(reactor);
  CHECK(channel->try_send(1));
  CHECK_FALSE(sender.is_closed());
  std::atomic<bool> blocked_sent = true;
  std::thread blocked([&] { blocked_sent = sender.send(2); });

  channel.reset();

  blocked.join();
  CHECK_FALSE(blocked_sent);
  CHECK(sender.is_closed());
  std::thread([&] { CHECK_FALSE(sender.send(3)); }).join();
  settle();
}

TEST_CASE("threads are told when the reactor is gone") {
  std::optional<Loop> loop(std::in_place);
  Channel<int> channel(2);
  const auto sender = channel.remote_sender(loop->reactor);
  std::thread([&] { CHECK(sender.send(1)); }).join();
  loop->settle();
  std::thread([&] { CHECK(sender.send(2)); }).join();
  std::atomic<bool> blocked_sent = true;
  std::thread blocked([&] { blocked_sent = sender.send(3); });

  loop.reset();

  blocked.join();
  CHECK_FALSE(blocked_sent);
  std::thread([&] {
    CHECK(sender.is_closed());
    CHECK_FALSE(sender.send(3));
    CHECK_FALSE(sender.try_send(3));
  }).join();
  CHECK(channel.try_receive() == 1);
}

// The main program joins its thread before it destroys its reactor.
TEST_CASE_FIXTURE(OnPoll,
                  "threads that are blocked when the reactor stops are told, at whatever "
                  "moment they come") {
  for (int i = 0; i < 200; ++i) {
    Channel<int> channel(1);
    const auto sender = channel.remote_sender(reactor);
    std::atomic<int> begun = 0;
    std::atomic<int> sent = 0;
    Threads threads;
    const auto main = [&]() -> Task<int> {
      for (int who = 0; who < 2; ++who) {
        threads.begin([&] {
          while (++begun, sender.send(1)) ++sent;
        });
      }
      for (int n = 0; n < i % 5; ++n) static_cast<void>(co_await channel.receive());
      if (i % 2 == 0) {  // both are in a send that there is no room for, and most likely blocked
        while (channel.size() == 0 || begun < sent + 2) co_await Pause{};
        for (int turns = 0; turns < 100; ++turns) co_await Pause{};
      }
      co_return 0;
    };

    CHECK(reactor.run(main()) == 0);

    threads.join();
    CHECK(sent >= i % 5);
    std::thread([&] { CHECK_FALSE(sender.send(3)); }).join();
  }
}

TEST_CASE(
    "threads that a crash() of the reactor leaves blocked are told by the end of the channel or "
    "the reactor, or by its next stop") {
  for (const int how : {0, 1, 2, 3}) {
    CAPTURE(how);
    std::optional<OnPoll> on(std::in_place);
    std::optional<Channel<int>> channel(std::in_place, 1);
    Threads threads;
    std::atomic<int> sent = 0;
    threads.begin([&, sender = channel->remote_sender(on->reactor)] {
      while (sender.send(1)) ++sent;
    });
    const auto crash = [&]() -> Task<int> {
      while (channel->size() == 0) co_await Pause{};
      for (int turns = 0; turns < 100; ++turns) co_await Pause{};
      on->reactor.crash();
      co_return 0;
    };
    static_cast<void>(on->reactor.run(crash()));

    if (how == 0) channel->close();
    if (how == 1) channel.reset();
    if (how == 2) on.reset();
    if (how == 3) CHECK(on->reactor.run([]() -> Task<int> { co_return 0; }()) == 0);

    threads.join();
    CHECK(sent == 1);
  }
}

TEST_CASE_FIXTURE(OnPoll, "threads send again when the reactor runs again") {
  Channel<int> channel(1);
  const auto sender = channel.remote_sender(reactor);
  for (int i = 1; i <= 3; ++i) {
    std::thread thread;
    const auto main = [&]() -> Task<int> {
      thread = std::thread([&] { CHECK(sender.send(5)); });
      const std::optional<int> item = co_await channel.receive();
      co_return item.value_or(0);
    };
    CHECK(reactor.run(main()) == 5);
    thread.join();
    std::thread([&] { CHECK_FALSE(sender.try_send(3)); }).join();
  }
}

TEST_CASE_FIXTURE(Loop, "the reactor's own thread does not wait for itself") {
  Channel<int> channel(1);
  const auto sender = channel.remote_sender(reactor);
  CHECK(sender.send(1));
  CHECK_THROWS_AS(sender.send(2), ReactorStateError);
  int item = 2;
  CHECK_FALSE(sender.try_send(std::move(item)));
  settle();
  CHECK(channel.try_receive() == 1);
}

TEST_CASE_FIXTURE(Loop, "a channel without capacity has no remote sender") {
  Channel<int> channel(0);
  CHECK_THROWS_AS(static_cast<void>(channel.remote_sender(reactor)), std::invalid_argument);
}

TEST_CASE_FIXTURE(Loop, "a sender that outlives channel and reactor does no harm") {
  std::optional<RemoteSender<int>> sender;
  {
    Loop other;
    Channel<int> channel(1);
    sender = channel.remote_sender(other.reactor);
    CHECK(sender->try_send(1));
  }
  CHECK_FALSE(sender->send(2));
}

TEST_CASE_FIXTURE(OnPoll,
                  "while a thread can send, a reactor that waits does not say that it is stuck") {
  Channel<int> channel(1);
  std::thread thread;
  const auto receive = [&]() -> Task<int> {
    std::optional<int> item = co_await channel.receive();
    co_return item.value_or(0);
  };
  auto spawned = spawn(reactor, receive());
  turn();
  thread = std::thread([sender = channel.remote_sender(reactor)] { sender.send(7); });
  CHECK(reactor.run_until(std::move(spawned)) == 7);
  thread.join();
}

}  // namespace
