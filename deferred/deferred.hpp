// SPDX-License-Identifier: MIT
//
// The front door: all of the library but testing/. Each room has a door of its own, and each header
// can be included alone. Read next: results/deferred.hpp, tasks/task.hpp, yieldable.hpp.
#pragma once

#include "deferred/io.hpp"
#include "deferred/reactor.hpp"
#include "deferred/results.hpp"
#include "deferred/tasks.hpp"
#include "deferred/threads.hpp"
#include "deferred/yieldables.hpp"
