// SPDX-License-Identifier: MIT
//
// Post: a callable in a reactor's ready queue.
#pragma once

#include <memory>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/detail/report_thrown.hpp"
#include "deferred/reactor/detail/runnable.hpp"

namespace deferred::detail {

/// What the queue calls for a post, whatever that holds: a post is known by it. (A variable, for
/// each library that takes a function's address may get another.)
using RunPost = void (*)(Runnable& self, bool alive) noexcept;
DEFERRED_API extern const RunPost run_post;

struct PostBase : Runnable {
  explicit PostBase(void (*what)(PostBase& self, bool alive) noexcept) noexcept : call(what) {
    run = run_post;
  }
  void (*call)(PostBase& self, bool alive) noexcept;
};

template <class F>
struct Post final : PostBase, Recycled {
  static_assert(ordinary_alignment<F>, "post: the callable is over-aligned");
  explicit Post(F&& moved)
      : PostBase([](PostBase& self, bool alive) noexcept {
          const std::unique_ptr<Post> post(&static_cast<Post&>(self));
          if (!alive) return;
          try {
            post->f();
          } catch (...) {
            report_thrown("a posted callback");
          }
        }),
        f(std::move(moved)) {}
  F f;
};

}  // namespace deferred::detail
