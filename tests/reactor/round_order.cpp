// SPDX-License-Identifier: MIT
// What is ready in one round, in an order that somebody else says.
#include "deferred/reactor/round_order.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "deferred/reactor/tracer.hpp"
#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// The last of those that are left, each time: of a, b, c and d that is d, a, b, c.
class LastFirst final : public RoundOrder {
 public:
  explicit LastFirst(std::vector<std::size_t>* asked = nullptr) : asked_(asked) {}
  std::size_t choose(std::size_t count) noexcept override {
    if (asked_) asked_->push_back(count);
    return count - 1;
  }

 private:
  std::vector<std::size_t>* asked_;
};

class FirstFirst final : public RoundOrder {
  std::size_t choose(std::size_t) noexcept override { return 0; }
};

struct Ordered : Loop {
  Ordered() { reactor.order_rounds(std::make_unique<LastFirst>()); }
  /// A task that writes its letter when it goes on.
  void spawn_letter(char letter) {
    spawn(reactor, [this, letter]() -> Task<> {
      log += letter;
      co_return;
    }).detach();
  }
  void spawn_letters(const std::string& letters) {
    for (const char letter : letters) spawn_letter(letter);
  }
  /// Tasks that wait for the Event, in this order, and then write their letters.
  void wait_in_line(Event& event, const std::string& letters) {
    reactor.order_rounds(nullptr);
    for (const char letter : letters) {
      spawn(reactor, [this, &event, letter]() -> Task<> {
        co_await event;
        log += letter;
      }).detach();
    }
    turn();
    reactor.order_rounds(std::make_unique<LastFirst>());
  }
  void turn() { time.run_once(false); }

  std::string log;
};

}  // namespace

TEST_CASE_FIXTURE(Ordered, "a RoundOrder says in which order the tasks of a round run") {
  spawn_letters("abcd");

  turn();

  CHECK(log == "dabc");
}

TEST_CASE_FIXTURE(Ordered, "a RoundOrder chooses among all that are left, as long as two are") {
  std::vector<std::size_t> asked;
  reactor.order_rounds(std::make_unique<LastFirst>(&asked));
  spawn_letters("abcd");

  turn();
  spawn_letter('e');
  turn();

  CHECK(asked == std::vector<std::size_t>{4, 3, 2});
}

TEST_CASE_FIXTURE(Ordered, "a round is as it stood if the oldest is chosen each time") {
  reactor.order_rounds(std::make_unique<FirstFirst>());
  spawn_letters("abcd");

  turn();

  CHECK(log == "abcd");
}

TEST_CASE_FIXTURE(Ordered, "posts keep their order among themselves, and tasks go between them") {
  for (const char letter : {'1', '2', '3'}) {
    reactor.post([this, letter] { log += letter; });
  }
  spawn_letters("ab");  // in front of the posts, for they are of the next turn: ab123

  turn();

  CHECK(log == "1ab23");
}

TEST_CASE_FIXTURE(Ordered, "timers of one deadline and calls of threads keep their order") {
  std::vector<DelayedCall> timers;
  for (const char letter : {'1', '2', '3'}) {
    timers.push_back(reactor.call_later(0s, [this, letter] { log += letter; }));
  }
  for (const char letter : {'4', '5', '6'}) {
    reactor.call_from_thread([this, letter] { log += letter; });
  }

  turn();

  CHECK(log == "456123");
}

TEST_CASE_FIXTURE(Ordered, "who waits for a timer, an Event or the next turn has the same right") {
  Event event;
  const auto writes = [this](char letter, auto& waits_for) -> Task<> {
    co_await waits_for;
    log += letter;
  };
  const Pause turn_of_all, timer(1ms);
  spawn(reactor, writes('e', event)).detach();
  spawn(reactor, writes('t', timer)).detach();
  turn();
  spawn(reactor, writes('p', turn_of_all)).detach();
  turn();
  reactor.call_later(1ms, [&] { event.set(); }).detach();

  time.advance(1ms);

  CHECK(log == "pet");
}

TEST_CASE_FIXTURE(Ordered, "joins give what they wait for, whichever comes first") {
  const auto body = []() -> Task<int> {
    const auto number = [](int n) -> Task<int> {
      co_await Pause{};
      co_return n;
    };
    auto [a, b, c] = co_await all(number(1), number(20), number(300));
    co_await all(Pause{}, Pause{}, Pause{});
    co_return a + b + c;
  };

  CHECK(outcome_of(body).value() == 321);
}

TEST_CASE_FIXTURE(Ordered, "what becomes ready in a round is of the next one") {
  Event first, second;
  wait_in_line(second, "abc");
  wait_in_line(first, "def");
  spawn_letters("xy");
  spawn(reactor, [this, &first]() -> Task<> {
    log += 's';
    reactor.post([this] { log += '-'; });
    first.set();
    co_return;
  }).detach();
  spawn(reactor, [&]() -> Task<> {
    co_await first;
    log += 't';
    second.set();
  }).detach();

  turn();

  CHECK(log == "xyst-defcab");
}

TEST_CASE_FIXTURE(Ordered, "a turn runs what stood ready and 256 more, of rounds in an order too") {
  int calls = 0;
  std::function<void()> again = [&] {
    ++calls;
    reactor.post([&] { again(); });
  };
  for (int i = 0; i < 3; ++i) reactor.post([&] { again(); });

  turn();
  CHECK(calls == 3 + 256);
  turn();

  CHECK(calls == 2 * (3 + 256));
}

TEST_CASE_FIXTURE(Ordered, "what a turn has left over is of the next one's first round") {
  reactor.set_event_interval(2);
  Event event;
  wait_in_line(event, "abcd");
  reactor.post([&] { event.set(); });

  turn();
  CHECK(log == "da");
  turn();

  CHECK(log == "dacb");
}

TEST_CASE_FIXTURE(Ordered, "the round in which a run ends is in that order, too") {
  Event event;
  wait_in_line(event, "abc");
  const ShutdownTrigger trigger = reactor.at_shutdown(Phase::during, [&] { event.set(); });
  reactor.post([&] { reactor.stop(); });

  reactor.run();

  CHECK(log == "cab");
}

TEST_CASE_FIXTURE(Ordered, "an order that is given in a round is that of the next one") {
  const auto ends = [this](char letter) -> Task<> {
    log += letter;
    reactor.order_rounds(nullptr);
    co_await Pause{};
    log += letter;
  };
  for (const char letter : {'a', 'b', 'c'}) spawn(reactor, ends(letter)).detach();

  turn();
  CHECK(log == "cab");
  turn();

  CHECK(log == "cabcab");
}

TEST_CASE_FIXTURE(Ordered, "a reactor owns its order until it has another one, or is gone") {
  struct Owned final : RoundOrder {
    explicit Owned(std::shared_ptr<int> kept) : alive(std::move(kept)) {}
    std::size_t choose(std::size_t) noexcept override { return 0; }
    std::shared_ptr<int> alive;
  };
  const auto alive = std::make_shared<int>();
  reactor.order_rounds(std::make_unique<Owned>(alive));
  CHECK(alive.use_count() == 2);

  reactor.order_rounds(nullptr);
  CHECK(alive.use_count() == 1);
  std::make_unique<Reactor>()->order_rounds(std::make_unique<Owned>(alive));

  CHECK(alive.use_count() == 1);
}

TEST_CASE_FIXTURE(Ordered, "a Tracer is told of turns whose rounds are in an order, once each") {
  struct Counts final : Tracer {
    void turn_begins(Reactor&) noexcept override { ++begun; }
    void turn_ends(Reactor&) noexcept override { ++ended; }
    int begun = 0, ended = 0;
  } counts;
  reactor.trace(&counts);
  spawn_letters("abc");

  turn();
  reactor.order_rounds(nullptr);
  turn();
  reactor.order_rounds(std::make_unique<LastFirst>());
  reactor.trace(nullptr);
  spawn_letters("xyz");
  turn();

  CHECK(counts.begun == 2);
  CHECK(counts.ended == 2);
  CHECK(log == "cabzxy");
}

TEST_CASE("a RoundOrder that chooses what is not there ends the program, and is named") {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    struct Beyond final : RoundOrder {
      std::size_t choose(std::size_t count) noexcept override { return count; }
    };
    ::signal(SIGABRT, SIG_DFL);
    ::dup2(pipe[1], STDERR_FILENO);
    OnVirtualTime on;
    on.reactor.order_rounds(std::make_unique<Beyond>());
    for (int i = 0; i < 2; ++i) spawn(on.reactor, Pause{}).detach();
    on.turn();
    ::_exit(0);
  }
  ::close(pipe[1]);
  char said[200] = {};
  CHECK(::read(pipe[0], said, sizeof said - 1) > 0);
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);

  CHECK(WIFSIGNALED(status));
  CHECK(std::string(said).starts_with("deferred: a RoundOrder chose number 2 of 2\n"));
}
