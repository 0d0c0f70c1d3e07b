// SPDX-License-Identifier: MIT
//
// The door of yieldables/: what a task can wait for.
#pragma once

#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/all_settled.hpp"
#include "deferred/yieldables/any.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/channel.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/defer_later.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/for_each_at_most.hpp"
#include "deferred/yieldables/lock.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/race.hpp"
#include "deferred/yieldables/readable.hpp"
#include "deferred/yieldables/remote_sender.hpp"
#include "deferred/yieldables/reply.hpp"
#include "deferred/yieldables/semaphore.hpp"
#include "deferred/yieldables/signal.hpp"
#include "deferred/yieldables/timer.hpp"
#include "deferred/yieldables/to_deferred.hpp"
#include "deferred/yieldables/winner.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "deferred/yieldables/writable.hpp"
