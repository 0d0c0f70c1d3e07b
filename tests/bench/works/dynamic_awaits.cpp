// SPDX-License-Identifier: MIT
//
// dynamic: awaits through the registry.
#include "deferred/reactor/registry.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/value.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

struct Question {
  int value;
};

Task<> await_dynamic(Reactor& reactor, std::size_t n) {
  const auto registered = reactor.registry().when_type<Question>(
      [](const Question& q, Waiter<int> w) { w.resume(q.value); });
  for (std::size_t i = 0; i != n; ++i) {
    Value answer = co_await Value{Question{bench::opaque(1)}};
    bench::keep(answer.as<int>());
  }
}

}  // namespace

void works::dynamic_awaits(bench::Program& program, Reactor& reactor) {
  program.batch("dynamic", in(reactor, await_dynamic));
}
