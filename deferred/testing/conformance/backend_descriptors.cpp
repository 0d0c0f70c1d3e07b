// SPDX-License-Identifier: MIT
// watch(), rewatch() and unwatch() of the backend alone. "A report too many is allowed; one too few
// is not": what is checked is that each is told in time, and that an unwatched one is not told.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>

#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

bool has(Ready all, Ready one) noexcept { return (all & one) == one; }

/// A backend with a turn and one watched socket.
struct Watched {
  Watched(Context& c, Ready interest) : backend(c.make_backend()), turn(*backend) {
    backend->watch(pair[0], interest, ready);
  }
  ~Watched() {
    if (pair[0] >= 0 && watched) backend->unwatch(pair[0]);
  }
  void unwatch() {
    backend->unwatch(pair[0]);
    watched = false;
  }
  /// What a turn reports.
  Ready reported() {
    ready.take();
    backend->run_once(false);
    return ready.take();
  }
  SocketPair pair;
  NotedReady ready;
  bool watched = true;
  std::unique_ptr<Backend> backend;
  CountedTurn turn;
};

/// What a fresh backend reports of a descriptor, in one run_once().
Ready reported_of(Context& c, int fd, Ready interest) {
  const auto backend = c.make_backend();
  CountedTurn turn(*backend);
  NotedReady ready;
  backend->watch(fd, interest, ready);
  backend->run_once(false);
  backend->unwatch(fd);
  return ready.all;
}

const ConformanceCase cases_of_backend_descriptors[] = {
    {"nothing is reported of a descriptor that is not ready", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.backend->run_once(false);
       c.equal(w.ready.count, 0, "the number of reports");
     }},
    {"a descriptor that stays ready is reported in each run_once()", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.pair.write(1);
       for (int i = 1; i <= 4; ++i) {
         c.check(has(w.reported(), Ready::read), "it is reported");
       }
       w.pair.drain(0);
       c.equal(w.reported(), Ready::none, "what is reported when it is read empty");
     }},
    {"a descriptor that was partly read is reported again", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.pair.write(1, "ab");
       char byte;
       c.check(has(w.reported(), Ready::read), "there are two bytes");
       c.equal(::read(w.pair[0], &byte, 1), 1, "the bytes read");
       c.check(has(w.reported(), Ready::read), "there is one byte");
     }},
    {"readiness is reported before the turn of the same run_once()", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       int reports_before_turn = -1;
       w.turn.each = [&] { reports_before_turn = w.ready.count; };
       w.pair.write(1);
       w.backend->run_once(false);
       c.equal(reports_before_turn, 1, "the number of reports at the turn");
     }},
    {"readiness ends a wait", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.pair.write(1);
       w.backend->run_once(true);
       c.check(has(w.ready.take(), Ready::read), "it is reported");
       c.equal(w.turn.count, 1, "the number of turns");
     }},
    {"readiness that comes during a wait ends it", descriptors | threads,
     [](Context& c) {
       Watched w(c, Ready::read);
       const Joined writer([&] {
         std::this_thread::sleep_for(3ms);
         w.pair.write(1);
       });
       while (w.ready.count == 0) w.backend->run_once(true);
     }},
    {"room to write is reported as such", descriptors,
     [](Context& c) {
       Watched w(c, Ready::write);
       c.check(has(w.reported(), Ready::write), "there is room");
       w.pair.fill(0);
       c.equal(w.reported(), Ready::none, "what is reported when the buffer is full");
       w.pair.drain(1);
       c.check(has(w.reported(), Ready::write), "there is room again");
     }},
    {"data is reported as data, and room as room", descriptors,
     [](Context& c) {
       Watched w(c, Ready::both);
       c.equal(w.reported(), Ready::write, "what is reported of an idle socket");
       w.pair.write(1);
       c.equal(w.reported(), Ready::both, "what is reported with data there");
       w.pair.fill(0);
       c.equal(w.reported(), Ready::read, "what is reported with data and without room");
     }},
    {"the end of what a peer sends is reported to a reader, each time", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.pair.half_close(1);
       c.check(has(w.reported(), Ready::read), "the peer has sent its last");
       c.check(has(w.reported(), Ready::read), "and that stays so");
     }},
    {"a peer that is gone is reported to a reader", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.pair.close(1);
       c.check(has(w.reported(), Ready::read), "the peer has closed");
     }},
    {"a peer that is gone is reported to a writer whose buffer was full", descriptors,
     [](Context& c) {
       Watched w(c, Ready::write);
       w.pair.fill(0);
       c.equal(w.reported(), Ready::none, "what is reported when the buffer is full");
       w.pair.close(1);
       c.check(has(w.reported(), Ready::write), "the peer has closed");
     }},
    {"a pipe without its writer is reported to its reader", descriptors,
     [](Context& c) {
       Pipe pipe;
       pipe.close(1);
       const Ready told = reported_of(c, pipe[0], Ready::read);
       c.check(has(told, Ready::read), "its end is there to be read");
     }},
    {"a pipe without its reader is reported to its writer", descriptors,
     [](Context& c) {
       Pipe pipe;
       pipe.fill(1);
       pipe.close(0);
       const Ready told = reported_of(c, pipe[1], Ready::write);
       c.check(has(told, Ready::write), "writing would fail, not wait");
     }},
    {"data before the end of a pipe is reported until it is read", descriptors,
     [](Context& c) {
       Pipe pipe;
       NotedReady ready;
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       backend->watch(pipe[0], Ready::read, ready);
       pipe.write(1, "last words");
       pipe.close(1);
       backend->run_once(false);
       const Ready with_data = ready.take();
       const std::string words = pipe.read(0);
       backend->run_once(false);
       const Ready at_end = ready.take();
       backend->unwatch(pipe[0]);
       c.check(has(with_data, Ready::read), "there is data");
       c.equal(words, "last words", "what is read");
       c.check(has(at_end, Ready::read), "there is the end");
     }},
    {"rewatch() adds a direction at once", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       c.equal(w.reported(), Ready::none, "what is reported of an idle socket");
       w.backend->rewatch(w.pair[0], Ready::both);
       c.check(has(w.reported(), Ready::write), "there is room");
       w.pair.write(1);
       c.check(has(w.reported(), Ready::both), "there are both");
     }},
    {"rewatch() takes a direction away at once", descriptors,
     [](Context& c) {
       Watched w(c, Ready::both);
       w.pair.write(1);
       w.backend->rewatch(w.pair[0], Ready::read);
       w.backend->run_once(false);
       w.pair.drain(0);
       c.equal(w.reported(), Ready::none, "what is reported without data");
     }},
    {"rewatch() of a descriptor that is ready already loses nothing", descriptors,
     [](Context& c) {
       Watched w(c, Ready::write);
       w.pair.write(1);
       w.backend->run_once(false);
       w.backend->rewatch(w.pair[0], Ready::read);
       c.check(has(w.reported(), Ready::read), "the data was there before");
       w.backend->rewatch(w.pair[0], Ready::write);
       w.backend->rewatch(w.pair[0], Ready::read);
       c.check(has(w.reported(), Ready::read), "and is there still");
     }},
    {"rewatch() inside a report loses nothing", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.pair.write(1);
       w.ready.each = [&](Ready) {
         w.backend->rewatch(w.pair[0], Ready::both);
         w.backend->rewatch(w.pair[0], Ready::read);
       };
       for (int i = 0; i < 3; ++i) {
         c.check(has(w.reported(), Ready::read), "the data is reported still");
       }
     }},
    {"unwatch() and watch() inside a report lose nothing", descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.pair.write(1);
       w.ready.each = [&](Ready) {
         w.backend->unwatch(w.pair[0]);
         w.backend->watch(w.pair[0], Ready::read, w.ready);
       };
       for (int i = 0; i < 3; ++i) {
         c.check(has(w.reported(), Ready::read), "the data is reported still");
       }
     }},
    {"an unwatched descriptor is not reported", descriptors,
     [](Context& c) {
       Watched w(c, Ready::both);
       w.pair.write(1);
       c.check(w.reported() != Ready::none, "it is, while it is watched");
       w.unwatch();
       c.equal(w.reported(), Ready::none, "what is reported afterwards");
     }},
    {"a descriptor that is unwatched by another's report is not reported any more", descriptors,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       SocketPair pairs[2];
       NotedReady ready[2];
       // Whichever is told first unwatches the other.
       int reports = 0;
       for (int i = 0; i < 2; ++i) {
         ready[i].each = [&, i](Ready) {
           if (++reports == 1) backend->unwatch(pairs[1 - i][0]);
         };
         pairs[i].write(1);
         backend->watch(pairs[i][0], Ready::read, ready[i]);
       }
       backend->run_once(false);
       const int told_first = ready[0].count > 0 ? 0 : 1;
       backend->unwatch(pairs[told_first][0]);
       c.equal(reports, 1, "the number of reports");
     }},
    {"each of many descriptors is reported to its own handler", descriptors,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       std::deque<SocketPair> pairs(50);
       std::deque<NotedReady> ready(50);
       for (std::size_t i = 0; i < 50; ++i) backend->watch(pairs[i][0], Ready::read, ready[i]);
       for (std::size_t i = 0; i < 50; i += 7) {
         pairs[i].write(1);
         backend->run_once(false);
         for (std::size_t k = 0; k < 50; ++k) {
           c.equal(ready[k].count > 0, k == i, "whether descriptor " + std::to_string(k) + " is");
           ready[k].count = 0;
         }
         pairs[i].drain(0);
       }
       for (const SocketPair& pair : pairs) backend->unwatch(pair[0]);
     }},
    {"unwatching some leaves the others with their handlers", descriptors,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       std::deque<SocketPair> pairs(9);
       std::deque<NotedReady> ready(9);
       for (std::size_t i = 0; i < 9; ++i) {
         backend->watch(pairs[i][0], Ready::read, ready[i]);
         pairs[i].write(1);
       }
       for (const std::size_t gone : {0U, 4U, 8U, 1U}) backend->unwatch(pairs[gone][0]);
       backend->run_once(false);
       for (const std::size_t left : {2U, 3U, 5U, 6U, 7U}) {
         c.equal(ready[left].count, 1, "the number of reports of one that is left");
         backend->unwatch(pairs[left][0]);
       }
       for (const std::size_t gone : {0U, 4U, 8U, 1U}) {
         c.equal(ready[gone].count, 0, "the number of reports of one that is gone");
       }
     }},
    {"all that are ready are reported within four run_once(), however many unwatch themselves",
     descriptors,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       std::deque<SocketPair> pairs(40);
       std::deque<NotedReady> ready(40);
       for (std::size_t i = 0; i < 40; ++i) {
         backend->watch(pairs[i][0], Ready::read, ready[i]);
         pairs[i].write(1);
         ready[i].each = [&, i](Ready) { backend->unwatch(pairs[i][0]); };
       }
       for (int i = 0; i < 4; ++i) backend->run_once(false);  // some take so many at a time
       for (const NotedReady& one : ready) c.equal(one.count, 1, "the number of reports of each");
     }},
    {"of many descriptors that are always ready none is passed over", descriptors,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       std::deque<SocketPair> pairs(200);
       std::deque<NotedReady> ready(200);
       for (std::size_t i = 0; i < 200; ++i) {
         backend->watch(pairs[i][0], Ready::read, ready[i]);
         pairs[i].write(1);
       }
       for (int i = 0; i < 20; ++i) backend->run_once(false);
       for (std::size_t i = 0; i < 200; ++i) backend->unwatch(pairs[i][0]);
       for (const NotedReady& one : ready) {
         c.check(one.count > 0, "each is reported, however many were before it");
       }
     }},
    {"a descriptor of a high number is watched, or refused", descriptors,
     [](Context& c) {
       constexpr int number = 1100;  // more than a set of select(2) has room for
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       SocketPair pair;
       const MoreDescriptors more(number + 1);
       if (!more) c.skip("this process may not have so many descriptors");
       c.equal(::dup2(pair[0], number), number, "the number of a copy");
       NotedReady ready;
       bool refused = false;
       try {
         backend->watch(number, Ready::read, ready);
       } catch (const std::system_error&) {
         refused = true;
       }
       pair.write(1);
       for (int i = 0; i < 2; ++i) backend->run_once(false);
       if (!refused) backend->unwatch(number);
       ::close(number);
       c.check(refused || ready.count > 0, "it is reported, if it was not refused");
     }},
    {"a descriptor's number can be watched again for another file", descriptors,
     [](Context& c) {
       Watched w(c, Ready::both);
       w.backend->run_once(false);
       const int number = w.pair[0];
       w.unwatch();
       w.pair.close(0);
       SocketPair fresh;
       c.check(::dup2(fresh[0], number) == number, "the number is taken by another socket");
       NotedReady ready;
       w.backend->watch(number, Ready::read, ready);
       w.backend->run_once(false);
       const int before = ready.count;
       fresh.write(1);
       w.backend->run_once(false);
       w.backend->unwatch(number);
       ::close(number);
       c.equal(before, 0, "the number of reports without data");
       c.check(has(ready.all, Ready::read), "the new one's data is reported");
     }},
    {"unwatch() leaves nothing of it behind: other copies of the descriptor are not reported",
     descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       const int copy = ::dup(w.pair[0]);
       w.unwatch();
       w.pair.close(0);
       w.pair.write(1);
       w.backend->run_once(false);
       ::close(copy);
       c.equal(w.ready.count, 0, "the number of reports");
     }},
    {"a descriptor that is not open cannot be watched", descriptors,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       SocketPair pair;
       const int number = pair[0];
       pair.close(0);
       NotedReady ready;
       c.throws<std::system_error>([&] { backend->watch(number, Ready::read, ready); }, "watch()");
       backend->run_once(false);
       c.equal(ready.count, 0, "the number of reports");
     }},
    {"a watched descriptor that is closed under the reactor is reported",
     descriptors | lost_descriptors,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.backend->run_once(false);
       const int number = w.pair[0];
       w.watched = false;
       w.pair.close(0);
       w.backend->run_once(false);
       c.check(w.ready.count > 0, "the loss is told: the next system call will say the rest");
       w.backend->unwatch(number);
     },
     "fdset.lostFileDescriptor"},
    {"a regular file is always ready", descriptors | regular_files,
     [](Context& c) {
       char name[] = "/tmp/deferred-conformance-XXXXXX";
       const int file = ::mkstemp(name);
       c.check(file >= 0, "there is a file");
       ::unlink(name);
       try {
         const Ready told = reported_of(c, file, Ready::both);
         ::close(file);
         c.equal(told, Ready::both, "what is reported");
       } catch (const std::system_error& error) {
         ::close(file);
         c.fail(std::string("it cannot be watched (") + error.what() + "); " + no_regular_files);
       }
     }},
    {"a report that waits does not keep run_once(true) from its deadline", descriptors | real_time,
     [](Context& c) {
       Watched w(c, Ready::read);
       w.pair.write(1);
       const TimePoint deadline = w.backend->now() + 3ms;
       w.backend->arm(deadline);
       while (w.backend->now() < deadline) w.backend->run_once(true);
       c.check(w.ready.count > 0, "and it is reported all the while");
     }},
};

}  // namespace

std::span<const ConformanceCase> backend_descriptor_cases() { return cases_of_backend_descriptors; }

}  // namespace deferred::testing::conformance
