// SPDX-License-Identifier: MIT
// A cancel, a close or a timeout undoes what a task waits for on the reactor.
#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/readable.hpp"
#include "deferred/yieldables/reply.hpp"
#include "deferred/yieldables/with_timeout.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

/// Waits for `what`, notes how that ended.
template <class Y>
Task<> wait_for(Y what, std::string& ended) {
  try {
    co_await what;
    ended = "answered";
  } catch (const Cancelled&) {
    ended = "cancelled";
    throw;
  }
}

const ConformanceCase cases_of_cancelling[] = {
    {"a cancelled sleep ends at once, and its timer is gone", nothing,
     [](Context& c) {
       std::string ended;
       Spawned<void> sleeper = spawn(c.reactor(), wait_for(Pause{1h}, ended));
       c.turn();
       c.equal(c.reactor().timer_count(), std::size_t{1}, "the number of timers while it sleeps");
       sleeper.task().cancel();
       c.turns(2);
       c.equal(ended, "cancelled", "how it ended");
       c.equal(c.reactor().timer_count(), std::size_t{0}, "the number of timers afterwards");
     }},
    {"a cancelled wait for a descriptor ends at once, and its watch is gone", descriptors,
     [](Context& c) {
       SocketPair pair;
       std::string ended;
       Spawned<void> waiter = spawn(c.reactor(), wait_for(Readable{pair[0]}, ended));
       c.turn();
       c.equal(c.reactor().watch_count(), std::size_t{1}, "the number of watches while it waits");
       waiter.task().cancel();
       c.turns(2);
       c.equal(ended, "cancelled", "how it ended");
       c.equal(c.reactor().watch_count(), std::size_t{0}, "the number of watches afterwards");
     }},
    {"a closed task leaves neither timer nor watch", descriptors,
     [](Context& c) {
       SocketPair pair;
       std::string ended;
       Spawned<void> sleeper = spawn(c.reactor(), wait_for(Pause{1h}, ended));
       Spawned<void> waiter = spawn(c.reactor(), wait_for(Readable{pair[0]}, ended));
       c.turn();
       sleeper.task().close();
       waiter.task().close();
       c.equal(c.reactor().timer_count(), std::size_t{0}, "the number of timers");
       c.equal(c.reactor().watch_count(), std::size_t{0}, "the number of watches");
       c.turn();
       c.equal(ended, "", "what the tasks noticed of it");
     }},
    {"a task that is cancelled before its first turn runs to its first await", nothing,
     [](Context& c) {
       std::string log;
       const auto walk = [](std::string& text) -> Task<> {
         text += "begun ";
         co_await Pause{1h};
         text += "never";
       };
       Spawned<void> task = spawn(c.reactor(), walk, std::ref(log));
       task.task().cancel();
       c.turns(3);
       c.equal(log, "begun ", "what has run");
     }},
    {"a task that is closed before its first turn never runs", nothing,
     [](Context& c) {
       std::string log;
       const auto walk = [](std::string& text) -> Task<> {
         text += "begun";
         co_return;
       };
       Spawned<void> task = spawn(c.reactor(), walk, std::ref(log));
       task.task().close();
       c.turns(2);
       c.equal(log, "", "what has run");
     }},
    {"an answer that came before the cancel is delivered first", nothing,
     [](Context& c) {
       std::string log;
       const auto walk = [](std::string& text) -> Task<> {
         co_await Pause{1ms};
         text += "answered ";
         try {
           co_await Pause{1h};
         } catch (const Cancelled&) {
           text += "cancelled";
         }
       };
       Spawned<void> task = spawn(c.reactor(), walk, std::ref(log));
       c.turn();
       const DelayedCall cancel = c.reactor().call_later(1ms, [&] { task.task().cancel(); });
       const auto begin = steady_clock::now();
       while (steady_clock::now() - begin < 3ms) {  // so that both come due in one turn
       }
       c.until([&] { return task.done(); }, "the end of the task");
       c.equal(log, "answered cancelled", "what has run");
     }},
    {"a timer that cancels a task that is due in the same turn", nothing,
     [](Context& c) {
       std::string ended;
       TaskRef sleeper;
       const DelayedCall first = c.reactor().call_later(1ms, [&] { sleeper.cancel(); });
       Spawned<void> task = spawn(c.reactor(), wait_for(Pause{1ms}, ended));
       sleeper = task.task();
       c.run_for(5ms);
       c.equal(ended, "cancelled", "how the task's sleep ended");
     }},
    {"a watch that cancels the task that waits on the same descriptor", descriptors,
     [](Context& c) {
       SocketPair pair;
       std::string ended;
       TaskRef waiter;
       const Watch first = c.reactor().watch(pair[0], Ready::read, [&] { waiter.cancel(); });
       Spawned<void> task = spawn(c.reactor(), wait_for(Readable{pair[0]}, ended));
       waiter = task.task();
       c.turn();
       pair.write(1);
       c.turns(3);
       c.equal(ended, "cancelled", "how the wait ended");
       c.equal(c.reactor().watch_count(), std::size_t{1}, "the number of watches left");
     }},
    {"with_timeout() ends a wait for a descriptor, and drops its watch", descriptors,
     [](Context& c) {
       SocketPair pair;
       c.run([&pair](Context& context) -> Task<void> {
         const auto outcome = co_await as_outcome(with_timeout(1ms, Readable{pair[0]}));
         context.check(outcome.check<TimeoutError>() != nullptr, "it timed out");
       });
       c.equal(c.reactor().watch_count(), std::size_t{0}, "the number of watches");
     }},
    {"with_timeout() of a wait that is answered drops its timer", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       c.run([&pair](Context&) -> Task<void> { co_await with_timeout(1h, Readable{pair[0]}); });
       c.equal(c.reactor().timer_count(), std::size_t{0}, "the number of timers");
     }},
    {"a cancelled wait for a thread's answer takes no notice of the answer", threads,
     [](Context& c) {
       std::string ended;
       Reply<int> reply;
       const auto send = reply.send();
       const auto wait = [](Reply<int>& r, std::string& text) -> Task<> {
         try {
           co_await r;
           text = "answered";
         } catch (const Cancelled&) {
           text = "cancelled";
         }
       };
       Spawned<void> task = spawn(c.reactor(), wait, std::ref(reply), std::ref(ended));
       c.turn();
       task.task().cancel();
       c.turns(2);
       Joined([&send] { send(1); }).join();
       c.turns(2);
       c.equal(ended, "cancelled", "how it ended");
     }},
    {"a task cancelled while an answer of a thread is under way ends one way or the other", threads,
     [](Context& c) {
       for (int i = 0; i < 50; ++i) {
         std::string ended;
         Reply<int> reply;
         const auto wait = [](Reply<int>& r, std::string& text) -> Task<> {
           try {
             co_await r;
             text = "answered";
           } catch (const Cancelled&) {
             text = "cancelled";
           }
         };
         auto send = reply.send();
         Spawned<void> task = spawn(c.reactor(), wait, std::ref(reply), std::ref(ended));
         c.turn();
         Joined answer([s = std::move(send)] { s(1); });
         task.task().cancel();
         answer.join();
         c.turns(2);
         c.check(!ended.empty(), "it has ended");
       }
     }},
    {"a cancel reaches the leaf of a chain of subtasks, which unwinds from there", nothing,
     [](Context& c) {
       std::string log;
       struct Down {
         static Task<> walk(std::string& text, int depth) {
           if (depth == 0) {
             co_await Pause{1h};
           } else {
             try {
               co_await walk(text, depth - 1);
             } catch (const Cancelled&) {
               text += std::to_string(depth);
               throw;
             }
           }
         }
       };
       Spawned<void> task = spawn(c.reactor(), Down::walk(log, 5));
       c.turn();
       task.task().cancel();
       c.turns(2);
       c.equal(log, "12345", "who saw it");
     }},
    {"a thousand sleepers are cancelled, and nothing is left", nothing,
     [](Context& c) {
       std::vector<Spawned<void>> sleepers;
       std::string ended;
       for (int i = 0; i < 1000; ++i) {
         sleepers.push_back(spawn(c.reactor(), wait_for(Pause{1h}, ended)));
       }
       c.turn();
       c.equal(c.reactor().timer_count(), std::size_t{1000}, "the number of timers");
       for (Spawned<void>& sleeper : sleepers) sleeper.task().cancel();
       c.turns(2);
       c.equal(c.reactor().timer_count(), std::size_t{0}, "the number of timers afterwards");
       c.equal(c.reactor().task_count(), std::size_t{0}, "the number of tasks afterwards");
     }},
};

}  // namespace

std::span<const ConformanceCase> cancelling_cases() { return cases_of_cancelling; }

}  // namespace deferred::testing::conformance
