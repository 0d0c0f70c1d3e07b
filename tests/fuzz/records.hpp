// SPDX-License-Identifier: MIT
//
// What a world knows of the things in it, to say whether the library is right about them.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"
#include "tests/fuzz/items.hpp"
#include "tests/fuzz/pool.hpp"

namespace deferred::fuzz {

class Probe;

/// What a Promise was fired with; looked at by the first callback.
struct Fired {
  bool by_value = false;
  bool by_other = false;      // chained to: with whatever comes
  bool by_canceller = false;  // which dropped the Promise: so that was how it was cancelled
  unsigned number = 0;
};

template <class T>
struct KeptPromise {
  std::shared_ptr<Promise<T>> promise;  // its canceller may know it
  std::shared_ptr<Fired> fired;
  unsigned id;  // in the graph
};
template <class T>
struct KeptDeferred {
  Deferred<T> deferred;
  unsigned id;
};
template <class T>
struct KeptShared {
  SharedDeferred<T> shared;
  unsigned id;
};

template <class T>
struct ResultPools {
  Pool<KeptPromise<T>> promises;
  Pool<KeptDeferred<T>> deferreds;
  Pool<KeptDeferred<T>> paused;          // each by one pause()
  Pool<KeptPromise<T>> paused_promises;  // the same
  Pool<KeptShared<T>> shared;
  Pool<Spawned<T>> spawned;
};

/// What was done to a microthread.
struct TaskRecord {
  bool cancelled = false;  // TaskRef::cancel(), while it was not done
  bool closed = false;     // and its code was not on the stack
};
using TaskRecordPointer = std::shared_ptr<TaskRecord>;
struct KeptTask {
  TaskRef task;
  TaskRecordPointer record;
};

/// One await of a Probe, and what it was answered with.
struct WaitRecord {
  enum class Answer : std::uint8_t { none, value, error, other };
  Answer answer = Answer::none;  // the first that was accepted
  unsigned number = 0;           // of the value or error
  unsigned accepted = 0;         // how many answers were
  bool handler_threw = false;
  bool used = false;  // an object may be awaited more often: each await has one of its own
  TaskRecordPointer task;
};
using WaitRecordPointer = std::shared_ptr<WaitRecord>;
struct KeptWaiter {
  Waiter<Item> waiter;
  WaitRecordPointer record;
};

/// Which Deferred waits for which in a way that the library cannot see, or will: a circle of the
/// first sort is the user's fault, and hangs.
class WaitGraph {
 public:
  unsigned add() {
    edges_.emplace_back();
    return static_cast<unsigned>(edges_.size() - 1);
  }
  /// `from` waits for `to`.
  void add_edge(unsigned from, unsigned to, bool seen_by_library) {
    edges_[from].push_back({to, seen_by_library});
  }
  /// `from` may wait for `to`: no circle comes of it that nobody finds.
  bool may_wait(unsigned from, unsigned to) const;

 private:
  struct Edge {
    unsigned to;
    bool seen;
  };
  std::vector<std::vector<Edge>> edges_;
};

/// What has to come out even at the end.
struct Tally {
  int frames = 0;  // coroutines that have begun, less those that have ended
};

}  // namespace deferred::fuzz
