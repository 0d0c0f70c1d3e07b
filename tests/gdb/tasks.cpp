// SPDX-License-Identifier: MIT
//
// tasks FILE: makes more than 10,000 tasks, among them one for each thing that is said of a task,
// and writes to FILE what dump_tasks() says. Then it ends in abort().
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"
#include "reactors/virtual_time.hpp"

using namespace deferred;
using namespace std::chrono_literals;

namespace {

std::vector<Waiter<void>> unanswered;

template <class T>
struct Never {
  void yield_to(Waiter<void> waiter) const { unanswered.push_back(std::move(waiter)); }
};

struct LostError : std::runtime_error {
  using runtime_error::runtime_error;
};
struct Numbered {
  long number = 7;
};
struct NumberedError : Numbered, std::logic_error {
  using logic_error::logic_error;
};

Task<> ask() { co_await Never<std::vector<std::string>>{}; }
Task<> handle(int number) {
  if (number % 2 == 0) co_await ask();
  co_await Never<int>{};
}
Task<> serve(int number) { co_await handle(number); }

Task<> call_deep(int depth) {
  if (depth > 0) co_return co_await call_deep(depth - 1);
  co_await Pause{1h};
}

Task<> fail_nested() {
  try {
    throw std::logic_error("inner");
  } catch (...) {
    std::throw_with_nested(std::runtime_error("outer text"));
  }
  co_return;
}

Task<> shielded() { co_await shield(ask()); }
Task<> in_a_cut_scope() {
  CancelScope scope;
  scope.cancel();
  co_await scope.run(shielded());
}

Task<> race_two() { co_await race(Never<int>{}, Never<std::string>{}); }

Task<> have_children() {
  co_await with_nursery([](Nursery& nursery) -> Task<> {
    nursery.spawn(race_two()).named("racing child");
    nursery.spawn([]() -> Task<> {
      co_await with_nursery([](Nursery& inner) -> Task<> {
        inner.spawn(ask()).named("grandchild");
        co_await Never<char>{};
      });
    });
    co_return;
  });
}

template <class E>
Task<> fail(E error) {
  throw error;
  co_return;
}

void write(std::FILE* file, const Reactor& reactor) {
  const std::size_t count = reactor.tasks().size();
  std::fprintf(file, "reactor %p\n%s%zu task%s\n", static_cast<const void*>(&reactor),
               reactor.dump_tasks().c_str(), count, count == 1 ? "" : "s");
}

Task<> write_and_abort(const Reactor& first, const Reactor& second, const char* path) {
  std::FILE* const file = std::fopen(path, "w");
  if (!file) std::abort();
  const Spawned<void> fresh = spawn(ask()).named("fresh");
  write(file, first);
  write(file, second);
  std::fclose(file);
  std::abort();
  co_return;
}

}  // namespace

int main(int, char** arguments) {
  reactors::VirtualTime time;
  Reactor reactor{time};
  reactors::VirtualTime other_time;
  Reactor other{other_time};
  auto [promise, result] = make_deferred<int>();
  Deferred<int> unfired = std::move(result);
  for (int number = 0; number < 10'000; ++number) {
    Spawned<void> spawned = spawn(reactor, serve(number));
    if (number % 3 == 0) spawned.task().set_name("client " + std::to_string(number));
    std::move(spawned).detach();
  }
  Spawned<void> deep = spawn(reactor, call_deep(80)).named("deep");
  Spawned<void> parent = spawn(reactor, have_children()).named("parent");
  Spawned<void> failed = spawn(reactor, fail(LostError("the way")));
  Spawned<void> also_failed = spawn(reactor, fail(TimeoutError("too late"))).named("slow one");
  Spawned<void> of_two = spawn(reactor, fail(NumberedError("after a number"))).named("numbered");
  Spawned<void> nested = spawn(reactor, fail_nested()).named("nested");
  Deferred<void> alone = to_deferred(reactor, Pause{1h});
  auto racing = to_deferred(reactor, race(Never<int>{}, Never<char>{}));
  Spawned<void> named = spawn(reactor, ask()).named("a name that is too long to stand in a string");
  Spawned<void> awaits =
      spawn(reactor, [&unfired]() -> Task<> { co_await std::move(unfired); }).named("awaits");
  Spawned<void> others = spawn(other, ask()).named("the other reactor's");
  std::optional<Nursery> loose(std::in_place, reactor);
  loose->spawn(ask()).named("in a nursery on no stack");
  other_time.advance();
  time.advance();

  Spawned<void> paused = spawn(reactor, ask()).named("paused");
  Spawned<void> held = spawn(reactor, shielded()).named("cancelled, shielded and paused");
  Spawned<void> cut = spawn(reactor, in_a_cut_scope()).named("in a cut scope, and paused");
  time.advance();
  paused.task().pause();
  held.task().cancel();
  held.task().pause();
  cut.task().pause();
  Spawned<void> ready = spawn(reactor, ask()).named("ready");
  time.advance();
  spawn(reactor, write_and_abort(reactor, other, arguments[1])).named("writer").detach();
  unanswered.back().resume();
  time.advance();
}
