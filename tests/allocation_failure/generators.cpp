// SPDX-License-Identifier: MIT
//
// Generators, and those whose steps wait.
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

Generator<int, int, int> adds(int first) {
  int sum = first;
  while (sum < 10) sum += co_yield sum;
  co_return sum;
}
Generator<int, int, int> passes_on(int first) { co_return co_yield elements_of(adds(first)); }

void generator_steps(Reactor&) {
  Generator<int, int, int> generator = passes_on(1);
  // A step that fails for want of memory ends it.
  try {
    right(generator.next() == 1, "a generator yields another value");
    right(generator.send(4) == 5, "a generator takes another value");
    right(!generator.send(5), "a generator yields after its end");
    right(generator.done() && generator.result() == 10, "a generator gives another result");
  } catch (const std::bad_alloc&) {
    right(allocation_failed() && generator.done(), "a generator that failed is not done");
  }
}
void generator_as_range(Reactor&) {
  const auto texts = []() -> Generator<std::string> {
    for (int i = 0; i < 2; ++i) co_yield std::string(40, 'x');
  };
  std::size_t length = 0;
  Generator<std::string> generator = texts();
  try {
    for (const std::string& text : generator) length += text.size();
    right(length == 80, "a range of a generator's misses values");
  } catch (const std::bad_alloc&) {
    right(allocation_failed() && generator.done(), "a generator that failed is not done");
  }
}
void generator_thrown_into(Reactor&) {
  Generator<int, int, int> generator = adds(1);
  generator.next();
  try {
    generator.throw_(std::runtime_error("thrown in"));
    right(false, "a generator swallows what is thrown into it");
  } catch (const std::runtime_error&) {
    right(generator.done(), "a generator that failed is not done");
  } catch (const std::bad_alloc&) {
    right(allocation_failed(), "a generator fails with std::bad_alloc");
  }
  Generator<int, int, int> closed = adds(1);
  closed.next();
  closed.close();
  right(closed.done(), "a generator that was closed is not done");
}

AsyncGenerator<int, int> adds_slowly() {
  int sum = 0;
  for (;;) {
    co_await Pause{1ms};
    sum += co_yield sum;
  }
}
void async_generator_steps(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    AsyncGenerator<int, int> generator = adds_slowly();
    co_await generator.next();
    const std::optional<int> sum = co_await generator.send(3);
    right(!generator.done(), "a generator ends by itself");
    co_await generator.close();
    right(generator.done(), "a generator that was closed is not done");
    co_return *sum;
  };
  has_value_or_no_memory(end_of(reactor, body), 3);
}
void async_generator_thrown_into(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    AsyncGenerator<int, int> generator = adds_slowly();
    co_await generator.next();
    try {
      co_await generator.throw_(std::runtime_error("thrown in"));
    } catch (const std::runtime_error&) {
      co_return generator.done() ? 1 : 2;
    }
    co_return 3;
  };
  has_value_or_no_memory(end_of(reactor, body), 1);
}

}  // namespace

Programs generator_programs() {
  return {
      {"a Generator, step by step",
       {"deferred::Generator::next()", "deferred::Generator::send()", "deferred::Generator::done()",
        "deferred::Generator::result()", "deferred::elements_of::elements_of()"},
       &generator_steps},
      {"a Generator as a range",
       {"deferred::Generator::begin()", "deferred::Generator::end()",
        "deferred::Generator::Iterator::Iterator()", "deferred::Generator::Iterator::operator*()",
        "deferred::Generator::Iterator::operator++()"},
       &generator_as_range},
      {"a Generator that is thrown into, or closed",
       {"deferred::Generator::throw_()", "deferred::Generator::close()"},
       &generator_thrown_into},
      {"an AsyncGenerator, step by step",
       {"deferred::AsyncGenerator::next()", "deferred::AsyncGenerator::send()",
        "deferred::AsyncGenerator::done()", "deferred::AsyncGenerator::close()"},
       &async_generator_steps},
      {"an AsyncGenerator that is thrown into",
       {"deferred::AsyncGenerator::throw_()"},
       &async_generator_thrown_into},
  };
}

}  // namespace deferred::testing
