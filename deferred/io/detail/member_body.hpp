// SPDX-License-Identifier: MIT
//
// MemberBody: a member function as a nursery's body. A lambda in a coroutine's frame would be a
// type without linkage where several sources are one unit.
#pragma once

#include "deferred/tasks/nursery.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred::io::detail {

template <class T>
class MemberBody {
 public:
  MemberBody(T& object, Task<void> (T::*function)(Nursery&)) noexcept
      : object_(&object), function_(function) {}
  Task<void> operator()(Nursery& nursery) const { return (object_->*function_)(nursery); }

 private:
  T* object_;
  Task<void> (T::*function_)(Nursery&);
};

}  // namespace deferred::io::detail
