// SPDX-License-Identifier: MIT
//
// check_yieldable finds what is broken in a yieldable, and says what.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "deferred/deferred.hpp"
#include "deferred/testing/check_yieldable.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// Some breach has that sentence, and was first seen in a run like that.
template <class F>
bool finds(const std::string& sentence, const std::string& run, F make,
           const CheckYieldableOptions& options = {}) {
  const auto report = check_yieldable(make, options);
  const bool found =
      std::any_of(report.faults.begin(), report.faults.end(), [&](const std::string& fault) {
        return fault.find(sentence) != std::string::npos && fault.find(run) != std::string::npos;
      });
  if (!found) MESSAGE(report.summary());
  return found;
}

/// Somebody who answers a millisecond after he was made, whether anybody waits or not.
struct Service {
  explicit Service(CutRun& run)
      : answers(run.reactor().call_later(1ms, [this] { waiter.resume(7); })) {}
  Waiter<int> waiter;
  DelayedCall answers;
};

struct Pipe {
  Pipe() {
    if (::pipe(ends.data()) != 0 || ::write(ends[1], "x", 1) != 1) throw std::bad_alloc();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  std::array<int, 2> ends{};
  Watch watch;
};

/// For a DestroyedOnce whose end is nobody's.
struct Room {
  alignas(DestroyedOnce) std::array<unsigned char, sizeof(DestroyedOnce)> bytes{};
};

}  // namespace

TEST_CASE("a timer that is not taken back is found") {
  struct Forgetful {
    void yield_to(Waiter<int> waiter) const {
      waiter.reactor().call_later(1s, [waiter] { waiter.resume(7); }).detach();
    }
  };

  CHECK(finds("it leaves behind a timer", "(awaited, cancel_once at 0;",
              [](CutRun&) { return Forgetful(); }));
}

TEST_CASE("a watch that is not taken back is found") {
  struct Watches {
    explicit Watches(Pipe& of) : pipe(of) {}
    void yield_to(Waiter<void> waiter) const {
      pipe.watch = waiter.reactor().watch(pipe.ends[0], Ready::read, [waiter] { waiter.resume(); });
    }
    Pipe& pipe;
  };

  CHECK(finds("it leaves behind a watched descriptor", "(awaited, not cut;",
              [](CutRun& run) { return Watches(run.keep<Pipe>()); }));
}

TEST_CASE("a task that is not taken back is found, with what it waits on") {
  struct Delegates {
    void yield_to(Waiter<int> waiter) const {
      const auto works = [](Waiter<int> whose) -> Task<> {
        co_await Pause{1ms};
        whose.resume(7);
      };
      spawn(waiter.reactor(), works, waiter).detach();
    }
  };

  CHECK(finds("it leaves behind task #2 waiting on Pause", "(awaited, cancel_once at 0;",
              [](CutRun&) { return Delegates(); }));
}

TEST_CASE("a Waiter that is dropped is found") {
  struct Drops {
    void yield_to(Waiter<void>) const {}
  };

  CHECK(finds("it ends with deferred::AbandonedError", "(awaited, not cut;",
              [](CutRun&) { return Drops(); }));
}

TEST_CASE("a wait that is never answered is found") {
  struct Silent {
    explicit Silent(Waiter<int>& to) : kept(to) {}
    void yield_to(Waiter<int> waiter) const { kept = std::move(waiter); }
    Waiter<int>& kept;
  };

  CHECK(finds("it waits for ever", "(awaited, not cut;",
              [](CutRun& run) { return Silent(run.keep<Waiter<int>>()); }));
}

TEST_CASE("an undo that does not take back the answer is found") {
  struct Subscribes {
    explicit Subscribes(Service& to) : service(to) {}
    struct Undo {
      ~Undo() {}  // the service still has the Waiter
    };
    Undo yield_to(Waiter<int> waiter) const {
      service.waiter = std::move(waiter);
      return {};
    }
    Service& service;
  };

  CheckYieldableOptions once;
  once.again = false;
  CHECK(finds(
      "it answers after its undo was destroyed", "(undone at 1;",
      [](CutRun& run) { return Subscribes(run.keep<Service>(run)); }, once));
}

TEST_CASE("a callback that expects that somebody waits is found") {
  struct Insists {
    DelayedCall yield_to(Waiter<int> waiter) const {
      return waiter.reactor().call_later(1ms, [waiter] {
        if (!waiter.resume(7)) throw std::logic_error("nobody waits");
      });
    }
  };
  struct InsistsSoon {
    DelayedCall yield_to(Waiter<int> waiter) const {
      return waiter.reactor().call_later(0ms, [waiter] {
        if (!waiter.resume(7)) throw std::logic_error("nobody waits");
      });
    }
  };

  CHECK(finds("throws: nobody waits", "(another answers just before;",
              [](CutRun&) { return Insists(); }));
  CHECK(finds("throws: nobody waits", "(awaited, cancel_once at 0;",
              [](CutRun&) { return InsistsSoon(); }));
}

TEST_CASE("state that a cut wait leaves behind is found") {
  class Gate {
   public:
    DelayedCall yield_to(Waiter<int> waiter) & {
      if (std::exchange(busy_, true)) throw std::logic_error("busy");
      return waiter.reactor().call_later(1ms, [this, waiter] {
        busy_ = false;  // the only place where it ends
        waiter.resume(7);
      });
    }

   private:
    bool busy_ = false;
  };

  CHECK(finds("it ends with std::logic_error: busy", "(awaited again, cancel_once at 0;",
              [](CutRun&) { return Gate(); }));
}

TEST_CASE("what is answered the first time only is found, unless it is said") {
  struct Once {
    explicit Once(Service& by) : service(by) {}
    void yield_to(Waiter<int> waiter) const { service.waiter = std::move(waiter); }
    Service& service;
  };
  const auto make = [](CutRun& run) { return Once(run.keep<Service>(run)); };

  CHECK(finds("it waits for ever", "(awaited again, not cut;", make));
  CheckYieldableOptions once;
  once.again = false;
  CHECK(check_yieldable(make, once).faults.empty());
}

TEST_CASE("what goes on when it is given away and not reached is found") {
  class Order {
   public:
    struct State {
      Waiter<int> waiter;
      DelayedCall call;
      bool done = false;
    };
    explicit Order(CutRun& run) : state_(std::make_shared<State>()) {
      state_->call = run.reactor().call_later(1ms, [state = state_] {
        state->done = true;
        state->waiter.resume(7);
      });
    }
    class Undo {
     public:
      explicit Undo(std::shared_ptr<State> of) : state_(std::move(of)) {}
      Undo(const Undo&) = delete;
      Undo& operator=(const Undo&) = delete;
      ~Undo() {
        state_->waiter = {};
        state_->call.cancel();
      }

     private:
      std::shared_ptr<State> state_;
    };
    Undo yield_to(Waiter<int> waiter) && {
      if (state_->done) {
        waiter.resume(7);
      } else {
        state_->waiter = std::move(waiter);
      }
      return Undo(state_);
    }
    void stop() { state_->call.cancel(); }

   private:
    std::shared_ptr<State> state_;
  };
  class Told : public Order {
   public:
    using Order::Order;
    Undo yield_to(Waiter<int> waiter) && {
      return static_cast<Order&&>(*this).yield_to(std::move(waiter));
    }
    void abandon() && { stop(); }
  };

  const auto report = check_yieldable([](CutRun& run) { return Order(run); });
  REQUIRE(report.faults.size() == 1);
  CHECK(report.faults[0].starts_with("it leaves behind a timer (awaited, cancel at 0;"));
  CHECK(check_yieldable([](CutRun& run) { return Told(run); }).faults.empty());
}

TEST_CASE("an abandon() that leaves something is found") {
  struct Lingers {
    DelayedCall yield_to(Waiter<void> waiter) && { return schedule(std::move(waiter), 1ms); }
    void abandon() && { spawn(Reactor::current(), Pause{1s}).detach(); }
  };

  CHECK(finds("it leaves behind task #2 waiting on Pause", "(awaited, cancel at 0;",
              [](CutRun&) { return Lingers(); }));
  CHECK(finds("it leaves behind task #2 waiting on Pause", "runs)",
              [](CutRun&) { return Lingers(); }));
}

TEST_CASE("an undo that ends what it has only if there was an answer is found") {
  struct Keeps {
    explicit Keeps(CutRun& of) : run(of) {}
    struct Undo {
      Undo(CutRun& run, Waiter<int> waiter)
          : counted(::new(run.keep<Room>().bytes.data()) DestroyedOnce(run)),
            call(waiter.reactor().call_later(1ms, [this, waiter] {
              counted->~DestroyedOnce();
              waiter.resume(7);
            })) {}
      DestroyedOnce* counted;
      DelayedCall call;
    };
    Undo yield_to(Waiter<int> waiter) const { return Undo(run, std::move(waiter)); }
    CutRun& run;
  };

  CHECK(finds("it leaves 1 DestroyedOnce alive", "(awaited, cancel_once at 0;",
              [](CutRun& run) { return Keeps(run); }));
}

TEST_CASE("an undo that ends what the answer has ended is found") {
  struct Twice {
    explicit Twice(CutRun& of) : run(of) {}
    struct Undo {
      Undo(CutRun& run, Waiter<int> waiter)
          : counted(::new(run.keep<Room>().bytes.data()) DestroyedOnce(run)),
            call(waiter.reactor().call_later(1ms, [this, waiter] {
              counted->~DestroyedOnce();
              waiter.resume(7);
            })) {}
      Undo(const Undo&) = delete;
      Undo& operator=(const Undo&) = delete;
      ~Undo() { counted->~DestroyedOnce(); }
      DestroyedOnce* counted;
      DelayedCall call;
    };
    Undo yield_to(Waiter<int> waiter) const { return Undo(run, std::move(waiter)); }
    CutRun& run;
  };

  CHECK(finds("a DestroyedOnce is destroyed twice", "(awaited, not cut;",
              [](CutRun& run) { return Twice(run); }));
}

TEST_CASE("a descriptor that is closed with the answer only is found") {
  struct Opens {
    DelayedCall yield_to(Waiter<int> waiter) const {
      const int fd = ::dup(0);
      return waiter.reactor().call_later(1ms, [waiter, fd] {
        ::close(fd);
        waiter.resume(7);
      });
    }
  };

  CHECK(finds("it leaves open descriptor", "(awaited, cancel_once at 0;",
              [](CutRun&) { return Opens(); }));
}

TEST_CASE("a wait that want of memory ends, and nobody is told, is found") {
  struct Hushes {
    explicit Hushes(CutRun& run) : service(run.keep<Service>(run)), room(run.keep<std::string>()) {}
    void yield_to(Waiter<int> waiter) const {
      try {
        room.reserve(100);
        service.waiter = waiter;
      } catch (const std::bad_alloc&) {
        service.answers.cancel();
        service.waiter = waiter;
      }
    }
    Service& service;
    std::string& room;
  };

  CheckYieldableOptions once;
  once.again = false;
  CHECK(finds(
      "it waits for ever", "(without memory, allocation", [](CutRun& run) { return Hushes(run); },
      once));
}

TEST_CASE("memory that is lost for want of memory is found") {
  using Buffer = std::array<char, 100>;
  static std::array<Buffer*, 16> reached{};  // so that it is no leak to a sanitizer
  static std::size_t next = 0;
  struct Loses {
    DelayedCall yield_to(Waiter<int> waiter) const {
      Buffer* const buffer = reached[next++ % reached.size()] = new Buffer();
      auto other = std::make_unique<int>(7);
      std::unique_ptr<Buffer> owned(buffer);  // too late, if there was no memory for the other
      return waiter.reactor().call_later(
          1ms,
          [waiter, owned = std::move(owned), other = std::move(other)] { waiter.resume(*other); });
    }
  };

  CheckYieldableOptions few;
  few.most_runs = 20;
  CHECK(finds(
      "bytes allocated", "(without memory, allocation", [](CutRun&) { return Loses(); }, few));
}

TEST_CASE("an answer that is promised to a cancel and does not follow is found") {
  struct Promises {
    struct Undo {
      Cancelling request_cancel() {
        call.cancel();
        return Cancelling::answer_follows;
      }
      DelayedCall call;
      Waiter<int> waiter;
    };
    Undo yield_to(Waiter<int> waiter) const {
      return {waiter.reactor().call_later(1ms, [waiter] { waiter.resume(7); }), waiter};
    }
  };

  CHECK(finds("it waits for ever", "(awaited, cancel_once at 0;",
              [](CutRun&) { return Promises(); }));
}

TEST_CASE("a coroutine that cannot be cancelled is found") {
  struct Stubborn {
    Task<int> yield_to() const {
      for (;;) {
        const Outcome<void> paused = co_await as_outcome(Pause{1ms});
        if (paused.has_value()) co_return 7;
      }
    }
  };

  CheckYieldableOptions with_memory;
  with_memory.allocations = false;
  CHECK(finds(
      "it does not end", "(awaited, cancel at 0;", [](CutRun&) { return Stubborn(); },
      with_memory));
}

TEST_CASE("a coroutine that leaves a child alone is found") {
  struct Careless {
    Task<int> yield_to() const {
      spawn(Pause{5ms}).detach();
      co_await Pause{1ms};
      co_return 7;
    }
  };

  CHECK(finds("it leaves behind task #2 waiting on Pause", "(awaited, not cut;",
              [](CutRun&) { return Careless(); }));
}

TEST_CASE("an error that nobody handles is found") {
  struct Fails {
    struct Undo {
      Undo(Undo&&) = default;
      Undo& operator=(Undo&&) = default;
      explicit Undo(Promise<int> of) : promise(std::move(of)) {}
      ~Undo() {
        if (!promise.fired()) promise.errback(std::runtime_error("nobody's"));
      }
      Promise<int> promise;
      DelayedCall call;
    };
    Undo yield_to(Waiter<int> waiter) const {
      auto [promise, deferred] = make_deferred<int>();
      std::move(deferred).detach();
      Undo undo(std::move(promise));
      undo.call = waiter.reactor().call_later(1ms, [waiter] { waiter.resume(7); });
      return undo;
    }
  };

  CheckYieldableOptions with_memory;  // its undo throws without
  with_memory.allocations = false;
  CHECK(finds(
      "it leaves unhandled std::runtime_error: nobody's", "(awaited, not cut;",
      [](CutRun&) { return Fails(); }, with_memory));
}

TEST_CASE("what is lost when it is cut is found by a check of the user's") {
  struct Items {
    int left = 1, taken = 0, got = 0;
  };
  struct Takes {
    explicit Takes(Items& from) : items(from) {}
    DelayedCall yield_to(Waiter<int> waiter) const {
      --items.left;  // too early: the wait may be cut
      ++items.taken;
      return waiter.reactor().call_later(1ms, [this, waiter] {
        if (waiter.resume(1)) ++items.got;
      });
    }
    Items& items;
  };

  CheckYieldableOptions once;
  once.again = false;
  CHECK(finds(
      "an item is lost", "(awaited, cancel_once at 0;",
      [](CutRun& run) {
        auto& items = run.keep<Items>();
        run.at_end([&] { must(items.taken == items.got, "an item is lost"); });
        return Takes(items);
      },
      once));
}
