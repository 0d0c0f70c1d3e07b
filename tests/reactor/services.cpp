// SPDX-License-Identifier: MIT
//
// Services: the things of which a reactor has one each.
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// Where the services of a test write what becomes of them.
std::string* story = nullptr;

struct Story {
  Story() { story = &told; }
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;
  ~Story() { story = nullptr; }
  std::string told;
};

/// A loop whose end is a part of the test.
struct Served : Story {
  void end() { reactor.reset(); }

  Unhandled unhandled;
  reactors::VirtualTime time;
  std::optional<Reactor> reactor{std::in_place, time};
};

struct Plain {
  explicit Plain(Reactor& of) : reactor(of) { *story += "+plain "; }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  ~Plain() { *story += "-plain "; }
  Reactor& reactor;
};

struct Other {
  explicit Other(Reactor&) { *story += "+other "; }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  ~Other() { *story += "-other "; }
};

/// Uses Plain as long as it lives.
struct Upper {
  explicit Upper(Reactor& reactor) : plain(reactor.service<Plain>()) { *story += "+upper "; }
  Upper(const Upper&) = delete;
  Upper& operator=(const Upper&) = delete;
  ~Upper() { *story += plain.reactor.find_service<Plain>() == &plain ? "-upper " : "too late "; }
  Plain& plain;
};

TEST_CASE_FIXTURE(Served, "a service is made by its first use, and is the same for all") {
  CHECK(told.empty());

  Plain& first = reactor->service<Plain>();
  Plain& second = reactor->service<Plain>();

  CHECK(&first == &second);
  CHECK(&first.reactor == &*reactor);
  CHECK(told == "+plain ");
}

TEST_CASE_FIXTURE(Served, "find_service() gives what is there, and makes nothing") {
  CHECK(reactor->find_service<Plain>() == nullptr);
  CHECK(told.empty());

  Plain& made = reactor->service<Plain>();

  CHECK(reactor->find_service<Plain>() == &made);
  CHECK(reactor->find_service<Other>() == nullptr);
}

TEST_CASE_FIXTURE(Served, "each reactor has services of its own") {
  Plain& here = reactor->service<Plain>();
  reactors::VirtualTime time_there;
  Reactor there(time_there);

  CHECK(there.find_service<Plain>() == nullptr);
  CHECK(&there.service<Plain>() != &here);
}

TEST_CASE_FIXTURE(Served, "services are destroyed with the reactor, the newest first") {
  reactor->service<Other>();
  reactor->service<Plain>();
  told.clear();

  end();

  CHECK(told == "-plain -other ");
}

TEST_CASE_FIXTURE(Served, "a service outlives tasks, timers, posts and watches of its reactor") {
  struct Tells {
    explicit Tells(const char* what) : what(what) {}
    Tells(Tells&& other) noexcept : what(std::exchange(other.what, nullptr)) {}
    Tells& operator=(Tells&&) = delete;
    ~Tells() {
      if (what) *story += what;
    }
    const char* what;
  };
  SocketPair pair;
  reactor->service<Plain>();
  spawn(*reactor, []() -> Task<> {
    const Tells tells("task ");
    co_await Pause{1h};
  });
  time.advance();
  reactor->call_later(1h, [tells = Tells("timer ")] {}).detach();
  reactor->post([tells = Tells("post ")] {});
  const Watch watch = reactor->watch(pair[0], Ready::read, [tells = Tells("watch ")] {});
  told.clear();

  end();

  CHECK(told == "task post timer watch -plain ");
}

TEST_CASE_FIXTURE(Served, "a service that another one uses in its constructor outlives that") {
  reactor->service<Upper>();
  CHECK(told == "+plain +upper ");
  told.clear();

  end();

  CHECK(told == "-upper -plain ");
}

struct Unlucky {
  explicit Unlucky(Reactor& reactor) {
    reactor.service<Other>();
    if (fails) throw std::runtime_error("no luck");
  }
  inline static bool fails = true;
};

TEST_CASE_FIXTURE(Served,
                  "a service whose constructor throws is not there, and can be tried again") {
  Unlucky::fails = true;
  CHECK_THROWS_WITH_AS(reactor->service<Unlucky>(), "no luck", std::runtime_error);
  CHECK(reactor->find_service<Unlucky>() == nullptr);
  CHECK(reactor->find_service<Other>() != nullptr);

  Unlucky::fails = false;

  Unlucky& made = reactor->service<Unlucky>();
  CHECK(reactor->find_service<Unlucky>() == &made);
  CHECK(told == "+other ");
}

struct Snake {
  struct Tail {
    explicit Tail(Reactor& reactor) { reactor.service<Snake>(); }
  };
  explicit Snake(Reactor& reactor) {
    CHECK(reactor.find_service<Snake>() == nullptr);
    reactor.service<Tail>();
  }
};

TEST_CASE_FIXTURE(Served, "a service whose constructor comes to need itself is refused by name") {
  std::string text;

  try {
    reactor->service<Snake>();
  } catch (const ReactorStateError& error) {
    text = error.what();
  }

  CHECK(text.find("Snake is asked for by its own constructor") != std::string::npos);
  CHECK(reactor->find_service<Snake>() == nullptr);
  CHECK(reactor->find_service<Snake::Tail>() == nullptr);
}

/// Its destructor runs tests while its reactor ends.
struct AtEndOfReactor {
  explicit AtEndOfReactor(Reactor& of) : reactor(of) {}
  AtEndOfReactor(const AtEndOfReactor&) = delete;
  AtEndOfReactor& operator=(const AtEndOfReactor&) = delete;
  ~AtEndOfReactor() { call(reactor); }
  Reactor& reactor;
  void (*call)(Reactor&) = nullptr;
};

TEST_CASE_FIXTURE(Served,
                  "a service that a destructor makes at the reactor's end is destroyed too") {
  reactor->service<AtEndOfReactor>().call = [](Reactor& ending) { ending.service<Plain>(); };

  end();

  CHECK(told == "+plain -plain ");
}

TEST_CASE_FIXTURE(Served, "a service that its reactor's end has destroyed is not made again") {
  reactor->service<AtEndOfReactor>().call = [](Reactor& ending) {
    CHECK(ending.find_service<Plain>() == nullptr);
    CHECK_THROWS_AS(ending.service<Plain>(), ReactorStateError);
    CHECK(ending.find_service<AtEndOfReactor>() == nullptr);
    CHECK_THROWS_AS(ending.service<AtEndOfReactor>(), ReactorStateError);
    *story += "end ";
  };
  reactor->service<Plain>();
  told.clear();

  end();

  CHECK(told == "-plain end ");
}

TEST_CASE_FIXTURE(Served, "what a service's destructor posts is dropped before the next one ends") {
  struct Last {
    explicit Last(Plain& of) : plain(&of) {}
    Last(Last&& other) noexcept : plain(std::exchange(other.plain, nullptr)) {}
    Last& operator=(Last&&) = delete;
    ~Last() {
      if (plain) *story += plain->reactor.find_service<Plain>() ? "post " : "too late ";
    }
    Plain* plain;
  };
  reactor->service<Plain>();
  reactor->service<AtEndOfReactor>().call = [](Reactor& ending) {
    ending.post([last = Last(ending.service<Plain>())] { *story += "called "; });
  };
  told.clear();

  end();

  CHECK(told == "post -plain ");
}

struct Busy {
  explicit Busy(Reactor& reactor)
      : timer(reactor.call_later(1h, [] {})),
        watch(reactor.watch(pair[0], Ready::read, [] {})),
        call(spawn(reactor, []() -> Task<> { co_await Pause{1h}; }).task()) {}
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() { *story += timer.active() || watch.active() || !call.done() ? "active " : "idle "; }
  SocketPair pair;
  DelayedCall timer;
  Watch watch;
  TaskRef call;
};

TEST_CASE_FIXTURE(Served, "a service may hold timers, watches and tasks, which end before it") {
  reactor->service<Busy>();
  time.advance();

  end();

  CHECK(told == "idle ");
}

struct OwnThreads {
  explicit OwnThreads(Reactor&) {}
  ThreadPool pool{1};
};

TEST_CASE("a service may hold a pool, which a task of the reactor waits for") {
  Reactor reactor;
  const auto main = []() -> Task<int> {
    auto six = [] { return 6; };
    co_return co_await in_thread(Reactor::current().service<OwnThreads>().pool, six);
  };

  CHECK(reactor.run_until(main()) == 6);
}

TEST_CASE_FIXTURE(Story, "a child of fork() has none of its parent's services, and destroys none") {
  Reactor reactor;
  reactor.service<Plain>();
  const auto nothing = [&]() -> Task<> {  // for the pool to have a thread
    auto job = [] {};
    co_await in_thread(reactor.service<OwnThreads>().pool, job);
  };
  reactor.run_until(spawn(reactor, nothing));
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(5);
    bool refused = false;
    try {
      reactor.service<Plain>();
    } catch (const ReactorStateError&) {
      refused = true;
    }
    const bool is_there = reactor.find_service<Plain>() != nullptr;
    reactor.~Reactor();
    ::_exit(refused && !is_there && told == "+plain " ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);

  CHECK(status == 0);
  CHECK(reactor.find_service<Plain>() != nullptr);
}

}  // namespace
