// SPDX-License-Identifier: MIT
#include "deferred/tasks/value.hpp"

#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/results/errors.hpp"

namespace deferred {

bool Value::make_wait(detail::WaitRoom& room) {
  const detail::Microthread& m = *detail::current_microthread;
  if (ops_ && m.has_run_time_handlers()) {
    const Registry& registry = detail::ReactorAccess::registry(*m.reactor);
    detail::Handler* handler = nullptr;
    if (ops_->pointed_to) handler = registry.find(pointer(), *ops_->pointed_to);
    if (!handler) handler = registry.find(*ops_->type);
    if (handler) {
      handler->make_wait(*this, room);
      return true;
    }
  }
  if (!ops_) throw UnknownYieldable("co_await: this Value is empty, there is nothing to wait for");
  if (ops_->make_wait) {
    ops_->make_wait(*this, room);
    return true;
  }
  if (ops_->call) return false;
  throw UnknownYieldable("co_await: no yield_to handler for type " +
                         detail::demangled(*ops_->type) +
                         ": register one with reactor.registry().when_type");
}

namespace {

Task<Value> await_value(Value value) { co_return co_await unlisted(std::move(value)); }

}  // namespace

Task<Value> Value::yield_to() && { return await_value(std::move(*this)); }

}  // namespace deferred
