// SPDX-License-Identifier: MIT
//
// BranchBase: a wait without a coroutine, whatever it is for. Part of branch.hpp: include that.
#pragma once

#include <cstdint>
#include <typeinfo>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/detail/frame.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/detail/wait.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {

/// A microthread that only waits, and its frame. Whoever answers it calls answered(), at once.
class BranchBase {
 public:
  BranchBase(const BranchBase&) = delete;
  BranchBase& operator=(const BranchBase&) = delete;

  /// It has begun, and has neither ended nor lost.
  bool waits() const noexcept { return m_ && !m_->is(Microthread::done); }
  /// Asks what it waits for to end, once. True: it is over, if one says so. False: it will end by
  /// itself, or has ended, and maybe what it is part of has. REQUIRES: waits().
  DEFERRED_API bool ask_to_end();
  /// It ends with Cancelled. REQUIRES: waits().
  DEFERRED_API void end_cancelled() noexcept;
  /// It has lost: its Waiters are stale from here on, and it does not end. REQUIRES: waits().
  DEFERRED_API void expire() noexcept;
  /// What it waited for is undone in the reactor's next round. REQUIRES: not waits().
  DEFERRED_API void end_undo_soon() noexcept;

 protected:
  BranchBase() noexcept : frame_(*this) {}
  virtual ~BranchBase() {
    if (m_) m_->release();
  }

  /// A part of the wait of `whole`; or nobody's.
  DEFERRED_API void make_part_of(Microthread& whole);
  DEFERRED_API void make_alone(SourceLocation where);
  /// Its handler is called while one lives, as the microthread's code.
  class Beginning {
   public:
    DEFERRED_API explicit Beginning(BranchBase& branch) noexcept;
    Beginning(const Beginning&) = delete;
    Beginning& operator=(const Beginning&) = delete;
    /// Ends it, if the handler has answered; the branch may be gone then.
    DEFERRED_API ~Beginning();

   private:
    BranchBase& branch_;
    Microthread* before_;
  };
  /// It has nothing to wait for.
  DEFERRED_API void not_begun() noexcept;
  /// Before what may answer it dies.
  DEFERRED_API void stop() noexcept;
  /// What stands in place of a value in the wait's slot.
  DEFERRED_API Failure failure_of(Wait::State state, Failure& given,
                                  const std::type_info& yieldable) noexcept;

  /// It has its answer. May end *this.
  virtual void answered() noexcept = 0;
  /// The reactor's round in which it was answered is over.
  virtual void round_over() noexcept = 0;

  struct Frame : BranchFrame {
    explicit Frame(BranchBase& of) noexcept : branch(of) {}
    BranchBase& branch;
  };
  Microthread* m_ = nullptr;  // a reference; null: not begun
  Frame frame_;

 private:
  static void run(Runnable& self, bool alive) noexcept;
  void begin_with(Microthread* made, SourceLocation where);
  void finish() noexcept;
};

}  // namespace deferred::detail
