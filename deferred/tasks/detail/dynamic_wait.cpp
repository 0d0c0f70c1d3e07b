// SPDX-License-Identifier: MIT
#include "deferred/tasks/value.hpp"

namespace deferred::detail {

ResultFor<Value>* CallAwaiter<Value>::call() {
  Task<Value> task = x_.ops_->call(std::move(x_));
  return TaskAccess::release(task);
}

}  // namespace deferred::detail
