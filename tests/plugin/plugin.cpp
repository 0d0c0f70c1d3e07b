// SPDX-License-Identifier: MIT
//
// The plug-in: all that it has to do with its host goes through plugin.hpp.
#include "tests/plugin/plugin.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/reply.hpp"
#include "deferred/yieldables/with_timeout.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using plugin::Door;
using plugin::Host;
using plugin::Question;

namespace {

class OddError : public std::runtime_error {
 public:
  OddError() : std::runtime_error("odd") {}
};

/// The plug-in's own yieldable.
struct Soon {
  explicit Soon(int value) : value(value) {}
  int value;
  auto yield_to(Waiter<int> waiter) const { return schedule(std::move(waiter), 1ms, value); }
};

class Counter final : public plugin::Plugin {
 public:
  explicit Counter(Host& host)
      : answers_(host.reactor.registry().when_type<Question>(
            [](const Question& asked, Waiter<int> waiter) { waiter.resume(asked.number + 1); })),
        jam_(host.reactor.registry().when_object(
            host.jammed, [](Door&, Waiter<int> waiter) { waiter.throw_(OddError()); })) {}

  Task<int> count(int number) override {
    co_await Pause{1ms};
    number += co_await Soon{1};
    auto one = []() -> Task<int> { co_return 1; };
    auto child = spawn(one);
    number += co_await std::move(child);
    Reply<int> reply;
    reply.send()(1);
    number += co_await reply;
    auto in_pool = [] { return 1; };
    number += co_await in_thread(pool_, in_pool);
    Value question{Question{number}};
    Value answer = co_await std::move(question);
    co_return answer.as<int>();
  }
  Deferred<int> count_later(int number) override {
    const int more = co_await count(number);
    co_return more;
  }
  void tally(Reactor& reactor) override { ++reactor.service<plugin::Tally>().uses; }
  Task<int> twice(Deferred<int> number) override {
    const int once = co_await std::move(number);
    co_return 2 * once;
  }
  Task<> run_out_of_time() override {
    auto [promise, never] = make_deferred<int>();
    co_await with_timeout(1ms, std::move(never));
  }
  Task<> refuse() override {
    co_await Pause{};
    throw plugin::Refused("not today");
  }
  Task<> fail() override {
    co_await Pause{};
    throw OddError();
  }
  Deferred<int> fail_in_callback() override {
    return succeed(1).add_callback([](int) -> int { throw OddError(); });
  }
  bool knows(const Failure& failure) const override { return failure.check<OddError>() != nullptr; }
  void raise_made() const override {
    try {
      Failure(OddError()).raise();
    } catch (const OddError&) {
    }
  }
  void raise_caught() const override {
    try {
      throw OddError();
    } catch (...) {
      const Failure caught = Failure::current();
      try {
        caught.raise();
      } catch (const OddError&) {
      }
    }
  }

 private:
  Registration answers_, jam_;
  ThreadPool pool_{1};  // its end waits for the thread, which has code of the plug-in
};

}  // namespace

extern "C" [[gnu::visibility("default")]] plugin::Plugin* make_plugin(Host& host) {
  return new Counter(host);
}
