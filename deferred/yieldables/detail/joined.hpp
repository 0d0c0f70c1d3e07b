// SPDX-License-Identifier: MIT
//
// Joined: what all(), all_settled(), any() and race() make of several yieldables. Of plain ones one
// wait, without a coroutine; with a task among them a nursery, in whose body the plain ones are
// waited for. Next: join.hpp, which decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/results/unit.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/tasks/yield_to.hpp"
#include "deferred/yieldable.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/detail/input_lists.hpp"
#include "deferred/yieldables/detail/join.hpp"

namespace deferred::detail {

/// A Join with its inputs, which are parts of the wait of a Waiter<W>.
template <Joining How, class List, class W>
class JoinOf : public Join {
 public:
  using Result = typename List::template Result<How>;

 protected:
  explicit JoinOf(const typename List::Given& given) : Join(How, given.size()), list_(given) {}
  ~JoinOf() = default;

  /// In their order. What comes behind one that decides is not begun.
  void begin(typename List::Given& given, const Waiter<W>& whole, Nursery* nursery) {
    const Busy busy(*this);
    std::uint32_t number = 0;
    list_.begin_each(given, [&](auto& input, auto&& x) {
      using Y = std::conditional_t<std::is_lvalue_reference_v<decltype(x)>, decltype(x),
                                   std::remove_reference_t<decltype(x)>>;
      const InputPlace<W> place{*this, whole, passed_by(How), ++number, nursery};
      // The whole is over where it is a part itself that has lost while its inputs begin.
      if (this->decided() || !whole.pending()) {
        deferred::abandon(std::forward<Y>(x));
      } else {
        this->add(input);
        input.begin(std::forward<Y>(x), place);
      }
    });
  }
  /// REQUIRES: decided.
  Outcome<Result> result() noexcept try {
    if (Failure failure = this->take_failure()) return failure;
    return list_.template result<How>(this->winner());
  } catch (...) {  // the move of a value threw, or there is no memory
    return Failure::current();
  }

 private:
  List list_;
};

/// The undo of a wait for plain inputs.
template <Joining How, class List>
class PlainJoin final : public JoinOf<How, List, typename List::template Result<How>> {
  using Result = typename List::template Result<How>;

 public:
  PlainJoin(typename List::Given& given, const Waiter<Result>& waiter) try : JoinOf
    <How, List, Result>(given) {
      this->begin(given, waiter, nullptr);
      if (this->is_complete()) {
        answer(waiter);
      } else {
        waiter_ = waiter;
      }
    }
  catch (...) {  // there is no memory for the inputs
    given.abandon();
  }

 private:
  void give() noexcept override {
    const Waiter<Result> waiter = std::exchange(waiter_, {});
    answer(waiter);  // which may end *this
  }
  void answer(const Waiter<Result>& waiter) noexcept {
    try {
      waiter.fire(this->result());
    } catch (...) {  // the move of a value threw
      waiter.throw_(Failure::current());
    }
  }

  Waiter<Result> waiter_;
};

/// With a task among them. It stands in the coroutine that waits, around the nursery.
template <Joining How, class List>
class MixedJoin final : public JoinOf<How, List, void> {
  using Given = typename List::Given;

 public:
  using typename JoinOf<How, List, void>::Result;

  explicit MixedJoin(const Given& given) : JoinOf<How, List, void>(given) {}

  /// What was given, by the coroutine that may not come to begin it.
  class Kept {
   public:
    explicit Kept(Given&& given) : given_(std::move(given)) {}
    Kept(Kept&& other)
        : given_(std::move(other.given_)), begun_(std::exchange(other.begun_, true)) {}
    Kept& operator=(Kept&&) = delete;
    ~Kept() {
      if (!begun_) given_.abandon();
    }
    const Given& given() const noexcept { return given_; }
    Given& begin() noexcept {
      begun_ = true;
      return given_;
    }

   private:
    Given given_;
    bool begun_ = false;
  };

  /// The wait for all of them, in the nursery's body. What is plain is undone with it.
  class Wait {
   public:
    Wait(MixedJoin& join, Kept& kept, Nursery& nursery) noexcept
        : join_(&join), kept_(&kept), nursery_(&nursery) {}
    class Undo {
     public:
      explicit Undo(MixedJoin& join) noexcept : join_(join) {}
      Undo(const Undo&) = delete;
      Undo& operator=(const Undo&) = delete;
      ~Undo() {
        join_.waiter_ = {};
        join_.expire_all();
      }
      Cancelling request_cancel() { return join_.request_cancel(); }

     private:
      MixedJoin& join_;
    };
    Undo yield_to(Waiter<void> waiter) && {
      join_->begin(kept_->begin(), waiter, nursery_);
      if (join_->is_complete()) {
        waiter.resume();
      } else {
        join_->waiter_ = waiter;
      }
      return Undo(*join_);
    }

   private:
    MixedJoin* join_;
    Kept* kept_;
    Nursery* nursery_;
  };

  static Task<Result> run(Kept kept) {
    MixedJoin join(kept.given());
    auto body = [&](Nursery& nursery) -> Task<Unit> {
      auto wait = as_outcome(Wait(join, kept, nursery));
      const Outcome<void> ended = co_await unlisted(std::move(wait));
      if (!ended.has_value()) co_return ended.failure();
      co_return Unit();
    };
    auto group = as_outcome(with_nursery(std::move(body)));
    const Outcome<Unit> ended = co_await unlisted(std::move(group));
    const bool cut = ended.template check<Cancelled>() != nullptr;
    // What the tasks have come to all the same is not lost to a cancel.
    if (ended.has_value() || (cut && join.decided())) co_return join.result();
    co_return ended.failure();
  }

 private:
  void give() noexcept override {
    const Waiter<void> waiter = std::exchange(waiter_, {});
    waiter.resume();
  }

  Waiter<void> waiter_;
};

/// The yieldable. REQUIRES: each input can be awaited.
template <Joining How, class List>
class Joined {
  using Given = typename List::Given;

 public:
  using Result = typename List::template Result<How>;

  explicit Joined(Given given) : given_(std::move(given)) {}
  PlainJoin<How, List> yield_to(Waiter<Result> waiter) && {
    return PlainJoin<How, List>(given_, waiter);
  }
  void abandon() && { given_.abandon(); }

 private:
  Given given_;
};
template <Joining How, class List>
  requires List::has_tasks
class Joined<How, List> {
  using Given = typename List::Given;

 public:
  using Result = typename List::template Result<How>;

  explicit Joined(Given given) : given_(std::move(given)) {}
  Task<Result> yield_to() && {
    using Mixed = MixedJoin<How, List>;
    return Mixed::run(typename Mixed::Kept(std::move(given_)));
  }
  void abandon() && { given_.abandon(); }

 private:
  Given given_;
};

template <class T>
inline constexpr bool is_vector = false;
template <class Y>
inline constexpr bool is_vector<std::vector<Y>> = true;

/// Says at compile time what is wrong with the inputs. False: something is, and no more is said.
template <class... Y>
constexpr bool can_join() {
  (require_yieldable<Y>(), ...);
  return (HandlerOf<Y>::awaitable && ...);
}
template <class V>
constexpr bool can_join_each() {
  using Y = typename std::remove_cvref_t<V>::value_type;
  constexpr bool can_be_taken = !std::is_lvalue_reference_v<V> || std::is_copy_constructible_v<Y>;
  static_assert(can_be_taken, "std::move the vector: what stands in it can be awaited only once");
  return can_be_taken && can_join<Y>();
}
/// In place of what has been refused.
class Refused {
 public:
  void yield_to(Waiter<void> waiter) const { waiter.resume(); }
};

}  // namespace deferred::detail
