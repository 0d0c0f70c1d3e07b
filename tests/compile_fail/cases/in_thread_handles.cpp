// SPDX-License-Identifier: MIT
// expect: in_thread: a Failure, an Outcome, a Deferred or a Task stays on its thread, and so does
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/shared_deferred.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/threads/in_thread.hpp"

using namespace deferred;

static_assert(detail::bound_to_thread<Spawned<int>>);
static_assert(detail::bound_to_thread<SharedDeferred<int>>);
static_assert(detail::bound_to_thread<Waiter<int>>);
static_assert(detail::bound_to_thread<WeakWaiter<int>>);
static_assert(!detail::bound_to_thread<RemoteWaiter<int>>);
TaskRef who();
auto go() { return in_thread(who); }
