// SPDX-License-Identifier: MIT
//
// Post: a callable in a reactor's ready queue.
#pragma once

#include <memory>
#include <utility>

#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/detail/report_thrown.hpp"
#include "deferred/reactor/detail/runnable.hpp"

namespace deferred::detail {

template <class F>
struct Post final : Runnable, Recycled {
  static_assert(ordinary_alignment<F>, "post: the callable is over-aligned");
  explicit Post(F&& moved) : f(std::move(moved)) {
    run = [](Runnable& self, bool alive) noexcept {
      const std::unique_ptr<Post> post(&static_cast<Post&>(self));
      if (!alive) return;
      try {
        post->f();
      } catch (...) {
        report_thrown("a posted callback");
      }
    };
  }
  F f;
};

}  // namespace deferred::detail
