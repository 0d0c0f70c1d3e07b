// SPDX-License-Identifier: MIT
//
// Chain: the one block behind a pending Deferred and its Promise. It holds the result slot and a
// queue of links (the callbacks) in an arena, all in 256 recycled bytes, and runs the links in a
// loop. The last link may be an await's, in the frame of its coroutine. It knows no types: links
// and cells do. Read chain.cpp's run() next, then cell.hpp (how a value lives in the slot) and
// stage.hpp (what a callback does to it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <typeinfo>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
#include "deferred/results/cancelling.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred::detail {

class Chain;

[[noreturn, gnu::cold]] DEFERRED_API void throw_moved_from();
[[noreturn, gnu::cold]] DEFERRED_API void throw_no_result();

/// One callback, type-erased. `run` applies it to the chain's slot if `execute`, and destroys it in
/// any case if it lies in the arena.
struct Link {
  using Run = void (*)(Chain& chain, Link& self, bool execute) noexcept;

  Link(Run does, SourceLocation added) noexcept : run(does), where(added) {}

  Link* next;  // set by Chain::append when there is a next one
  Run run;
  SourceLocation where;  // where it was added
};

/// What cancel() asks. It stands in the chain's arena.
struct Canceller {
  using Ask = Cancelling (*)(Canceller& self);
  using Destroy = void (*)(Canceller& self) noexcept;

  Canceller(Chain& of, Ask asks, Destroy destroys) noexcept
      : chain(of), ask(asks), destroy(destroys) {}

  Chain& chain;
  Ask ask;
  Destroy destroy;
  Canceller* below;  // the next of those that are to be asked, while it is one of them
  bool asked = false;
  Cancelling answer;  // when asked
};

class Chain {
 public:
  static constexpr std::size_t block_size = 256;
  static constexpr std::size_t slot_size = 48;
  enum class State : std::uint8_t { empty, value, failure };
  /// Moves the result of one chain into the empty slot of another.
  using Deliver = void (*)(Chain& from, Chain& to) noexcept;

  /// Pending, with a reference for each of its two ends.
  static Chain* make(SourceLocation where) {
    return new (allocate(sizeof(Chain))) Chain(where, 2, unfired);
  }
  /// Already fired, with the reference of its consumer. The caller fills the slot next.
  static Chain* make_fired() {
    Chain* const chain = new (allocate(sizeof(Chain))) Chain(SourceLocation(), 1, 0);
    chain->has_promise_ = false;
    return chain;
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  void retain() noexcept { ++refs_; }
  void release() noexcept {
    if (--refs_ == 0) destroy_block();
  }

  // The result slot. While the chain waits for another it holds a Following instead.
  State state() const noexcept { return state_; }
  void* slot() noexcept { return slot_; }
  Failure& failure() noexcept { return *std::launder(reinterpret_cast<Failure*>(slot_)); }
  void set_failure(Failure failure) noexcept {
    ::new (static_cast<void*>(slot_)) Failure(std::move(failure));
    state_ = State::failure;
  }
  /// A value stands in the slot; `destroy` (null: nothing to do) ends it.
  void holds_value(void (*destroy)(Chain&) noexcept) noexcept {
    destroy_value_ = destroy;
    state_ = State::value;
  }
  /// The slot's content was moved out and destroyed by the caller.
  void emptied() noexcept { state_ = State::empty; }
  void clear() noexcept {
    const State was = std::exchange(state_, State::empty);
    if (was == State::failure) {
      failure().~Failure();
    } else if (was == State::value && destroy_value_) {
      destroy_value_(*this);
    }
  }
  Failure take_failure() noexcept {
    Failure taken = std::move(failure());
    state_ = State::empty;  // what was moved from needs no destructor
    return taken;
  }
  /// A failure that has come from another Deferred has this place added to its trace.
  void note_passed(SourceLocation where) noexcept {
    if (state_ == State::failure) failure().passed(Failure::Passed::chain, where);
  }

  // The producing end.
  bool fired() const noexcept { return !(held_ & unfired); }
  /// True: fire it now. False: a late answer to a cancelled one, to be swallowed. Throws
  /// AlreadyCalledError else.
  bool may_fire() {
    if (fired()) [[unlikely]]
      swallow_late_fire();
    return !fired();
  }
  /// The slot has been filled: drops the canceller and runs the links. May end in a destroyed
  /// block, unless the caller holds a reference.
  void fire() noexcept {
    held_ &= ~unfired;
    if (!held_) return run(this);
    if (canceller_) [[unlikely]]
      drop_canceller_while_held();
  }
  DEFERRED_API void fire_failure(Failure failure) noexcept;
  /// The Promise is gone; unfired, it fires AbandonedError.
  void drop_promise(const std::type_info& type) noexcept {
    if (held_ & ~(running | waiting)) [[unlikely]]
      return drop_promise_early(type);
    has_promise_ = false;
    release();
  }
  DEFERRED_API void cancel() noexcept;
  /// Somebody can see what it would be fired with: a reader, or a callback.
  DEFERRED_API bool wanted() const noexcept;
  /// REQUIRES: not fired, and no canceller yet.
  void set_canceller(Canceller* canceller) noexcept { canceller_ = canceller; }

  // The consuming end.
  bool has_result() const noexcept { return !held_ && !head_; }
  void drop_consumer() noexcept {
    has_consumer_ = false;
    if (held_ >= paused || (state_ != State::empty && has_result())) [[unlikely]] {
      consumer_left();
    }
    release();
  }
  void drop_unreported() noexcept {
    silent_ = true;
    drop_consumer();
  }
  /// Who has this end takes the result by a link of its own, and keeps the end to cancel, not to
  /// unpause: when the Promise goes, a pause is over. May end the chain, but for a reference.
  void leave_pauses_to_promise() noexcept {
    has_consumer_ = false;
    if (held_ >= paused) [[unlikely]]
      lift_dead_pauses();
  }
  /// A failure is nobody's concern any more.
  void silence() noexcept { silent_ = true; }
  /// Queues a link and runs what can be run.
  void append(Link* link) noexcept {
    (head_ ? tail_->next : head_) = link;
    tail_ = link;
    link->next = nullptr;
    if (!held_) run(this);
  }
  /// Takes out the last link, which has not run and is the caller's to destroy.
  DEFERRED_API void remove_last(const Link& link) noexcept;
  void pause() noexcept { held_ += paused; }
  DEFERRED_API void unpause();

  /// Makes this chain wait for `inner` and go on with its result. Takes over the consuming end of
  /// `inner`. REQUIRES: the inner has no result yet; this chain runs and its slot is empty.
  DEFERRED_API void follow(Chain* inner, Deliver deliver, SourceLocation where) noexcept;
  /// True if `inner` waits for this chain, directly or through others, so that following it would
  /// never end.
  DEFERRED_API bool is_awaited_by(const Chain* inner) const noexcept;
  /// When this chain has its result, `deliver` moves it to `other`, which is then fired. Takes over
  /// the consuming end of this and the producing end of `other`. REQUIRES: `other` is not fired.
  DEFERRED_API void pipe_to(Chain* other, Deliver deliver) noexcept;

  /// Memory in the block, or on the heap when the block is full.
  void* arena(std::size_t size, std::size_t align) {
    const std::size_t at = (arena_used_ + align - 1) & ~(align - 1);
    if (align > arena_align || at + size > sizeof arena_) [[unlikely]] {
      return arena_overflow(size, align);
    }
    arena_used_ = static_cast<std::uint16_t>(at + size);
    return arena_ + at;
  }
  void free_arena(void* memory, std::size_t size, std::size_t align) noexcept {
    const auto offset = static_cast<std::byte*>(memory) - arena_;
    if (static_cast<std::size_t>(offset) < sizeof arena_) return;
    if (align <= arena_align) {
      detail::release(memory, size);
    } else {
      ::operator delete(memory, std::align_val_t{align});
    }
  }

  DEFERRED_API std::string describe(const std::string& type) const;

 private:
  friend struct GdbLayout;  // reactor/detail/gdb_layout.hpp
  // Why links may not run now: any of the flags, or some times `paused`. Zero: they may.
  static constexpr std::uint32_t unfired = 1;
  static constexpr std::uint32_t running = 2;  // they do already, further down the stack
  static constexpr std::uint32_t waiting = 4;  // for the result of another chain
  static constexpr std::uint32_t paused = 8;
  static constexpr std::size_t arena_align = 16;

  struct Following {
    Chain* inner;          // it has this chain as its sink, with a reference
    SourceLocation where;  // the callback that returned it, if one did
  };

  Chain(SourceLocation made, std::uint32_t refs, std::uint32_t held) noexcept
      : made_(made), refs_(refs), held_(held) {}
  ~Chain() = default;
  DEFERRED_API static void run(Chain* chain) noexcept;
  [[gnu::cold]] void run_later() noexcept;
  [[gnu::cold]] static void run_those_left() noexcept;
  void hand_over(Chain& next) noexcept;
  void hand_to_promise_of(Chain& next) noexcept;
  Chain* pass_to(Chain* reader, Deliver deliver) noexcept;
  void settle() noexcept;
  static void ask(Canceller& canceller) noexcept;
  static void ask_those_left() noexcept;
  static void conclude(Canceller& canceller) noexcept;
  [[gnu::noinline]] void drop_canceller() noexcept;
  [[gnu::noinline]] DEFERRED_API void drop_canceller_while_held() noexcept;
  DEFERRED_API void drop_promise_early(const std::type_info& type) noexcept;
  DEFERRED_API void consumer_left() noexcept;
  DEFERRED_API void lift_dead_pauses() noexcept;
  [[gnu::cold]] DEFERRED_API void swallow_late_fire();
  DEFERRED_API void* arena_overflow(std::size_t size, std::size_t align);
  DEFERRED_API void destroy_block() noexcept;
  Following& following() noexcept { return *std::launder(reinterpret_cast<Following*>(slot_)); }
  const Following& following() const noexcept {
    return *std::launder(reinterpret_cast<const Following*>(slot_));
  }
  /// The chain whose result comes here, if one does: as what a callback returned, or by chain().
  Chain* source() const noexcept {
    return held_ & waiting || (is_piped_ && !fired()) ? following().inner : nullptr;
  }

  Link* head_ = nullptr;
  Link* tail_;                              // the last link, while there is a head
  Chain* sink_ = nullptr;                   // who gets the result; a reference
  Deliver deliver_;                         // how, while there is a sink
  void (*destroy_value_)(Chain&) noexcept;  // while there is a value
  Canceller* canceller_ = nullptr;
  SourceLocation made_;
  std::uint32_t refs_;
  std::uint32_t held_;
  std::uint16_t arena_used_ = 0;
  State state_ = State::empty;
  bool has_promise_ = true;
  bool has_consumer_ = true;  // somebody has this end, who may take the result and unpause
  // Cancelled without a canceller: one late answer is ignored. (Twisted: suppressAlreadyCalled)
  bool swallow_next_fire_ : 1 = false;
  bool silent_ : 1 = false;      // nobody wants to hear of its failure
  bool cancelling_ : 1 = false;  // its canceller is being asked
  bool is_piped_ : 1 = false;    // another chain was chained to its Promise
  Chain* left_;                  // the next of those that run later, while it is one of them
  alignas(16) std::byte slot_[slot_size];
  alignas(arena_align) std::byte arena_[block_size - 80 - slot_size];
};

static_assert(sizeof(SourceLocation) > sizeof(void*) || sizeof(Chain) == Chain::block_size);

}  // namespace deferred::detail

#include "deferred/results/detail/cell.hpp"
