// SPDX-License-Identifier: MIT
#include "deferred/value.hpp"

#include "deferred/detail/microthread.hpp"

namespace deferred {

Task<Value> Value::yield_to() && {
  const detail::Microthread* const running = detail::current_microthread;
  if (ops_ && running && running->reactor && !running->reactor->registry().empty()) {
    Registry& registry = running->reactor->registry();
    detail::Handler* handler = nullptr;
    if (ops_->pointed_to) handler = registry.find(pointer(), *ops_->pointed_to);
    if (!handler) handler = registry.find(*ops_->type);
    if (handler) return handler->await(std::move(*this));
  }
  if (!ops_) throw UnknownYieldable("co_await: this Value is empty, there is nothing to wait for");
  if (!ops_->await) {
    throw UnknownYieldable("co_await: no yield_to handler for type " +
                           detail::demangled(*ops_->type) +
                           ": register one with reactor.registry().when_type");
  }
  return ops_->await(std::move(*this));
}

}  // namespace deferred
