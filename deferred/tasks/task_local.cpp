// SPDX-License-Identifier: MIT
#include "deferred/tasks/task_local.hpp"

namespace deferred {
namespace {

/// Shows again what a node shows that another one hides; or nothing.
struct Again : detail::ContextNode {
  Again(std::uint64_t of, const void* shown, detail::Context list)
      : ContextNode(of, shown), keeps(std::move(list)) {}
  detail::Context keeps;  // with the node that has the value
};

}  // namespace

RestoreTaskLocal::RestoreTaskLocal(std::unique_ptr<detail::ContextNode> fresh)
    : task_(TaskRef::running()) {
  detail::contexts_are_used.store(true, std::memory_order_relaxed);
  detail::Context& here = detail::current_context();
  const void* const shown = detail::context_value(fresh->key);
  before_ = std::make_unique<Again>(fresh->key, shown, here);
  here.push(fresh.release());
  as_set_ = here;
}

void RestoreTaskLocal::restore() noexcept {
  detail::Context& there = detail::context_of(task_.valid() ? &task_.microthread() : nullptr);
  if (there.first() == as_set_.first()) {
    there.pop();
  } else {
    there.push(before_.release());
  }
}

}  // namespace deferred
