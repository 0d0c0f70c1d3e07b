// SPDX-License-Identifier: MIT
//
// NurseryState: a nursery without its spawn(). Part of nursery.hpp: include that.
#pragma once

#include <cstddef>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/detail/scope.hpp"
#include "deferred/results/cancelling.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

namespace detail {

/// The state of a nursery, its children's family, and the wait for the last of them.
class DEFERRED_API NurseryState {
 public:
  explicit NurseryState(Reactor& reactor) noexcept;
  NurseryState(const NurseryState&) = delete;
  NurseryState& operator=(const NurseryState&) = delete;
  /// An error that nobody has waited for is reported.
  [[gnu::visibility("hidden")]] ~NurseryState();

  Family& family() noexcept { return node_; }
  const Family& family() const noexcept { return node_; }
  Reactor& reactor() const;  // throws NoReactorError if it is gone
  std::size_t size() const noexcept { return live_; }
  void begin_child() noexcept { ++live_; }
  /// What a child, the body or the wait for the children has failed with.
  void fail(const Failure& failure) noexcept;
  const Failure& first() const noexcept { return first_; }
  Failure take_first() noexcept { return std::exchange(first_, Failure()); }
  /// Something in it was cut by a cancel from outside of it. / A one-shot one has come.
  bool cut() const noexcept { return cut_; }
  bool asked_once() const noexcept { return asked_once_; }
  void forget() noexcept { cut_ = asked_once_ = false; }

  /// While one lives, a task is here to wait for a nursery that may be destroyed meanwhile.
  class Visit {
   public:
    explicit Visit(NurseryState& state) noexcept : state_(&state) { state.visit_ = this; }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit() {
      if (state_) state_->visit_ = nullptr;
    }
    bool nursery_is_gone() const noexcept { return !state_; }

   private:
    friend class NurseryState;
    NurseryState* state_;  // null: it is gone
  };
  bool is_visited() const noexcept { return visit_ != nullptr; }

  /// Waits until no child is left. A one-shot cancel cancels them.
  class [[gnu::visibility("hidden")]] Empty {
   public:
    explicit Empty(NurseryState& state) noexcept : state_(&state) {}
    class Undo {
     public:
      explicit Undo(NurseryState& state) noexcept : state_(&state) { state.waiting_ = this; }
      Undo(const Undo&) = delete;
      Undo& operator=(const Undo&) = delete;
      ~Undo() {
        if (!state_) return;
        state_->waiter_ = {};
        state_->waiting_ = nullptr;
      }
      Cancelling request_cancel() noexcept;

     private:
      friend class NurseryState;
      NurseryState* state_;  // null: it is gone
    };
    /// Gives nothing; or the error that was thrown into the wait, or Cancelled, instead of throwing
    /// it.
    Undo yield_to(Waiter<Outcome<void>> waiter) const;

   private:
    NurseryState* state_;
  };
  /// The same, out of reach of the level cancels around it; whatever is thrown in is a failure. Has
  /// ended too if the nursery was destroyed.
  Task<void> gone();

 private:
  struct Node : Family {
    explicit Node(NurseryState& of, Reactor& home) noexcept : Family(home), state(&of) {}
    NurseryState* state;
  };
  [[gnu::visibility("hidden")]] static void child_failed(Family& family,
                                                         const Failure& failure) noexcept;
  [[gnu::visibility("hidden")]] static void child_ended(Family& family) noexcept;

  Node node_;
  std::size_t live_ = 0;
  Failure first_;
  Waiter<Outcome<void>> waiter_;
  Empty::Undo* waiting_ = nullptr;
  Visit* visit_ = nullptr;
  bool cut_ = false;
  bool asked_once_ = false;
};

}  // namespace detail

}  // namespace deferred
