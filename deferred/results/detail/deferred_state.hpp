// SPDX-License-Identifier: MIT
//
// What a Deferred<T> holds: nothing (moved from), a result inline, or a chain. The only place that
// tells these apart. Where the compiler sees a ready Deferred made and used, nothing of it is left:
// for this no function that is called may be given the address of a state, hence the forced
// inlining, on error paths too.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "deferred/results/detail/stage.hpp"

namespace deferred::detail {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a union has a side.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
template <class T>
class DeferredState {
  using Value = Stored<T>;
  static constexpr bool inline_value = Cell<Value>::in_place;
  enum class Kind : std::uint8_t { nothing, value, failure, chain };

 public:
  DeferredState() noexcept {}
  explicit DeferredState(Chain* chain) noexcept : chain_(chain), kind_(Kind::chain) {}
  [[gnu::always_inline]] DeferredState(DeferredState&& other) noexcept { take_over(other); }
  [[gnu::always_inline]] DeferredState& operator=(DeferredState&& other) noexcept {
    if (this != &other) {
      const DeferredState old(std::move(*this));  // goes last: its destructor may run users' code
      take_over(other);
    }
    return *this;
  }
  [[gnu::always_inline]] ~DeferredState() { drop(); }

  bool valid() const noexcept { return kind_ != Kind::nothing; }
  Chain* chain() const noexcept { return kind_ == Kind::chain ? chain_ : nullptr; }
  bool has_result() const noexcept {
    return kind_ == Kind::chain ? chain_->has_result() : kind_ != Kind::nothing;
  }
  bool fired() const noexcept {
    return kind_ == Kind::chain ? chain_->fired() : kind_ != Kind::nothing;
  }

  // The inline result. REQUIRES: has_result() and no chain.
  bool has_value() const noexcept { return kind_ == Kind::value; }
  const Failure& failure() const noexcept { return failure_; }
  [[gnu::always_inline]] Value take_value() noexcept {
    if constexpr (inline_value) {
      struct End {
        DeferredState& state;
        [[gnu::always_inline]] ~End() { state.clear(); }
      } end{*this};
      return std::move(value_);
    } else {
      std::terminate();  // such values are always in a chain
    }
  }
  [[gnu::always_inline]] Failure take_failure() noexcept {
    kind_ = Kind::nothing;
    return std::move(failure_);  // what is left needs no destructor
  }

  // REQUIRES: valid() is false.
  template <class Make>
  void emplace(Make&& make) {
    if constexpr (inline_value) {
      ::new (static_cast<void*>(std::addressof(value_))) Value(make());
      kind_ = Kind::value;
    } else {
      Chain* const chain = Chain::make_fired();
      try {
        Cell<Value>::emplace(*chain, make);
      } catch (...) {
        chain->release();
        throw;
      }
      chain_ = chain;
      kind_ = Kind::chain;
    }
  }
  void fail(Failure failure) noexcept {
    std::construct_at(&failure_, std::move(failure));
    kind_ = Kind::failure;
  }

  /// A failure that is here already has this place added to its trace.
  void note_passed(SourceLocation where) noexcept {
    if (kind_ == Kind::failure) failure_.passed(Failure::Passed::chain, where);
    if (kind_ == Kind::chain && chain_->has_result()) chain_->note_passed(where);
  }

  /// The result, taken out. Throws std::logic_error if it is not there.
  Outcome<T> take() {
    if (kind_ == Kind::value) return Outcome<T>(take_value());
    if (kind_ == Kind::failure) return Outcome<T>(take_failure());
    if (kind_ == Kind::nothing) throw_moved_from();
    if (!chain_->has_result()) throw_no_result();
    struct Drop {
      Chain* chain;
      ~Drop() { chain->drop_consumer(); }
    } drop{release_chain()};
    if (drop.chain->state() == Chain::State::value) {
      return Outcome<T>(Cell<Value>::take(*drop.chain));
    }
    return Outcome<T>(drop.chain->take_failure());
  }

  /// The chain, made from an inline result if there is none yet.
  Chain& materialise() {
    if (kind_ == Kind::nothing) throw_moved_from();
    if (kind_ != Kind::chain) {
      Chain* const chain = Chain::make_fired();
      if (kind_ == Kind::failure) {
        chain->set_failure(take_failure());
      } else if constexpr (inline_value) {
        Cell<Value>::emplace(*chain, [this]() noexcept -> Value { return take_value(); });
      }
      chain_ = chain;
      kind_ = Kind::chain;
    }
    return *chain_;
  }

  Chain* release_chain() noexcept {
    kind_ = Kind::nothing;
    return chain_;
  }

  /// Lets go of the result, without a report of its failure.
  [[gnu::always_inline]] void drop_unreported() noexcept {
    if (kind_ == Kind::chain) {
      release_chain()->drop_unreported();
    } else {
      clear();
    }
  }
  [[gnu::always_inline]] void drop() noexcept {
    if (kind_ == Kind::nothing) return;
    if (kind_ == Kind::chain) {
      drop_chain(release_chain());
    } else if (kind_ == Kind::failure) {
      report_dropped(take_failure());
    } else {
      clear();
    }
  }

 private:
  [[gnu::noinline]] static void drop_chain(Chain* chain) noexcept { chain->drop_consumer(); }
  [[gnu::cold, gnu::noinline]] static void report_dropped(Failure failure) noexcept {
    report_unhandled(failure, typeid(T));
  }

  [[gnu::always_inline]] void clear() noexcept {
    const Kind was = std::exchange(kind_, Kind::nothing);
    if (was == Kind::value) std::destroy_at(std::addressof(value_));
    if (was == Kind::failure) std::destroy_at(&failure_);
  }
  [[gnu::always_inline]] void take_over(DeferredState& other) noexcept {
    kind_ = other.kind_;
    if (kind_ == Kind::chain) {
      chain_ = other.release_chain();
    } else if (kind_ == Kind::value) {
      if constexpr (inline_value) std::construct_at(std::addressof(value_), other.take_value());
    } else if (kind_ == Kind::failure) {
      std::construct_at(&failure_, other.take_failure());
    }
  }

  // Two unions and not one: members of one size each can be kept in registers.
  union {
    Chain* chain_;
    Failure failure_;
  };
  union {
    std::conditional_t<inline_value, Value, Unit> value_;
  };
  Kind kind_ = Kind::nothing;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// A Deferred that is just being made, as the target of a stage.
template <class U>
class ReadyTarget {
 public:
  ReadyTarget(DeferredState<U>& state, const SourceLocation& where) noexcept
      : state_(state), where_(where) {}

  template <class Make>
  void emplace(Make&& make) {
    state_.emplace(make);
  }
  void fail(Failure failure) noexcept { state_.fail(std::move(failure)); }
  template <class In>
  void pass_value(In& in) noexcept {
    state_ = std::move(in);
  }
  template <class In>
  void pass_failure(In& in) noexcept {
    state_.fail(in.take_failure());
  }
  void follow(Deferred<U>&& inner);
  SourceLocation where() const noexcept { return where_; }

 private:
  DeferredState<U>& state_;
  const SourceLocation& where_;
};

}  // namespace deferred::detail
