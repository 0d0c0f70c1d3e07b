// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/context.hpp"

#include "deferred/reactor/detail/microthread.hpp"

namespace deferred::detail {

constinit std::atomic<bool> contexts_are_used{false};

namespace {

// Of the code of a thread that is in no microthread. It is there to the end of the thread and of
// the program, empty from when the thread's variables go.
union ThreadContext {
  constexpr ThreadContext() noexcept : context() {}
  ~ThreadContext() {}
  Context context;
};
constinit thread_local ThreadContext of_thread;
struct EmptyAtEnd {
  ~EmptyAtEnd() { of_thread.context = Context(); }
};
Context& context_of_thread() noexcept { return of_thread.context; }

/// Shows what another node shows.
struct Copy : ContextNode {
  explicit Copy(ContextNode& of) noexcept : ContextNode(of.key, of.value), shown(&of) { ++of.refs; }
  Context shown;
};

const Context* find_context() noexcept {
  if (!current_microthread) return &context_of_thread();
  const Extras* const extras = current_microthread->whole().extras();
  return extras ? &extras->context : nullptr;
}

const void* value_in(const Context* context, std::uint64_t key) noexcept {
  const ContextNode* at = context ? context->first() : nullptr;
  while (at && at->key != key) at = at->next;
  return at ? at->value : nullptr;
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
  return m ? m->extras()->context : context_of_thread();
}

Context& current_context() {
  if (!current_microthread) {
    static thread_local const EmptyAtEnd at_end;
    static_cast<void>(at_end);
    return context_of_thread();
  }
  return extras_of(current_microthread->whole()).context;
}

const void* this_context_thread() noexcept { return &of_thread; }

void Context::remove(const ContextNode* node) noexcept {
  bool is_shared = false;
  ContextNode** link = &first_;
  for (; *link && *link != node; link = &(*link)->next) is_shared |= (*link)->refs != 1;
  if (!*link) return;
  const auto counted = [](ContextNode* next) {
    if (next) ++next->refs;
    return next;
  };
  if (!is_shared) {
    ContextNode* const out = std::exchange(*link, counted(node->next));
    return release_context(out);
  }
  Context copies;
  ContextNode** end = &copies.first_;
  try {
    for (ContextNode* at = first_; at != node; at = at->next) {
      *end = new Copy(*at);
      end = &(*end)->next;
    }
  } catch (...) {
    return;
  }
  *end = counted(node->next);
  *this = std::move(copies);
}

const void* context_value(std::uint64_t key) noexcept { return value_in(find_context(), key); }
const void* context_value(std::uint64_t key, const Microthread& of) noexcept {
  const Extras* const extras = of.extras();
  return value_in(extras ? &extras->context : nullptr, key);
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
