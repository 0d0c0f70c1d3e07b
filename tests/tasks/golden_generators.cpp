// SPDX-License-Identifier: MIT
//
// The transcripts of the texts that this library unites: a coroutine that is sent values, the
// generators of "An Introduction to Asynchronous Programming", an asynchronous generator's times.
#include <doctest/doctest.h>

#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/tasks/async_generator.hpp"
#include "deferred/tasks/generator.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

// "Is there a way to resume a coroutine from where it left off, and send in a new value?"
TEST_CASE("a coroutine is resumed from where it left off, with a value that is sent in") {
  const auto ping_pong = []() -> Generator<std::string, std::string> {
    std::string pong = "ready";
    for (;;) {
      const std::string ping = co_yield pong;
      pong = "pong to " + ping;
    }
  };
  auto coroutine = ping_pong();

  CHECK(coroutine.next() == "ready");
  CHECK(coroutine.send("ping 1") == "pong to ping 1");
  CHECK(coroutine.send("ping 2") == "pong to ping 2");
}

// The awaitable with three yields, and what its driver sends.
TEST_CASE("yields inside nested generators are a tunnel to the outermost driver") {
  std::ostringstream seen;
  const auto awaitable = [&]() -> Generator<int, std::string, int> {
    for (int i = 1; i <= 3; ++i) {
      const std::string sent = co_yield i;
      seen << i << " got " << sent << '\n';
    }
    co_return 42;
  };
  const auto coroutine = [&]() -> Generator<int, std::string, int> {
    const int value = co_yield elements_of(awaitable());
    seen << "value " << value << '\n';
    co_return value;
  };
  auto driven = coroutine();

  CHECK(driven.next() == 1);
  CHECK(driven.send("one") == 2);
  CHECK(driven.send("two") == 3);
  CHECK(driven.send("three") == std::nullopt);

  CHECK(driven.result() == 42);
  CHECK(seen.str() == "1 got one\n2 got two\n3 got three\nvalue 42\n");
}

// The generator that is sent 10 and 20, and then a Malfunction.
TEST_CASE("a generator is sent values and an error, which it catches, and runs to its end") {
  struct Malfunction : std::runtime_error {
    Malfunction() : std::runtime_error("malfunction") {}
  };
  std::ostringstream seen;
  const auto my_generator = [&]() -> Generator<int, std::optional<int>> {
    seen << "starting up\n";
    const auto ten = co_yield 1;
    seen << "got " << *ten << '\n';
    const auto twenty = co_yield 2;
    seen << "got " << *twenty << '\n';
    try {
      co_yield 3;
    } catch (const Malfunction&) {
      seen << "caught\n";
    }
  };
  auto generator = my_generator();

  seen << *generator.next() << '\n';
  seen << *generator.send(10) << '\n';
  seen << *generator.send(20) << '\n';
  CHECK(generator.throw_(Malfunction()) == std::nullopt);

  CHECK(seen.str() == "starting up\n1\ngot 10\n2\ngot 20\n3\ncaught\n");
}

// Its exact output: "hello hello hello", four steps of a tenth; then "world", two tenths later.
TEST_CASE_FIXTURE(Loop,
                  "an asynchronous generator is sent values and an error, at its exact times") {
  struct ZeroDivisionError : std::runtime_error {
    ZeroDivisionError() : std::runtime_error("division by zero") {}
  };
  std::ostringstream seen;
  const auto gen = [&]() -> AsyncGenerator<std::string, std::optional<std::string>> {
    try {
      for (;;) {
        co_await Pause{100ms};
        const std::optional<std::string> value = co_yield "hello";
        seen << "got: " << value.value_or("None") << '\n';
      }
    } catch (const ZeroDivisionError&) {  // in which nothing can be awaited
    }
    co_await Pause{200ms};
    co_yield "world";
  };
  std::vector<Duration> times;

  outcome_of([&]() -> Task<> {
    auto g = gen();
    auto v = co_await g.next();
    times.push_back(now());
    v = co_await g.send("something");
    times.push_back(now());
    const auto b = co_await g.next();
    times.push_back(now());
    const auto c = co_await g.next();
    times.push_back(now());
    seen << *v << ' ' << *b << ' ' << *c << '\n';
    v = co_await g.throw_(ZeroDivisionError());
    times.push_back(now());
    seen << *v << '\n';
  }).value();

  CHECK(seen.str() == "got: something\ngot: None\ngot: None\nhello hello hello\nworld\n");
  CHECK(times == std::vector<Duration>{100ms, 200ms, 300ms, 400ms, 600ms});
}

}  // namespace
