// SPDX-License-Identifier: MIT
//
// The bodies of the Reactor's templates that take tasks and other yieldables.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/reactor/detail/main_end.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"

namespace deferred {

template <class T>
int Reactor::run(Task<T> main) {
  require_not_running("run(task)");
  const auto end = std::make_shared<detail::MainEnd>();
  Spawned<T> spawned = spawn(*this, std::move(main));
  TaskRef task = spawned.task();
  try {
    end->cancel = [task]() mutable { task.cancel(); };
    std::move(spawned).add_both(detail::MainResult<T>(*this, end, false)).detach();
    return run_main(end);
  } catch (...) {
    if (!end->begun) task.close();  // there was no memory for what the run needs
    throw;
  }
}

namespace detail {

/// Awaits an x that gives an Outcome, which no Deferred holds.
template <class R, class Y>
Task<void> await_into(std::shared_ptr<std::optional<R>> result, Kept<Y> x) {
  result->emplace(co_await unlisted(x.give()));
}

/// Ends a microthread with the call that waits for it: what it refers to may be gone then.
class Closing {
 public:
  explicit Closing(TaskRef task) noexcept : task_(std::move(task)) {}
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;
  ~Closing() { task_.close(); }

 private:
  TaskRef task_;
};

}  // namespace detail

template <class Y>
auto Reactor::run_until(Y&& x) {
  require_yieldable<Y>();
  require_not_running("run_until()");
  using R = AwaitedResult<Y>;
  if constexpr (!std::is_same_v<R, Delivered<R>>) {
    const auto result = std::make_shared<std::optional<R>>();
    detail::Kept<Y> kept(std::forward<Y>(x));
    Spawned<void> spawned = spawn(*this, detail::await_into<R>(result, std::move(kept)));
    const detail::Closing closing(spawned.task());
    run_until(Deferred<void>(std::move(spawned)));
    return std::move(**result);
  } else if constexpr (std::is_convertible_v<Y, Deferred<R>>) {
    return run_until(Deferred<R>(std::forward<Y>(x)));
  } else {
    Spawned<R> spawned = spawn(*this, detail::await_kept<R>(detail::Kept<Y>(std::forward<Y>(x))));
    const detail::Closing closing(spawned.task());
    return run_until(Deferred<R>(std::move(spawned)));
  }
}

}  // namespace deferred
