// SPDX-License-Identifier: MIT
// expect: from_future: a Deferred holds no reference; make a future of a pointer
#include "deferred/threads/futures.hpp"

auto go(deferred::Pool& pool, std::future<int&> future) {
  return deferred::from_future(pool, std::move(future));
}
