// SPDX-License-Identifier: MIT
// Reactor, tasks, Deferreds, timers, watches, streams and listeners may end in any order.
#include <optional>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/reply.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;
using io::Listener;
using io::Stream;

Task<> sleep_for(Duration time) { co_await Pause{time}; }

/// Everything that can hang on a reactor, each to be ended by itself.
class Things {
 public:
  explicit Things(Reactor& reactor)
      : timer(reactor.call_later(1h, [] {})),
        watch(reactor.watch(pair[0], Ready::read, [] {})),
        task(spawn(reactor, sleep_for(1h))),
        listener(io::listen(reactor, "127.0.0.1", 0)) {
    // A Deferred that waits for a microthread, and a listener that a task waits on.
    result = spawn(reactor, sleep_for(2h)).deferred();
    accepting = spawn(reactor, listener->accept());
  }
  static constexpr int kinds = 6;
  void end(int kind) {
    switch (kind) {
      case 0:
        timer.reset();
        break;
      case 1:
        watch.reset();
        break;
      case 2:
        if (task) task->task().close();
        task.reset();
        break;
      case 3:
        if (result) std::move(*result).abandon();
        result.reset();
        break;
      case 4:
        listener.reset();
        break;
      default:
        if (accepting) std::move(*accepting).abandon();
        accepting.reset();
    }
  }
  SocketPair pair;
  std::optional<DelayedCall> timer;
  std::optional<Watch> watch;
  std::optional<Spawned<void>> task;
  std::optional<Deferred<void>> result;
  std::optional<Listener> listener;
  std::optional<Spawned<Stream>> accepting;
};

const ConformanceCase cases_of_destruction[] = {
    {"a reactor that was never used ends", nothing, [](Context& c) { c.reactor(); }},
    {"a reactor ends with its posts uncalled, and their callables are destroyed", nothing,
     [](Context& c) {
       int calls = 0, ends = 0;
       c.reactor().post([&calls, end = NotedEnd(ends)] { ++calls; });
       c.reactor().call_from_thread([&calls, end = NotedEnd(ends)] { ++calls; });
       c.end_reactor();
       c.equal(calls, 0, "the number of calls");
       c.equal(ends, 2, "the number of destroyed callables");
     }},
    {"a reactor ends with its timers uncalled, and their callables are destroyed", nothing,
     [](Context& c) {
       int calls = 0, ends = 0;
       DelayedCall held = c.reactor().call_later(1ms, [&calls, end = NotedEnd(ends)] { ++calls; });
       c.reactor().call_later(1ms, [&calls, end = NotedEnd(ends)] { ++calls; }).detach();
       c.end_reactor();
       c.equal(calls, 0, "the number of calls");
       c.equal(ends, 2, "the number of destroyed callables");
       c.check(!held.active(), "the handle knows");
       c.check(!held.cancel(), "and does nothing");
     }},
    {"a reactor ends with its watches, and their callables are destroyed", descriptors,
     [](Context& c) {
       SocketPair pair;
       int ends = 0;
       const Watch watch = c.reactor().watch(pair[0], Ready::both, [end = NotedEnd(ends)] {});
       c.end_reactor();
       c.equal(ends, 1, "the number of destroyed callables");
       c.check(!watch.active(), "the handle knows");
     }},
    {"a reactor closes its tasks at its end: their destructors run, their code does not", nothing,
     [](Context& c) {
       int ends = 0;
       bool went_on = false;
       const auto sleep = [](NotedEnd, bool& flag) -> Task<> {
         try {
           co_await Pause{1h};
         } catch (...) {
           flag = true;
         }
         flag = true;
       };
       Spawned<void> task = spawn(c.reactor(), sleep, NotedEnd(ends), std::ref(went_on));
       c.turn();
       c.end_reactor();
       c.equal(ends, 1, "the number of destroyed arguments");
       c.check(!went_on, "nothing of it ran");
       c.check(task.done(), "the handle knows");
     }},
    {"the Deferred of a task that its reactor closed tells so", nothing,
     [](Context& c) {
       Deferred<void> result = spawn(c.reactor(), sleep_for(1h)).deferred();
       c.turn();
       c.end_reactor();
       std::string told;
       std::move(result).add_errback([&](const AbandonedError&) { told = "abandoned"; }).detach();
       c.equal(told, "abandoned", "what its errback is told");
     }},
    {"handles that outlive their reactor end in any order", descriptors,
     [](Context& c) {
       for (int first = 0; first < Things::kinds; ++first) {
         Things things(c.reactor());
         c.turn();
         c.end_reactor();
         for (int i = 0; i < Things::kinds; ++i) things.end((first + i) % Things::kinds);
       }
     },
     "core.shutdownDisconnectsCleanly"},
    {"each pair of handles ends in both orders while the reactor lives", descriptors,
     [](Context& c) {
       for (int one = 0; one < Things::kinds; ++one) {
         for (int other = 0; other < Things::kinds; ++other) {
           if (one == other) continue;
           Things things(c.reactor());
           c.turn();
           things.end(one);
           things.end(other);
           c.turn();
           for (int rest = 0; rest < Things::kinds; ++rest) things.end(rest);
           c.turns(3);
         }
       }
     }},
    {"each kind of handle ends, then the reactor, then the others", descriptors,
     [](Context& c) {
       for (int one = 0; one < Things::kinds; ++one) {
         Things things(c.reactor());
         c.turn();
         things.end(one);
         c.end_reactor();
         for (int rest = 0; rest < Things::kinds; ++rest) things.end(rest);
       }
     }},
    {"handles that were never turned end with their reactor", descriptors,
     [](Context& c) {
       const Things things(c.reactor());
       c.end_reactor();
     }},
    {"a stream outlives its reactor", descriptors,
     [](Context& c) {
       std::optional<Connection> both;
       c.run([&both](Context& context) -> Task<void> {
         Connection made = co_await connect_pair(context.reactor());
         both.emplace(std::move(made));
       });
       c.end_reactor();
       c.check(both->client.is_open(), "the socket is the stream's");
       both.reset();
     }},
    {"a reactor ends while tasks wait on streams, both ways", descriptors,
     [](Context& c) {
       std::optional<Connection> both;
       std::size_t written = 0;
       c.run([&both](Context& context) -> Task<void> {
         Connection made = co_await connect_pair(context.reactor());
         both.emplace(std::move(made));
       });
       spawn(c.reactor(), read_text(both->server));
       spawn(c.reactor(), write_for_ever(both->server, written));
       spawn(c.reactor(), read_text(both->client));
       c.turns(5);
       c.end_reactor();
     },
     "fdset.connectionLostOnShutdown"},
    {"a destructor that posts, sets timers and spawns at the reactor's end does no harm", nothing,
     [](Context& c) {
       class BusyAtEnd {
        public:
         explicit BusyAtEnd(Reactor& reactor) noexcept : reactor_(&reactor) {}
         BusyAtEnd(BusyAtEnd&& other) noexcept : reactor_(std::exchange(other.reactor_, nullptr)) {}
         BusyAtEnd& operator=(BusyAtEnd&&) = delete;
         ~BusyAtEnd() {
           if (!reactor_) return;
           reactor_->post([] {});
           reactor_->call_later(1ms, [] {}).detach();
           spawn(*reactor_, sleep_for(1ms));
         }

        private:
         Reactor* reactor_;
       };
       c.reactor().post([end = BusyAtEnd(c.reactor())] {});
       c.reactor().call_later(1h, [end = BusyAtEnd(c.reactor())] {}).detach();
       c.end_reactor();
     }},
    {"a thread's answer that comes after the reactor's end is dropped", threads,
     [](Context& c) {
       std::optional<ReplySender<int>> send;
       const auto wait = [](std::optional<ReplySender<int>>& out) -> Task<> {
         Reply<int> reply;
         out.emplace(reply.send());
         co_await reply;
       };
       spawn(c.reactor(), wait, std::ref(send));
       c.turn();
       c.end_reactor();
       Joined([&send] { (*send)(1); }).join();
       send.reset();
     }},
    {"answers of threads meet the reactor's end", threads,
     [](Context& c) {
       for (int i = 0; i < 30; ++i) {
         std::optional<ReplySender<int>> send;
         const auto wait = [](std::optional<ReplySender<int>>& out) -> Task<> {
           Reply<int> reply;
           out.emplace(reply.send());
           co_await reply;
         };
         spawn(c.reactor(), wait, std::ref(send));
         c.turn();
         const Joined answer([s = std::move(*send)] { s(1); });
         send.reset();
         c.end_reactor();
       }
     }},
    {"a backend outlives its reactor, and serves the next one", nothing,
     [](Context& c) {
       const auto backend = c.make_backend();
       for (int i = 0; i < 3; ++i) {
         Reactor reactor(*backend);
         int calls = 0;
         reactor
             .call_later(1ms,
                         [&] {
                           ++calls;
                           reactor.stop();
                         })
             .detach();
         reactor.run();
         c.equal(calls, 1, "the number of calls");
         reactor.call_later(1h, [] {}).detach();
       }
     }},
    {"reactors come and go, and leave nothing open", descriptors,
     [](Context& c) {
       for (int i = 0; i < 50; ++i) {
         SocketPair pair;
         pair.write(1);
         const Watch watch = c.reactor().watch(pair[0], Ready::read, [] {});
         c.turn();
         c.end_reactor();
       }
     }},
};

}  // namespace

std::span<const ConformanceCase> destruction_cases() { return cases_of_destruction; }

}  // namespace deferred::testing::conformance
