// SPDX-License-Identifier: MIT
//
// TypedHandler: a handler that was added at run time, for one type, and how it is found.
#pragma once

#include <memory>
#include <type_traits>
#include <typeinfo>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/registry.hpp"
#include "deferred/results/cancelling.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred::detail {

/// What a run-time handler returned: destroyed when the wait ends.
struct ErasedUndo {
  virtual ~ErasedUndo() = default;
  virtual Cancelling request_cancel() { return Cancelling::now; }
};
class UndoPointer {
 public:
  UndoPointer() noexcept = default;
  explicit UndoPointer(ErasedUndo* undo) noexcept : undo_(undo) {}
  Cancelling request_cancel() { return undo_ ? undo_->request_cancel() : Cancelling::now; }

 private:
  std::unique_ptr<ErasedUndo> undo_;  // null: nothing to undo
};

/// A run-time handler for an X that is awaited for an R.
template <class X, class R>
struct TypedHandler : Handler {
  TypedHandler() noexcept : Handler(typeid(X), typeid(R)) {}
  virtual UndoPointer call(X& x, Waiter<R>&& waiter) = 0;
};

[[noreturn]] DEFERRED_API void wrong_result(const Handler& handler, const std::type_info& wanted);

/// Whether run-time handlers may take the place of a Y's own.
template <class Y>
inline constexpr bool is_overridable = true;

/// The run-time handler for an object that is awaited as a Y, for an R; null if there is none. One
/// for another result is an error.
template <class Y, class R>
TypedHandler<std::remove_cvref_t<Y>, R>* find_handler(Registry& registry,
                                                      const std::remove_reference_t<Y>& x) {
  using X = std::remove_cvref_t<Y>;
  Handler* found = nullptr;
  if constexpr (std::is_lvalue_reference_v<Y>) {
    if (registry.has_objects()) found = registry.find(std::addressof(x), typeid(X));
  }
  if (!found) found = registry.find(typeid(X));
  if (found && found->result != typeid(R)) [[unlikely]]
    wrong_result(*found, typeid(R));  // an lvalue's: X& has another handler than X
  return static_cast<TypedHandler<X, R>*>(found);
}

}  // namespace deferred::detail
