// SPDX-License-Identifier: MIT
//
// Microthread: a running tree of coroutines, and the wait it is in. Waiters and TaskRefs keep it
// alive by reference; its frames belong to the reactor. It is in one of these states; debug builds
// check that where it moves from one to the next.
//
//   state     flags                      leaf   wait           in a queue       moves on by
//   fresh     none                       root   -              once spawned     resume(): running
//   running   started, running           yes    -              -                a handler, the end
//   handling  the same, and `handling`   yes    open, or its   if answered      the handler's end:
//                                               answer         ahead            running or waiting
//   waiting   started, suspended         yes    open           -                an answer: answered
//   answered  the same                   yes    its answer     either           resume(): running
//   ahead     the same, answered_ahead   yes    its answer     the next turn's  resume(): running
//   resting   started                    fresh  -              the next turn's  resume(): running
//   finished  done                       root   -              -                collect(): over
//   over      done                       none   -              until it is run  release()
//
// A branch (tasks/branch.hpp) is one that only waits: its frame is no coroutine's, it is never
// started, and an answer calls `run` in place of queueing it.
//
//   handling  running, and `handling`    frame  open, or its   if answered      the handler's end:
//                                               answer         ahead            waiting or done
//   waiting   suspended                  frame  open           -                an answer: done
//   ahead     the same, answered_ahead   frame  its answer     the next turn's  run(): done
//   done      done                       frame  its answer     for its undo's   its owner
//                                                              end
//
// An answer is what a Waiter gives, a cancel, an error that is thrown in (cancel.hpp), or the end
// of the last Waiter. `epoch` moves on with each answer that another Waiter could come too late
// for, and with it all Waiters of the wait become stale; `waiters` counts those that are not: none,
// but while waiting or handling. The Waiter that a handler borrows is not counted: an answer inside
// the handler, where there is no other, touches neither.
//
// closing, beside them: it is to be closed as soon as its code, or that of a microthread in one of
// its nurseries, gives control back. Then over. cancelled, cancel_next and throw_next say what the
// next wait begins with. resting: it has called so many subtasks without a wait that the others get
// their turn first; where that comes at an await of what was ready, it is answered instead, in the
// next turn's queue. Next: wait.hpp, cancel.hpp; tasks/waiter.hpp and
// tasks/detail/yield_awaiter.hpp for how a wait begins and ends.
#pragma once

#include <cassert>
#include <cstdint>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/detail/branch_frame.hpp"
#include "deferred/reactor/detail/extras.hpp"
#include "deferred/reactor/detail/frame.hpp"
#include "deferred/reactor/detail/runnable.hpp"
#include "deferred/reactor/detail/wait.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::detail {

class Chain;

struct Microthread : Runnable, Recycled {
  enum Flag : std::uint16_t {  // those that each spawn and wait touch are in the lower byte
    // Of its state:
    started = 1,
    running = 2,    // its code, or a handler for it, is on the native stack
    suspended = 4,  // in `wait`, until the ready queue resumes it
    queued = 8,     // in a queue of the reactor
    done = 32,      // the root frame has finished, or was closed
    closing = 64,
    answered_ahead = 4096,  // answered for the next turn with nothing, which a cancel may replace
    // Of what its next wait begins with:
    cancelled = 256,        // an enclosing scope is cancelled: every wait throws Cancelled
    cancel_next = 512,      // one cancel is to be delivered
    throw_next = 1024,      // Extras::pending is to be thrown
    root_cancelled = 2048,  // cancelled as a whole: what outer scopes are to a scope
    shielded = 32768,       // one-shot cancels wait for the end of a shield
    // Of who knows it:
    has_handle = 128,  // a Spawned may still ask for the result, which stays in the root frame
    has_extras = 16,
    silent = 8192,  // nobody wants to hear of its failure
    listed_as_failed = 16384,
  };

  static constexpr std::uint32_t weak = std::uint32_t{1} << 31;      // there is a WeakWaiter
  static constexpr std::uint32_t branched = std::uint32_t{1} << 30;  // it is a branch, or has some
  static constexpr std::uintptr_t most_awaits = 1024;  // without a wait, each time it is run

  bool is(unsigned mask) const noexcept { return (flags & mask) != 0; }
  void set(unsigned mask) noexcept { flags = static_cast<std::uint16_t>(flags | mask); }
  void change(unsigned off, unsigned on) noexcept {
    flags = static_cast<std::uint16_t>((flags & ~off) | on);
  }
  void unset(unsigned mask) noexcept { flags = static_cast<std::uint16_t>(flags & ~mask); }
  /// Somebody is left who may answer.
  bool has_waiters() const noexcept { return (waiters & ~(weak | branched)) != 0; }
  /// close() is taking its frames apart.
  bool is_torn() const noexcept { return !leaf && !is(done); }
  /// Its code is on the native stack, or its frames are on their way: it cannot be closed now.
  bool is_busy() const noexcept { return is(running | done) || !leaf; }
  /// The microthread whose nursery it is in; null if there is none, or that is on no stack.
  Microthread* parent() const noexcept { return family ? family->task : nullptr; }
  /// It only waits, and has no coroutine.
  bool is_branch() const noexcept { return !is(started) && is(running | suspended); }
  /// The one whose wait this is, or is a part of.
  Microthread& whole() noexcept { return is_branch() ? whole_of_branch() : *this; }
  /// Suspended and not answered yet.
  bool is_waiting() const noexcept { return is(suspended) && wait->state == Wait::State::open; }
  /// It has called a subtask, or had the answer of an await at once. False if it has done so
  /// awaits_left times, and now goes on in the next turn: the await waits for that, and sets
  /// `suspended`; of a call nothing waits, and the trampoline ends.
  [[gnu::always_inline]] bool may_go_on(unsigned waits) noexcept {
    return --awaits_left != 0 || !rest(waits);
  }
  /// Puts another answer in place of one that was given ahead. REQUIRES: answered_ahead.
  void replace_answer(Wait::State state) noexcept {
    wait->ops->clear(*wait);
    wait->state = state;
    unset(answered_ahead);
  }
  /// Its reactor's registry is not empty.
  bool has_run_time_handlers() const noexcept;
  /// The next wait does not call its handler as usual.
  bool interrupted() const noexcept { return is(cancelled | cancel_next | throw_next); }

  void retain() noexcept { ++refs; }
  void release() noexcept {
    if (--refs == 0) destroy();
  }
  void start_with(FrameBase& root) noexcept {
    leaf = &root;
    root.microthread = this;
  }

  /// In debug builds: ends the program if it is in none of the states above.
  void check() const noexcept { assert(is_legal()); }
  /// If its reactor is checked: ends the program on another thread than its own.
  void require_home(const char* what) const noexcept {
    if (reactor) ReactorAccess::require_home(*reactor, what);
  }

  /// From here on the Waiters of the present suspension are stale, and those of its branches.
  void expire() noexcept {
    if (expire_own()) [[unlikely]]
      expire_branches(*this);
  }
  /// The answer is in the slot: later ones are stale. Queues it, unless its handler is still
  /// running: then it goes on at once, and the wait's branches go with its undo; or it rests.
  [[gnu::always_inline]] void answered() noexcept {
    if (!handling) return answered_outside();
    if (waiters != 0) expire_own();
  }
  /// Fills the wait with a state that carries nothing. REQUIRES: is_waiting().
  void answer_with(Wait::State state) noexcept {
    wait->state = state;
    answered();
  }

  Microthread* previous_live = nullptr;  // in the reactor's list, or its family's
  Microthread* next_live = nullptr;
  Reactor* reactor = nullptr;  // null: none was found, or it is gone
  FrameBase* leaf = nullptr;   // the frame that runs, or will when resumed
  Wait* wait = nullptr;        // the wait it is in, while handling or suspended
  Family* family = nullptr;    // in whose list it is instead of in the reactor's
  std::uint64_t epoch = 1;     // Waiters of an earlier one are stale; moves on with each answer
  std::uint32_t refs = 1;
  std::uint32_t waiters = 0;  // those beside the handler's own that may still answer; and the bits
  std::uint32_t id_low = 0;
  std::uint8_t id_high = 0;
  bool handling = false;  // inside the handler of `wait`
  std::uint16_t flags = 0;
  std::uint32_t born = 0;  // the reactor's turn in which it was spawned

  std::uint64_t id() const noexcept { return std::uint64_t{id_high} << 32 | id_low; }
  /// What is fired with the result; its Promise reference.
  Chain*& completion() noexcept;
  Chain* completion() const noexcept { return is(has_extras) ? extras_->completion : completion_; }
  Extras* extras() const noexcept { return is(has_extras) ? extras_ : nullptr; }
  /// REQUIRES: it has none.
  void add_extras(Extras& made) noexcept;

 private:
  friend struct GdbLayout;
  /// True if there is more to expire.
  bool expire_own() noexcept {
    ++epoch;
    return (std::exchange(waiters, 0) & branched) != 0;
  }
#ifdef __clang__  // which would not inline a handler with this in it into the coroutine that awaits
  [[gnu::noinline]]
#endif
  void answered_outside() noexcept;
  [[gnu::noinline, gnu::cold]] DEFERRED_API void answered_branched() noexcept;
  [[gnu::cold]] DEFERRED_API Microthread& whole_of_branch() noexcept;
  DEFERRED_API bool rest(unsigned waits) noexcept;
  /// Of the states above. REQUIRES: not in the middle of a move.
  DEFERRED_API bool is_legal() const noexcept;
  DEFERRED_API void destroy() noexcept;
  [[gnu::noinline, gnu::cold]] void destroy_extras() noexcept;

  union {
    Chain* completion_ = nullptr;
    Extras* extras_;  // which has the completion then
  };
};

inline Chain*& Microthread::completion() noexcept {
  return is(has_extras) ? extras_->completion : completion_;
}
inline void Microthread::add_extras(Extras& made) noexcept {
  made.completion = completion_;
  extras_ = &made;
  set(has_extras);
}

inline bool Microthread::has_run_time_handlers() const noexcept {
  return reactor && !ReactorAccess::registry(*reactor).empty();
}
inline void Microthread::answered_outside() noexcept {
  if (expire_own()) [[unlikely]]
    return answered_branched();
  set(queued);
  ReactorAccess::make_ready(*reactor, *this);
  check();
}

/// The microthread whose code runs on this thread.
DEFERRED_API extern constinit thread_local Microthread* current_microthread;

/// Destroys its frames, leaf first, and before them those of the microthreads in its nurseries, the
/// deepest and newest first; in a loop. If the code of one of them is running, as soon as that
/// gives control back.
DEFERRED_API void close(Microthread& m) noexcept;
/// The same for one that was to be closed later, and then those that wait for that.
DEFERRED_API void close_as_marked(Microthread& m) noexcept;
/// Where a tree of microthreads is taken apart first.
Microthread& deepest_child(Microthread& m) noexcept;
/// Takes it off the list; its frames are gone.
DEFERRED_API void retire(Microthread& m) noexcept;
/// Collects the result of one that was in a nursery, and closes the parents that wait for that.
DEFERRED_API void end_child(Microthread& m, void (*collect)(Microthread&) noexcept) noexcept;
/// Runs it until it waits or is done. True if it is done and its result is to be collected.
inline bool resume(Microthread& m) noexcept {
  m.check();
  Microthread* const before = std::exchange(current_microthread, &m);
  m.change(Microthread::queued | Microthread::suspended | Microthread::answered_ahead,
           Microthread::running | Microthread::started);
  // The trampoline: a call or return of a subtask only sets `leaf`, so that the native stack does
  // not grow with the depth of the calls.
  do {
    m.leaf->handle().resume();
  } while (!m.is(Microthread::suspended | Microthread::done | Microthread::queued));
  current_microthread = before;
  m.unset(Microthread::running);
  m.check();
  if (!m.is(Microthread::done | Microthread::closing)) [[likely]]
    return false;
  if (m.is(Microthread::done)) return true;
  close_as_marked(m);
  return false;
}

}  // namespace deferred::detail
