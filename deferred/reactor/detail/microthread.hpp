// SPDX-License-Identifier: MIT
//
// The state of one microthread and of the wait it is in. Everything that resumes, cancels, closes
// or dumps a microthread works on this. Waiters and TaskRefs keep it alive by reference; its frames
// belong to the reactor. Read waiter.hpp and yield_to.hpp for how a wait begins and ends.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>

#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/detail/runnable.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred {
class Reactor;
}

namespace deferred::detail {

class Chain;
struct FrameBase;
struct Microthread;

/// The awaiter in a caller's frame that owns a called subtask.
struct CallLink {
  FrameBase* caller = nullptr;
  FrameBase* callee = nullptr;  // nulled by close(), which destroys the callee itself
};

/// The part of each coroutine's promise that the machinery walks. It stands first in the promise,
/// so that a coroutine_handle can be made from it.
struct FrameBase {
  Microthread* microthread = nullptr;
  CallLink* called_by = nullptr;  // null in a root frame
  SourceLocation where;           // the await it is in, or was in last

  std::coroutine_handle<> handle() noexcept {
    return std::coroutine_handle<FrameBase>::from_promise(*this);
  }
};

struct Wait;
/// What can be asked of a wait without knowing its type.
struct WaitOps {
  const std::type_info& (*yieldable)() noexcept;
  /// Asks what is waited on to end early: true if it will answer, or has.
  bool (*request_cancel)(Wait& wait);
  void (*fail)(Wait& wait, Failure failure) noexcept;
  void (*clear)(Wait& wait) noexcept;
};

/// What stands in an UndoRoom: nothing to undo, what the type's own handler returned, or what one
/// that was added at run time did.
enum class UndoKind : std::uint8_t { none, fixed, erased };

/// One suspension: the head of the awaiter, where the answer is put.
struct Wait {
  enum class State : std::uint8_t { open, value, failure, cancelled, abandoned };
  const WaitOps* ops = nullptr;
  State state = State::open;
  UndoKind undo_kind = UndoKind::none;
};

/// Awaits inside the library have no place of their own.
inline bool is_listed(const SourceLocation& where) noexcept { return where.line() != 0; }

/// Adds room for an answer to something that has a `state`: the wait's slot, a frame's result.
template <class Base, class R>
struct Answer : Base {
  using Value = Stored<R>;
  using State = Wait::State;

  Answer() noexcept {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  [[gnu::always_inline]] ~Answer() {
    if constexpr (std::is_trivially_destructible_v<Value>) {
      if (this->state == State::failure) [[unlikely]]
        std::destroy_at(&failure);
    } else {
      clear();
    }
  }

  template <class... A>
  void set_value(A&&... arguments) {
    std::construct_at(std::addressof(value), std::forward<A>(arguments)...);
    this->state = State::value;
  }
  void set_failure(Failure error) noexcept {
    std::construct_at(&failure, std::move(error));
    this->state = State::failure;
  }
  void set_outcome(Outcome<R>&& outcome) {
    if (outcome.has_value()) {
      set_value(*std::move(outcome));
    } else {
      set_failure(outcome.failure());
    }
  }
  void clear() noexcept {
    if (this->state == State::value) std::destroy_at(std::addressof(value));
    if (this->state == State::failure) std::destroy_at(&failure);
    this->state = State::open;
  }

  union {
    Value value;
    Failure failure;
  };
};

/// What is delivered for an R. A wait for an Outcome<R> uses the slot of an R: a failure is
/// delivered in it instead of thrown.
template <class R>
struct Delivery {
  using type = R;
};
template <class R>
struct Delivery<Outcome<R>> {
  using type = R;
};
template <class R>
using Delivered = typename Delivery<R>::type;

/// A Wait with room for its answer.
template <class R>
using SlotFor = Answer<Wait, Delivered<R>>;

/// A frame with room for its result.
struct ResultFrame : FrameBase {
  Wait::State state = Wait::State::open;
};
template <class R>
using ResultFor = Answer<ResultFrame, Delivered<R>>;

struct Extras;

struct Microthread : Runnable, Recycled {
  enum Flag : std::uint16_t {
    started = 1,
    running = 2,    // its code, or a handler for it, is on the native stack
    suspended = 4,  // in `wait`, until the ready queue resumes it
    queued = 8,     // in a queue of the reactor
    has_extras = 16,
    done = 32,          // the root frame has finished, or was closed
    closing = 64,       // close() is at work, or wanted as soon as the code gives control back
    has_handle = 128,   // a Spawned may still ask for the result, which stays in the root frame
    cancelled = 256,    // an enclosing scope is cancelled: every wait throws Cancelled
    cancel_next = 512,  // one cancel is to be delivered at the next wait
    throw_next = 1024,  // Extras::pending is to be thrown at the next wait
    root_cancelled = 2048,
    silent = 8192,          // nobody wants to hear of its failure
    answered_ahead = 4096,  // answered for the next turn: nothing is lost if a cancel replaces it
  };

  bool is(unsigned mask) const noexcept { return (flags & mask) != 0; }
  void set(unsigned mask) noexcept { flags = static_cast<std::uint16_t>(flags | mask); }
  void change(unsigned off, unsigned on) noexcept {
    flags = static_cast<std::uint16_t>((flags & ~off) | on);
  }
  void unset(unsigned mask) noexcept { flags = static_cast<std::uint16_t>(flags & ~mask); }
  /// Suspended and not answered yet.
  bool is_waiting() const noexcept { return is(suspended) && wait->state == Wait::State::open; }
  /// Puts another answer in place of one that was given ahead. REQUIRES: answered_ahead.
  void replace_answer(Wait::State state) noexcept {
    wait->ops->clear(*wait);
    wait->state = state;
    unset(answered_ahead);
  }
  /// Its reactor's registry is not empty.
  bool has_run_time_handlers() const noexcept;  // inline, in reactor_bodies.hpp
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

  /// From here on the Waiters of the present suspension are stale.
  void expire() noexcept {
    ++epoch;
    waiters = 0;
  }
  /// The answer is in the slot: later ones are stale. Queues it, unless its handler is still
  /// running.
  [[gnu::always_inline]] void answered() noexcept {
    if (!handling) return answered_outside();
    if (waiters != 0) expire();
  }
  /// Fills the wait with a state that carries nothing. REQUIRES: is_waiting().
  void answer_with(Wait::State state) noexcept {
    wait->state = state;
    answered();
  }

  Microthread* previous_live = nullptr;  // in the reactor's list
  Microthread* next_live = nullptr;
  Reactor* reactor = nullptr;  // null: none was found, or it is gone
  FrameBase* leaf = nullptr;   // the frame that runs, or will when resumed
  Wait* wait = nullptr;        // the wait it is in, while handling or suspended
  std::uint64_t epoch = 1;     // Waiters of an earlier one are stale; moves on with each answer
  std::uint32_t refs = 1;
  std::uint32_t waiters = 0;  // Waiters beside the handler's own that may still answer
  std::uint32_t id_low = 0;
  std::uint8_t id_high = 0;
  bool handling = false;  // inside the handler of `wait`
  std::uint16_t flags = 0;

  std::uint64_t id() const noexcept { return std::uint64_t{id_high} << 32 | id_low; }
  /// What is fired with the result; its Promise reference.
  Chain*& completion() noexcept;
  Extras* extras() const noexcept { return is(has_extras) ? extras_ : nullptr; }
  /// REQUIRES: it has none.
  void add_extras(Extras& made) noexcept;

 private:
  void answered_outside() noexcept;  // inline, in reactor_bodies.hpp
  void destroy() noexcept;

  union {
    Chain* completion_ = nullptr;
    Extras* extras_;  // which has the completion then
  };
};

/// One cancel scope on the stack of a microthread's frames, innermost first.
struct Scope {
  Scope* outer = nullptr;
  bool cancelled = false;
  bool shield = false;
};

/// What only few microthreads have.
struct Extras {
  std::string name;
  Failure pending;  // see Flag::throw_next
  Scope* innermost = nullptr;
  Chain* completion = nullptr;
};

inline Chain*& Microthread::completion() noexcept {
  return is(has_extras) ? extras_->completion : completion_;
}
inline void Microthread::add_extras(Extras& made) noexcept {
  made.completion = completion_;
  extras_ = &made;
  set(has_extras);
}

/// The microthread whose code runs on this thread.
extern constinit thread_local Microthread* current_microthread;

Extras& extras_of(Microthread& m);
/// Recomputes Flag::cancelled from the scopes, and throws at the leaf if it has become set.
void update_cancelled(Microthread& m) noexcept;
/// Cancels the whole microthread, for good.
void cancel_level(Microthread& m) noexcept;
/// Cancels what it waits on, once; if it is not waiting, its next wait.
void cancel_once(Microthread& m) noexcept;
/// The same, from the canceller of its Deferred: what it waits on may be the next microthread's
/// Deferred, and so on. Does nothing while the reactor is being destroyed: it closes all of them.
void cancel_in_a_row(Microthread& m) noexcept;
/// Throws `failure` at the wait it is in, or at its next one.
void throw_into(Microthread& m, Failure failure);
/// Destroys its frames, leaf first, in a loop; if its code is running, as soon as that gives
/// control back.
void close(Microthread& m) noexcept;
/// Takes it off the reactor's list; its frames are gone.
void retire(Microthread& m) noexcept;
/// "task #7 'name' waiting on Pause at a.cpp:3 in f, from g at ...".
std::string describe(const Microthread& m);
std::string task_label(const Microthread& m);
/// What is left of a microthread that was closed.
Failure closed_failure(const Microthread& m) noexcept;
/// Reports a failure that nobody took, as this microthread's.
void report_unhandled(const Microthread& m, const Failure& failure) noexcept;
[[noreturn]] void no_reactor(const Microthread& m);

/// Runs it until it waits or is done. True if it is done and its result is to be collected.
inline bool resume(Microthread& m) noexcept {
  Microthread* const before = std::exchange(current_microthread, &m);
  m.change(Microthread::queued | Microthread::suspended | Microthread::answered_ahead,
           Microthread::running | Microthread::started);
  // The trampoline: a call or return of a subtask only sets `leaf`, so that the native stack does
  // not grow with the depth of the calls.
  do {
    m.leaf->handle().resume();
  } while (!m.is(Microthread::suspended | Microthread::done));
  current_microthread = before;
  m.unset(Microthread::running);
  if (!m.is(Microthread::done | Microthread::closing)) [[likely]]
    return false;
  if (m.is(Microthread::done)) return true;
  m.unset(Microthread::closing);
  close(m);
  return false;
}

}  // namespace deferred::detail
