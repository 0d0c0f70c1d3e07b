// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/context.hpp"

#include "deferred/reactor/detail/microthread.hpp"

namespace deferred::detail {

constinit std::atomic<bool> contexts_are_used{false};

namespace {

// Of the code of a thread that is in no microthread.
thread_local Context context_of_thread;

const Context* find_context() noexcept {
  if (!current_microthread) return &context_of_thread;
  const Extras* const extras = current_microthread->whole().extras();
  return extras ? &extras->context : nullptr;
}

}  // namespace

void release_context(ContextNode* first) noexcept {
  while (first && --first->refs == 0) {
    ContextNode* const next = first->next;
    delete first;
    first = next;
  }
}

Context& context_of(Microthread* m) noexcept {
  return m ? m->extras()->context : context_of_thread;
}

Context& current_context() {
  if (!current_microthread) return context_of_thread;
  return extras_of(current_microthread->whole()).context;
}

const void* context_value(std::uint64_t key) noexcept {
  const Context* const here = find_context();
  const ContextNode* at = here ? here->first() : nullptr;
  while (at && at->key != key) at = at->next;
  return at ? at->value : nullptr;
}

void inherit_context(Microthread* fresh) {
  const Context* const here = find_context();
  if (!here || !here->first()) return;
  try {
    extras_of(*fresh).context = *here;
  } catch (...) {
    fresh->release();
    throw;
  }
}

std::uint64_t next_context_key() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace deferred::detail
