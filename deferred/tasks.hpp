// SPDX-License-Identifier: MIT
//
// The door of tasks/: coroutines, microthreads, and the extension point.
#pragma once

#include "deferred/tasks/async_generator.hpp"
#include "deferred/tasks/branch.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/generator.hpp"
#include "deferred/tasks/looping_call.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/task_local.hpp"
#include "deferred/tasks/value.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/tasks/yield_to.hpp"
