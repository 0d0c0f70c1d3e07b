// SPDX-License-Identifier: MIT
// Reactor::watch: what is reported, to whom, and how often.
#include <unistd.h>

#include <deque>

#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/readable.hpp"
#include "deferred/yieldables/writable.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

const ConformanceCase cases_of_watches[] = {
    {"a watch for reading is called when there is data", descriptors,
     [](Context& c) {
       SocketPair pair;
       int calls = 0;
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++calls; });
       c.turns(2);
       c.equal(calls, 0, "the number of calls without data");
       pair.write(1);
       c.turn();
       c.equal(calls, 1, "the number of calls with data");
     },
     "fdset.addReader"},
    {"a watch for writing is called when there is room", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.fill(0);
       int calls = 0;
       const Watch watch = c.reactor().watch(pair[0], Ready::write, [&] { ++calls; });
       c.turns(2);
       c.equal(calls, 0, "the number of calls without room");
       pair.drain(1);
       c.turn();
       c.equal(calls, 1, "the number of calls with room");
     },
     "fdset.addWriter"},
    {"a watch is called once a turn while its descriptor stays ready", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++calls; });
       for (int i = 1; i <= 5; ++i) {
         c.turn();
         c.equal(calls, i, "the number of calls");
       }
       pair.drain(0);
       c.turns(3);
       c.equal(calls, 5, "the number of calls after the data was read");
     }},
    {"a dropped watch is not called any more: reading", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++calls; });
       c.turn();
       watch = Watch();
       c.turns(3);
       c.equal(calls, 1, "the number of calls");
     },
     "fdset.removeReader"},
    {"a dropped watch is not called any more: writing", descriptors,
     [](Context& c) {
       SocketPair pair;
       int calls = 0;
       Watch watch = c.reactor().watch(pair[0], Ready::write, [&] { ++calls; });
       c.turn();
       watch = Watch();
       c.turns(3);
       c.equal(calls, 1, "the number of calls");
     },
     "fdset.removeWriter"},
    {"each watch of a descriptor is told what it watches for", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       Ready read{}, write{}, both{};
       const Watch reads =
           c.reactor().watch(pair[0], Ready::read, [&](Ready what) { read = what; });
       const Watch writes =
           c.reactor().watch(pair[0], Ready::write, [&](Ready what) { write = what; });
       const Watch boths =
           c.reactor().watch(pair[0], Ready::both, [&](Ready what) { both = what; });
       c.turn();
       c.equal(read, Ready::read, "what the reader is told");
       c.equal(write, Ready::write, "what the writer is told");
       c.equal(both, Ready::both, "what the third is told");
     }},
    {"several watches of a descriptor are called in the order they were made", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       std::string log;
       std::vector<Watch> watches;
       for (const char* name : {"a", "b", "c"}) {
         watches.push_back(c.reactor().watch(pair[0], Ready::read, [&log, name] { log += name; }));
       }
       c.turn();
       c.equal(log, "abc", "what has run");
     }},
    {"dropping one watch of a descriptor leaves the others", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       std::string log;
       Watch a = c.reactor().watch(pair[0], Ready::both, [&] { log += "a"; });
       const Watch b = c.reactor().watch(pair[0], Ready::read, [&] { log += "b"; });
       a = Watch();
       c.turn();
       pair.drain(0);
       c.turn();
       c.equal(log, "b", "what has run");
     }},
    {"a hundred watched sockets are each told of their own data", descriptors,
     [](Context& c) {
       std::deque<SocketPair> pairs(100);
       std::vector<Watch> watches;
       std::vector<int> calls(100, 0);
       for (std::size_t i = 0; i < 100; ++i) {
         watches.push_back(c.reactor().watch(pairs[i][0], Ready::read, [&calls, &pairs, i] {
           ++calls[i];
           pairs[i].drain(0);
         }));
       }
       for (std::size_t i = 0; i < 100; i += 3) pairs[i].write(1);
       c.turns(2);
       for (std::size_t i = 0; i < 100; ++i) {
         c.equal(calls[i], i % 3 == 0 ? 1 : 0, "the number of calls of one of them");
       }
     }},
    {"all watches end with their handles: nothing is reported any more", descriptors,
     [](Context& c) {
       std::deque<SocketPair> pairs(10);
       std::vector<Watch> watches;
       int calls = 0;
       for (const SocketPair& pair : pairs) {
         pair.write(1);
         watches.push_back(c.reactor().watch(pair[0], Ready::both, [&] { ++calls; }));
       }
       watches.clear();
       c.turns(3);
       c.equal(calls, 0, "the number of calls");
     },
     "fdset.removeAll"},
    {"watch_count() tells how many descriptors are watched", descriptors,
     [](Context& c) {
       SocketPair pair;
       {
         const Watch a = c.reactor().watch(pair[0], Ready::read, [] {});
         const Watch b = c.reactor().watch(pair[0], Ready::write, [] {});
         const Watch other = c.reactor().watch(pair[1], Ready::read, [] {});
         c.equal(c.reactor().watch_count(), std::size_t{2}, "the number of descriptors");
       }
       c.equal(c.reactor().watch_count(), std::size_t{0}, "the number after their end");
     },
     "fdset.getReaders fdset.getWriters"},
    {"a negative descriptor cannot be watched", descriptors,
     [](Context& c) {
       c.throws<std::system_error>(
           [&] { const Watch watch = c.reactor().watch(-1, Ready::read, [] {}); }, "watch(-1)");
     },
     "fdset.negativeOneFileDescriptor"},
    {"a descriptor that is not open cannot be watched, and nothing is kept of the attempt",
     descriptors,
     [](Context& c) {
       Reactor& reactor = c.reactor();  // before the number is free
       SocketPair pair;
       const int number = pair[0];
       pair.close(0);
       int ends = 0;
       c.throws<std::system_error>(
           [&] {
             const Watch watch = reactor.watch(number, Ready::read, [end = NotedEnd(ends)] {});
           },
           "watch() of a closed descriptor");
       c.equal(ends, 1, "the number of destroyed callables");
     }},
    {"a hang-up is told to reader and writer", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.fill(0);
       Ready reader{}, writer{};
       const Watch reads =
           c.reactor().watch(pair[0], Ready::read, [&](Ready what) { reader = what; });
       const Watch writes =
           c.reactor().watch(pair[0], Ready::write, [&](Ready what) { writer = what; });
       c.turn();
       c.check(reader == Ready::none && writer == Ready::none, "nobody is told anything yet");
       pair.close(1);
       c.turn();
       c.equal(reader, Ready::read, "what the reader is told");
       c.equal(writer, Ready::write, "what the writer is told");
     }},
    {"data that came before a hang-up can be read", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1, "farewell");
       pair.close(1);
       std::string read;
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&] {
         read = pair.read(0);
         watch = Watch();
       });
       c.turn();
       c.equal(read, "farewell", "what is read");
     }},
    {"a half-closed peer is told to a reader, and writing goes on", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.half_close(1);
       Ready told{};
       const Watch watch =
           c.reactor().watch(pair[0], Ready::both, [&](Ready what) { told = what; });
       c.turn();
       c.equal(told, Ready::both, "what is told");
       pair.write(0, "still here");
       c.equal(pair.read(1), "still here", "what the peer reads");
     }},
    {"a watched regular file is told of in each turn", descriptors | regular_files,
     [](Context& c) {
       std::FILE* const file = std::tmpfile();
       c.check(file != nullptr, "there is a file");
       int calls = 0;
       try {
         const Watch watch = c.reactor().watch(::fileno(file), Ready::read, [&] { ++calls; });
         c.turns(3);
       } catch (const std::system_error& error) {
         std::fclose(file);
         c.fail(std::string("it cannot be watched (") + error.what() + "); " + no_regular_files);
       }
       std::fclose(file);
       c.equal(calls, 3, "the number of calls");
     }},
    {"a descriptor that is ready ends a wait for a distant timer", descriptors | real_time,
     [](Context& c) {
       SocketPair pair;
       bool told = false;
       const DelayedCall distant = c.reactor().call_later(1h, [] {});
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&] {
         told = true;
         watch = Watch();
       });
       c.turn();
       const DelayedCall writer = c.reactor().call_later(2ms, [&] { pair.write(1); });
       c.until([&] { return told; }, "the report");
       c.check(distant.active(), "the timer is still set");
     }},
    {"a byte goes back and forth between two watches a thousand times", descriptors,
     [](Context& c) {
       SocketPair pair;
       int hops = 0;
       const auto bounce = [&](int end) {
         pair.drain(end);
         if (++hops < 1000) {
           pair.write(end);
         } else {
           c.reactor().stop();
         }
       };
       const Watch one = c.reactor().watch(pair[0], Ready::read, [&] { bounce(0); });
       const Watch other = c.reactor().watch(pair[1], Ready::read, [&] { bounce(1); });
       pair.write(0);
       c.reactor().run();
       c.equal(hops, 1000, "the number of hops");
     }},
    {"a task that waits for Readable goes on with the data there", descriptors,
     [](Context& c) {
       SocketPair pair;
       const auto write = [](SocketPair& p) -> Task<> {
         co_await Pause{};
         p.write(1, "word");
       };
       spawn(c.reactor(), write, std::ref(pair));
       const std::string got = c.run([&pair](Context&) -> Task<std::string> {
         co_await Readable{pair[0]};
         co_return pair.read(0);
       });
       c.equal(got, "word", "what is read");
     }},
    {"a task that waits for Writable goes on when there is room", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.fill(0);
       const auto read = [](SocketPair& p) -> Task<> {
         co_await Pause{};
         p.drain(1);
       };
       spawn(c.reactor(), read, std::ref(pair));
       c.run([&pair](Context&) -> Task<void> { co_await Writable{pair[0]}; });
       pair.write(0);
       c.equal(pair.read(1), "x", "what arrives");
     }},
};

}  // namespace

std::span<const ConformanceCase> watch_cases() { return cases_of_watches; }

}  // namespace deferred::testing::conformance
