// SPDX-License-Identifier: MIT
//
// A program and a plug-in that it loads, unloads and loads again. Built in each way that
// docs/building.md knows: PLUGIN is the file, FIRST and OTHER are built of asker.cpp, and UNLOADS
// says whether the compiler lets glibc unload them.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "tests/plugin/asker.hpp"
#include "tests/plugin/plugin.hpp"

using namespace deferred;
using plugin::Door;
using plugin::Host;
using plugin::Plugin;
using plugin::Question;

namespace {

/// The plug-in, as long as it is loaded.
class Loaded {
 public:
  explicit Loaded(Host& host) : library_(::dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL)) {
    if (!library_) throw std::runtime_error(::dlerror());
    const auto make = reinterpret_cast<MakePlugin*>(::dlsym(library_, "make_plugin"));
    plugin_.reset(make(host));
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  ~Loaded() {
    plugin_.reset();
    ::dlclose(library_);
  }

  Plugin* operator->() const { return plugin_.get(); }

 private:
  void* library_;
  std::unique_ptr<Plugin> plugin_;
};

bool is_loaded() {
  void* const library = ::dlopen(PLUGIN, RTLD_NOW | RTLD_NOLOAD);
  if (library) ::dlclose(library);
  return library != nullptr;
}

/// What the task of asker.cpp gives, in a plug-in that is loaded for it alone.
int answer_of(const char* file, Reactor& reactor) {
  void* const library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(::dlerror());
  Task<int> task;
  reinterpret_cast<Ask*>(::dlsym(library, "ask"))(task);
  const int answer = reactor.run_until(std::move(task));
  ::dlclose(library);
  return answer;
}

struct World {
  Reactor reactor;
  Host host{reactor, Door()};

  Task<int> ask(int number) {
    Value question{Question{number}};
    Value answer = co_await std::move(question);
    co_return answer.as<int>();
  }
  Task<int> open(Door& door) { co_return co_await door; }
};

TEST_CASE_FIXTURE(World, "the host awaits what the handlers of a plug-in answer, by type") {
  const Loaded plugin(host);

  CHECK(reactor.run_until(ask(41)) == 42);
}

TEST_CASE_FIXTURE(World, "a plug-in's handler for one object leaves the others alone") {
  const Loaded plugin(host);
  Door other;

  CHECK(reactor.run_until(open(other)) == 1);
  CHECK_THROWS_WITH_AS(reactor.run_until(open(host.jammed)), "odd", std::runtime_error);
}

TEST_CASE_FIXTURE(World, "a plug-in's task awaits all that a host's task does") {
  const Loaded plugin(host);

  CHECK(reactor.run_until(plugin->count(1)) == 6);
}

TEST_CASE_FIXTURE(World, "a plug-in's Deferred coroutine finds the running reactor") {
  const Loaded plugin(host);
  auto later = [&]() -> Task<int> {
    Deferred<int> counted = plugin->count_later(1);
    co_return co_await std::move(counted);
  };

  CHECK(reactor.run_until(spawn(reactor, later)) == 6);
}

TEST_CASE_FIXTURE(World, "a plug-in and its host have the same services of a reactor") {
  ++reactor.service<plugin::Tally>().uses;
  {
    const Loaded plugin(host);
    plugin->tally(reactor);
  }

  CHECK(reactor.service<plugin::Tally>().uses == 2);
}

TEST_CASE_FIXTURE(World, "a plug-in's task awaits a Deferred of the host") {
  const Loaded plugin(host);
  auto [promise, number] = make_deferred<int>();
  auto twice = spawn(reactor, plugin->twice(std::move(number)));

  promise.callback(21);

  CHECK(reactor.run_until(std::move(twice)) == 42);
}

TEST_CASE_FIXTURE(World, "an exception of the library or of both is caught by its type") {
  const Loaded plugin(host);

  CHECK_THROWS_AS(reactor.run_until(plugin->run_out_of_time()), TimeoutError);
  CHECK_THROWS_AS(reactor.run_until(plugin->refuse()), plugin::Refused);
}

TEST_CASE_FIXTURE(World, "a Failure goes from a plug-in to its host and back as what it is") {
  const Loaded plugin(host);

  Outcome<void> failed = reactor.run_until(as_outcome(plugin->fail()));

  CHECK(failed.failure().check<std::runtime_error>() != nullptr);
  CHECK(plugin->knows(failed.failure()));
}

TEST_CASE_FIXTURE(World, "an exception of a plug-in that was unloaded is forgotten") {
  SUBCASE("made into a Failure by the plug-in") { Loaded(host)->raise_made(); }
  SUBCASE("caught by the plug-in") { Loaded(host)->raise_caught(); }
  SUBCASE("thrown by a task") {
    const Loaded plugin(host);
    CHECK_THROWS_AS(reactor.run_until(plugin->fail()), std::runtime_error);
  }
  SUBCASE("thrown by a callback") {
    const Loaded plugin(host);
    CHECK_THROWS_AS(reactor.run_until(plugin->fail_in_callback()), std::runtime_error);
  }

  // Raising takes the place of what was raised before.
  CHECK_THROWS_WITH(Failure(std::logic_error("next")).raise(), "next");
}

TEST_CASE_FIXTURE(World,
                  "a handler of the host goes on without the plug-in that had the type first") {
  std::optional<Loaded> plugin(std::in_place, host);
  const Registration own = reactor.registry().when_type<Question>(
      [](const Question&, Waiter<int> waiter) { waiter.resume(7); });

  plugin.reset();

  CHECK(reactor.run_until(ask(41)) == 7);
}

TEST_CASE_FIXTURE(World, "a type of a plug-in is not taken for one that lay there before") {
  const Registration own = reactor.registry().when_type<plugin::First>(
      [](const plugin::First&, Waiter<int> waiter) { waiter.resume(7); });

  CHECK(answer_of(FIRST, reactor) == 7);
  CHECK(answer_of(OTHER, reactor) == 2);
}

TEST_CASE_FIXTURE(World, "the host goes on without a plug-in, and may load it again") {
  for (int i = 0; i < 3; ++i) {
    {
      const Loaded plugin(host);
      CHECK(reactor.run_until(plugin->count(1)) == 6);
      CHECK_THROWS_AS(reactor.run_until(plugin->fail()), std::runtime_error);
    }

    CHECK(is_loaded() == !UNLOADS);
    CHECK(reactor.registry().empty());
    CHECK_THROWS_AS(reactor.run_until(ask(41)), UnknownYieldable);
    CHECK(reactor.run_until(open(host.jammed)) == 1);
    CHECK(reactor.task_count() == 0);
  }
}

}  // namespace
