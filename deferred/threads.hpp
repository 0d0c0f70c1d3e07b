// SPDX-License-Identifier: MIT
//
// The door of threads/: functions that block or compute, in threads, and calls from thread to
// thread.
#pragma once

#include "deferred/threads/blocking_call_from_thread.hpp"
#include "deferred/threads/defer_to_thread.hpp"
#include "deferred/threads/futures.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/threads/on.hpp"
#include "deferred/threads/pool.hpp"
#include "deferred/threads/thread_pool.hpp"
