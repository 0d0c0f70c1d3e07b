// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/tasks/yield_to.hpp"

using namespace deferred;

namespace {

/// A decorator of what is awaited as a subtask.
class Doubled {
 public:
  explicit Doubled(Task<int> task) : task_(std::move(task)) {}
  Task<int> yield_to() && {
    Task<int> inner = deferred::yield_to(std::move(task_));
    return doubled(std::move(inner));
  }

 private:
  static Task<int> doubled(Task<int> inner) { co_return 2 * co_await std::move(inner); }

  Task<int> task_;
};

Task<int> three() { co_return 3; }

Task<int> twice() {
  Doubled doubled(three());
  co_return co_await std::move(doubled);
}

TEST_CASE("with the header of yield_to, a decorator of tasks is written and awaited") {
  Reactor reactor;
  CHECK(reactor.run(twice()) == 6);
}

}  // namespace
