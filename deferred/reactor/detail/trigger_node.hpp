// SPDX-License-Identifier: MIT
//
// TriggerNode: one shutdown trigger, between its reactor and its ShutdownTrigger.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"

namespace deferred {

class Reactor;
enum class Phase : std::uint8_t;

namespace detail {

struct TriggerNode {
  explicit TriggerNode(Phase of) noexcept : phase(of) {}
  virtual ~TriggerNode() = default;
  /// Calls the callable, which may be a coroutine: it has to live until the Deferred has a result.
  virtual Deferred<void> call() = 0;
  virtual void drop_callable() noexcept = 0;
  void drop() noexcept {
    if (std::exchange(set, false)) drop_callable();
  }

  const Phase phase;
  bool set = true;  // false once it was called, or its handle was dropped
};

/// Those that are set, in the order they were set.
using Triggers = std::vector<std::shared_ptr<TriggerNode>>;

/// What a trigger's Deferred finds when it has its result.
struct Shutdown {
  Reactor* reactor;      // null once it is gone
  unsigned number = 0;   // counts the shutdowns: only the present one waits
  unsigned awaited = 0;  // Deferreds of Phase::before
};

template <class F>
constexpr bool gives_nothing_or_deferred() {
  if constexpr (!std::is_invocable_v<F&>) {
    return false;
  } else {
    using R = std::invoke_result_t<F&>;
    return std::is_void_v<R> || std::is_convertible_v<R, Deferred<void>>;
  }
}
template <class F>
inline constexpr bool is_trigger = gives_nothing_or_deferred<F>();

template <class F>
struct TriggerNodeOf final : TriggerNode {
  TriggerNodeOf(Phase of, F&& moved) : TriggerNode(of), f(std::move(moved)) {}
  Deferred<void> call() override {
    if constexpr (!is_trigger<F>) {
      return succeed();  // at_shutdown() has said what is wrong
    } else if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
      (*f)();
      return succeed();
    } else {
      return (*f)();
    }
  }
  void drop_callable() noexcept override { f.reset(); }
  std::optional<F> f;
};

}  // namespace detail
}  // namespace deferred
