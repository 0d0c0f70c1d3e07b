// SPDX-License-Identifier: MIT
#include "deferred/tasks/task_local.hpp"

#include <cassert>

namespace deferred {

RestoreTaskLocal::RestoreTaskLocal(std::unique_ptr<detail::ContextNode> fresh)
    : task_(TaskRef::running()), thread_(detail::this_context_thread()), node_(fresh.get()) {
  detail::contexts_are_used.store(true, std::memory_order_relaxed);
  detail::current_context().push(fresh.release());
}

void RestoreTaskLocal::restore() noexcept {
  const bool here = thread_ == detail::this_context_thread();
  assert(here && "what TaskLocal::set() gave is dropped on another thread");
  if (!here) return;
  detail::context_of(task_.valid() ? &task_.microthread() : nullptr).remove(node_);
}

}  // namespace deferred
