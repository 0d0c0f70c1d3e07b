// SPDX-License-Identifier: MIT
#include <stdexcept>

#include "deferred/tasks/async_generator.hpp"
#include "deferred/tasks/generator.hpp"

namespace deferred::detail {

void destroy_row(GeneratorFrame& root) noexcept {
  GeneratorFrame* at = root.leaf;
  while (at) {
    GeneratorFrame* const outer = at->outer;
    if (outer) *at->held = nullptr;
    at->handle().destroy();
    at = outer;
  }
}

void throw_generator_runs() {
  throw std::logic_error("a generator's body asks itself for a step, while it runs");
}
void throw_generator_has_ended() {
  throw std::logic_error(
      "a generator that has ended, or was closed or moved from, takes nothing and "
      "yields nothing");
}
void throw_not_at_a_yield() {
  throw std::logic_error(
      "send() before the first co_yield, which is what it would be given by: "
      "call next() first");
}
void throw_no_generator_result() {
  throw std::logic_error("this generator has no result: it has not returned, or that was taken");
}

Failure yielded_while_closed() noexcept {
  return Failure(std::logic_error("AsyncGenerator: it yields while it is being closed"),
                 SourceLocation());
}
void throw_step_lent() {
  throw std::logic_error("AsyncGenerator: there is a step of it that has not ended; one at a time");
}

}  // namespace deferred::detail
