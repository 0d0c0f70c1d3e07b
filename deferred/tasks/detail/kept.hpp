// SPDX-License-Identifier: MIT
//
// Coroutines around what is spawned and is no Task: they keep it in their frames.
#pragma once

#include <functional>
#include <utility>

#include "deferred/tasks/task.hpp"
#include "deferred/yieldable.hpp"

namespace deferred::detail {

// g++ 12 takes the frame for a class in a header, and warns of the lambda in it.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif
/// Calls `f(arguments...)` and awaits what it gives.
template <class T, class F, class... A>
Task<T> call_kept(F f, A... arguments) {
  co_return co_await unlisted(std::invoke(f, std::move(arguments)...));
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// What will be awaited, as a Y; told so, if it will not be. An lvalue is only referred to.
template <class Y>
class Kept {
 public:
  explicit Kept(Y&& x) : x_(std::forward<Y>(x)) {}
  Kept(Kept&& other) : x_(std::forward<Y>(other.x_)), given_(std::exchange(other.given_, true)) {}
  Kept& operator=(Kept&&) = delete;
  ~Kept() {
    if (!given_) deferred::abandon(std::forward<Y>(x_));
  }
  /// To the await, once.
  Y&& give() noexcept {
    given_ = true;
    return std::forward<Y>(x_);
  }

 private:
  Y x_;
  bool given_ = false;
};

template <class R, class Y>
Task<R> await_kept(Kept<Y> x) {
  co_return co_await unlisted(x.give());
}

}  // namespace deferred::detail
