// SPDX-License-Identifier: MIT
//
// The door of reactor/: the loop, its timers, watches and signals, and what a backend has to do.
#pragma once

#include "deferred/reactor/add_timeout.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/delayed_call.hpp"
#include "deferred/reactor/dump_on_signal.hpp"
#include "deferred/reactor/prepared_call.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/registry.hpp"
#include "deferred/reactor/remote_reactor.hpp"
#include "deferred/reactor/report_slow.hpp"
#include "deferred/reactor/round_order.hpp"
#include "deferred/reactor/shutdown_trigger.hpp"
#include "deferred/reactor/signal_watch.hpp"
#include "deferred/reactor/task_info.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/reactor/tracer.hpp"
#include "deferred/reactor/watch.hpp"
