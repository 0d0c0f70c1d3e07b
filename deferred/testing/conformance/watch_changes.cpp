// SPDX-License-Identifier: MIT
// Watches that are changed, dropped and made inside callbacks; descriptors that are closed under
// them and come back as something else.
#include <unistd.h>

#include <deque>

#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

const ConformanceCase cases_of_watch_changes[] = {
    {"interest none keeps the watch and tells nothing", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++calls; });
       watch.set_interest(Ready::none);
       c.turns(3);
       c.equal(calls, 0, "the number of calls");
       c.check(watch.active(), "it is still there");
       watch.set_interest(Ready::read);
       c.turn();
       c.equal(calls, 1, "the number of calls when it is turned on again");
     }},
    {"interest none in a hang-up tells nothing, and costs no turns", descriptors | real_time,
     [](Context& c) {
       SocketPair pair;
       pair.close(1);
       int calls = 0;
       const Watch watch = c.reactor().watch(pair[0], Ready::none, [&] { ++calls; });
       c.run_for(5ms);
       c.equal(calls, 0, "the number of calls");
     }},
    {"interest changes inside the call, from one direction to the other", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       std::string log;
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&](Ready what) {
         log += what == Ready::read ? "r" : "w";
         watch.set_interest(what == Ready::read ? Ready::write : Ready::read);
       });
       c.turns(4);
       c.equal(log, "rwrw", "what is told");
     }},
    {"interest that is taken away and given back in one call loses nothing", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&] {
         ++calls;
         watch.set_interest(Ready::none);
         watch.set_interest(Ready::read);
       });
       c.turns(3);
       c.equal(calls, 3, "the number of calls");
     }},
    {"interest of one watch does not change another's of the same descriptor", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int reads = 0, writes = 0;
       const Watch reader = c.reactor().watch(pair[0], Ready::read, [&] { ++reads; });
       Watch writer = c.reactor().watch(pair[0], Ready::write, [&] { ++writes; });
       c.turn();
       writer.set_interest(Ready::none);
       c.turn();
       c.equal(reads, 2, "the number of the reader's calls");
       c.equal(writes, 1, "the number of the writer's calls");
     }},
    {"a watch drops itself inside its call, and its callable lives until it returns", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int ends = 0, ends_inside = -1, calls = 0;
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&, end = NotedEnd(ends)] {
         ++calls;
         watch = Watch();
         ends_inside = ends;
       });
       c.turns(3);
       c.equal(calls, 1, "the number of calls");
       c.equal(ends_inside, 0, "the number of destroyed callables inside");
       c.equal(ends, 1, "the number of them afterwards");
     }},
    {"a watch drops another of the same descriptor, which is not called", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       Watch second;
       const Watch first = c.reactor().watch(pair[0], Ready::read, [&] { second = Watch(); });
       second = c.reactor().watch(pair[0], Ready::read, [&] { ++calls; });
       c.turns(2);
       c.equal(calls, 0, "the number of calls of the dropped one");
     }},
    {"a watch drops another descriptor's, which is not called", descriptors,
     [](Context& c) {
       std::deque<SocketPair> pairs(6);
       std::vector<Watch> watches(6);
       int calls = 0;
       for (std::size_t i = 0; i < 6; ++i) {
         pairs[i].write(1);
         // Whichever is told first drops all others.
         watches[i] = c.reactor().watch(pairs[i][0], Ready::read, [&, i] {
           ++calls;
           for (std::size_t k = 0; k < 6; ++k) {
             if (k != i) watches[k] = Watch();
           }
         });
       }
       c.turn();
       c.equal(calls, 1, "the number of calls");
     }},
    {"a watch that is made inside a call is told in a later turn", descriptors,
     [](Context& c) {
       SocketPair one, other;
       one.write(1);
       other.write(1);
       int calls = 0;
       Watch inner;
       Watch outer;
       outer = c.reactor().watch(one[0], Ready::read, [&] {
         outer = Watch();
         inner = c.reactor().watch(other[0], Ready::read, [&] { ++calls; });
       });
       c.turns(2);
       c.check(calls >= 1, "it is told of the data that was there");
     }},
    {"a watch that is dropped and made again inside its call is told again", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       Watch watch;
       std::function<void()> again = [&] {
         if (++calls == 4) {
           watch = Watch();
         } else {
           watch = c.reactor().watch(pair[0], Ready::read, again);
         }
       };
       watch = c.reactor().watch(pair[0], Ready::read, again);
       c.until([&] { return calls == 4; }, "the fourth call");
     }},
    {"a descriptor that is closed after its watch has gone can be reused at once", descriptors,
     [](Context& c) {
       std::string log;
       for (int i = 0; i < 5; ++i) {
         SocketPair pair;  // takes the same numbers each time
         pair.write(1);
         const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] {
           log += "r";
           pair.drain(0);
         });
         c.turns(2);
       }
       c.equal(log, "rrrrr", "what is told");
     }},
    {"a descriptor may be closed by the callable that its watch owns", descriptors,
     [](Context& c) {
       class Owned {
        public:
         explicit Owned(int number) noexcept : fd(number) {}
         Owned(Owned&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
         Owned& operator=(Owned&&) = delete;
         ~Owned() {
           if (fd >= 0) ::close(fd);
         }
         int fd;
       };
       SocketPair pair;
       const int number = pair.release(0);
       Watch watch = c.reactor().watch(number, Ready::read, [owned = Owned(number)] {});
       c.turn();
       watch = Watch();
       c.turn();
       c.equal(pair.read(1), "", "what the peer reads: its end");
     },
     "fdset.removedFromReactor"},
    {"a watch that outlives its descriptor does not tell of the next one with that number",
     descriptors | lost_descriptors,
     [](Context& c) {
       SocketPair pair;
       const int number = pair[0];
       int calls = 0;
       Watch watch = c.reactor().watch(number, Ready::read, [&] { ++calls; });
       pair.close(0);
       c.turn();
       c.check(calls > 0, "the loss is told");
       watch = Watch();
       SocketPair fresh;
       fresh.write(1);
       const int before = calls;
       c.turns(2);
       c.equal(calls, before, "the number of calls once the watch is dropped");
     },
     "fdset.lostFileDescriptor"},
    {"a descriptor closed and opened anew in one call is watched anew", descriptors,
     [](Context& c) {
       SocketPair first;
       first.write(1);
       std::unique_ptr<SocketPair> second;
       std::string read;
       Watch watch;
       watch = c.reactor().watch(first[0], Ready::read, [&] {
         watch = Watch();
         first.close(0);
         first.close(1);
         second = std::make_unique<SocketPair>();
         second->write(1, "second");
         watch = c.reactor().watch((*second)[0], Ready::read, [&] {
           read = second->read(0);
           watch = Watch();
         });
       });
       c.until([&] { return !read.empty(); }, "the report of the second");
       c.equal(read, "second", "what is read");
     }},
    {"watches may be dropped by a timer and by a post", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       Watch one = c.reactor().watch(pair[0], Ready::read, [&] { ++calls; });
       Watch other = c.reactor().watch(pair[0], Ready::read, [&] { ++calls; });
       const DelayedCall timer = c.reactor().call_later(0ns, [&] { one = Watch(); });
       c.reactor().post([&] { other = Watch(); });
       c.turns(4);
       c.equal(calls, 2, "the number of calls, in the first turn");
     }},
    {"a watch made and dropped without a turn between leaves no trace", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       for (int i = 0; i < 100; ++i) {
         const Watch watch = c.reactor().watch(pair[0], Ready::both, [&] { ++calls; });
       }
       c.turns(2);
       c.equal(calls, 0, "the number of calls");
     }},
    {"descriptors with great gaps between their numbers are watched", descriptors,
     [](Context& c) {
       SocketPair pair;
       const int high = ::dup2(pair[0], 900);
       c.check(high == 900, "a high number can be had");
       int calls = 0;
       {
         const Watch watch = c.reactor().watch(high, Ready::read, [&] { ++calls; });
         pair.write(1);
         c.turn();
       }
       ::close(high);
       c.equal(calls, 1, "the number of calls");
     }},
    {"after its reactor's end a watch is not active, and may be dropped", descriptors,
     [](Context& c) {
       SocketPair pair;
       int ends = 0;
       Watch watch = c.reactor().watch(pair[0], Ready::both, [end = NotedEnd(ends)] {});
       c.turn();
       c.end_reactor();
       c.check(!watch.active(), "the reactor is gone");
       c.equal(ends, 1, "the number of destroyed callables");
       watch.set_interest(Ready::read);
     },
     "fdset.connectionLostOnShutdown"},
};

}  // namespace

std::span<const ConformanceCase> watch_change_cases() { return cases_of_watch_changes; }

}  // namespace deferred::testing::conformance
