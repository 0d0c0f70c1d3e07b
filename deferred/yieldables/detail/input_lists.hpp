// SPDX-License-Identifier: MIT
//
// Several, Range: the inputs of one call of all(), race() and the like, each of a type of its own,
// or a vector of one type; and their results. Part of joined.hpp: include that.
#pragma once

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "deferred/results/outcome.hpp"
#include "deferred/results/unit.hpp"
#include "deferred/tasks/yield_to.hpp"
#include "deferred/yieldable.hpp"
#include "deferred/yieldables/detail/inputs.hpp"
#include "deferred/yieldables/detail/join.hpp"
#include "deferred/yieldables/winner.hpp"

namespace deferred::detail {

/// Inputs of types of their own.
template <class... Y>
class Several {
  static constexpr auto indices = std::index_sequence_for<Y...>();

 public:
  static constexpr bool has_tasks = (AwaitedAsSubtask<Y> || ...);

  /// What was given to be awaited.
  class Given {
   public:
    explicit Given(Y&&... x) : xs_(std::forward<Y>(x)...) {}
    std::size_t size() const noexcept { return sizeof...(Y); }
    void abandon() noexcept {
      std::apply([](auto&... x) { (deferred::abandon(std::forward<Y>(x)), ...); }, xs_);
    }

   private:
    friend class Several;
    std::tuple<Y...> xs_;
  };

  explicit Several(const Given&) {}
  /// Calls `begin(input, x)` with each.
  template <class Begin>
  void begin_each(Given& given, Begin begin) {
    begin_each(given, begin, indices);
  }

  template <Joining How>
  using Result =
      std::conditional_t<How == Joining::all, std::tuple<Stored<AwaitedResult<Y>>...>,
                         std::conditional_t<How == Joining::all_settled,
                                            std::tuple<Outcome<Delivered<AwaitedResult<Y>>>...>,
                                            std::variant<Stored<AwaitedResult<Y>>...>>>;
  template <Joining How>
  Result<How> result(std::size_t winner) {
    if constexpr (How == Joining::all) {
      return std::apply([](auto&... each) { return Result<How>(each.value()...); }, inputs_);
    } else if constexpr (How == Joining::all_settled) {
      return std::apply([](auto&... each) { return Result<How>(each.outcome()...); }, inputs_);
    } else {
      return won<Result<How>>(winner);
    }
  }

 private:
  template <class Begin, std::size_t... I>
  void begin_each(Given& given, Begin& begin, std::index_sequence<I...>) {
    (begin(std::get<I>(inputs_), std::forward<Y>(std::get<I>(given.xs_))), ...);
  }
  template <class Won, std::size_t I = 0>
  Won won(std::size_t winner) {
    if constexpr (I + 1 < sizeof...(Y)) {
      if (I != winner) return won<Won, I + 1>(winner);
    }
    return Won(std::in_place_index<I>, std::get<I>(inputs_).value());
  }

  std::tuple<InputFor<Y>...> inputs_;
};

/// The inputs of a vector.
template <class Y>
class Range {
  using R = AwaitedResult<Y>;

 public:
  static constexpr bool has_tasks = AwaitedAsSubtask<Y>;

  class Given {
   public:
    explicit Given(std::vector<Y> xs) noexcept : xs_(std::move(xs)) {}
    std::size_t size() const noexcept { return xs_.size(); }
    void abandon() noexcept {
      for (Y& x : xs_) deferred::abandon(std::move(x));
    }

   private:
    friend class Range;
    std::vector<Y> xs_;
  };

  explicit Range(const Given& given)
      : size_(given.size()), inputs_(std::make_unique<InputFor<Y>[]>(size_)) {}
  template <class Begin>
  void begin_each(Given& given, Begin begin) {
    for (std::size_t i = 0; i < size_; ++i) begin(inputs_[i], std::move(given.xs_[i]));
  }

  template <Joining How>
  using Result =
      std::conditional_t<How == Joining::all, std::vector<Stored<R>>,
                         std::conditional_t<How == Joining::all_settled,
                                            std::vector<Outcome<Delivered<R>>>, Winner<R>>>;
  template <Joining How>
  Result<How> result(std::size_t winner) {
    if constexpr (How == Joining::any || How == Joining::race) {
      return Winner<R>(winner, inputs_[winner].value());
    } else {
      Result<How> results;
      results.reserve(size_);
      for (std::size_t i = 0; i < size_; ++i) {
        if constexpr (How == Joining::all) {
          results.push_back(inputs_[i].value());
        } else {
          results.push_back(inputs_[i].outcome());
        }
      }
      return results;
    }
  }

 private:
  std::size_t size_;
  std::unique_ptr<InputFor<Y>[]> inputs_;
};

template <class... Y>
struct ListOf {
  using type = Several<Y...>;
};
template <class Y>
struct ListOf<std::vector<Y>> {
  using type = Range<Y>;
};

}  // namespace deferred::detail
