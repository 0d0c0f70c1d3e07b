// SPDX-License-Identifier: MIT
//
// Lock: one at once, across awaits. Next: semaphore.hpp.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"
#include "deferred/yieldables/semaphore.hpp"

namespace deferred {

/// A Semaphore of one: `const Permit permit = co_await lock.acquire();` holds it up to the end of
/// the block. Not for threads; not recursive: who holds it and waits for it waits for ever.
/// (Twisted: DeferredLock)
class Lock : public Semaphore {
 public:
  Lock() : Semaphore(1) {}
  bool locked() const noexcept { return available() == 0; }
};

/// `co_await with_lock(lock, f)` holds a permit of a Lock or a Semaphore while it awaits what f()
/// returns, and gives its result. f is kept as long: a lambda that captures by value is named
/// first. The permit is given back however that ends. (Twisted: DeferredLock.run)
template <class F>
  requires std::is_invocable_v<F&>
Task<AwaitedResult<std::invoke_result_t<F&>>> with_lock(Semaphore& lock, F f) {
  const Permit permit = co_await unlisted(lock.acquire());
  co_return co_await unlisted(std::invoke(f));
}

}  // namespace deferred
