// SPDX-License-Identifier: MIT
//
// Wait: one suspension, as the machinery sees it, and the room for its answer. Next:
// microthread.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/reactor/detail/frame.hpp"
#include "deferred/results/cancelling.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"

namespace deferred::detail {

struct Wait;
/// What can be asked of a wait without knowing its type.
struct WaitOps {
  const std::type_info* yieldable;  // no function: debuggers read it, too
  /// Asks what is waited on to end early.
  Cancelling (*request_cancel)(Wait& wait);
  void (*fail)(Wait& wait, Failure failure) noexcept;
  void (*clear)(Wait& wait) noexcept;
  /// What its yieldable says of itself; null: nothing.
  std::string (*describe)(const Wait& wait);
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

/// A Wait with room for its answer.
template <class R>
using SlotFor = Answer<Wait, Delivered<R>>;

/// A frame with room for its result.
struct ResultFrame : FrameBase {
  Wait::State state = Wait::State::open;
  /// Whether a generator's frame is the Task of one of its steps now; `no`, if it is the caller's.
  enum class Kept : std::uint8_t { no, idle, lent } kept = Kept::no;
};
template <class R>
using ResultFor = Answer<ResultFrame, Delivered<R>>;

template <class R>
inline constexpr bool may_be_step = false;
template <class Out>
inline constexpr bool may_be_step<std::optional<Out>> = true;
/// A call of it is over, and its result was taken, or it was not called: destroys the frame, or
/// gives it back to its generator.
template <class R>
[[gnu::always_inline]] inline void end_call(ResultFor<R>& frame, bool called = true) noexcept {
  if constexpr (may_be_step<Delivered<R>>) {
    if (frame.kept == ResultFrame::Kept::lent) {
      frame.clear();
      frame.kept = ResultFrame::Kept::idle;
      return;
    }
  }
  called ? destroy_frame(frame) : drop_uncalled(frame);
}

}  // namespace deferred::detail
