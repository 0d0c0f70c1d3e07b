// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/describe.hpp"

#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/results/detail/chain.hpp"
#include "deferred/results/errors.hpp"

namespace deferred::detail {
namespace {

// Where `frame` stands among its callers: "at a.cpp:3 in f, from b.cpp:9 in g".
std::string call_path(const FrameBase* frame) {
  std::string text;
  int shown = 0;
  for (; frame; frame = frame->called_by ? frame->called_by->caller : nullptr) {
    if (!is_listed(frame->where)) continue;
    if (shown == 64) return text + ", and more";
    text += (shown++ == 0 ? " at " : ", from ") + to_string(frame->where);
  }
  return text;
}

}  // namespace

Failure closed_failure(const Microthread& m) noexcept {
  try {
    return Failure(AbandonedError(task_label(m) + " was closed before it had a result", true));
  } catch (...) {
    return Failure::current();
  }
}

void report_unhandled(const Microthread& m, const Failure& failure) noexcept {
  if (m.is(Microthread::silent)) return;
  try {
    report_unhandled(failure, task_label(m));
  } catch (...) {
    report_unhandled(failure, std::string());
  }
}

std::string task_label(const Microthread& m) {
  std::string text = "task #" + std::to_string(m.id());
  if (m.extras() && !m.extras()->name.empty()) text += " '" + m.extras()->name + "'";
  return text;
}

void throw_empty_task_ref() {
  throw std::logic_error("TaskRef: it is empty: it was moved from, or never given a task");
}

void throw_empty_waiter() {
  throw std::logic_error("Waiter: it is empty: it was moved from, or waits for nobody");
}

void no_reactor(const Microthread& m) {
  if (m.is(Microthread::done)) {
    throw NoReactorError(task_label(m) + " is done: it belongs to no reactor any more");
  }
  throw NoReactorError(
      "this coroutine has no reactor: none of its parameters names one, and its thread has not "
      "exactly one");
}

std::string place_of(const Microthread& m) {
  if (m.is(Microthread::done)) return std::string();
  const std::string text = call_path(m.leaf);
  return text.empty() ? text : text.substr(1);
}

std::string describe(const Microthread& m) {
  const std::string label = task_label(m);
  if (m.is(Microthread::done)) {
    // Its reactor has it still while its last frame goes, whatever its result.
    if (!m.reactor || !m.is(Microthread::listed_as_failed)) return label + " is done";
    std::string text = label + " has failed, and its Spawned was not asked yet";
    if (Chain* const chain = m.completion()) {
      text += ": " + chain->failure().type_name() + ": " + chain->failure().what();
    }
    return text;
  }
  if (!m.is(Microthread::started) && !m.is_branch()) return label + " has not started";
  if (m.is(Microthread::running)) return label + " is running" + call_path(m.leaf);
  if (m.is(Microthread::closing) || m.is_torn()) return label + " is being closed";
  const bool waits = m.is(Microthread::suspended) && m.wait->state == Wait::State::open;
  if (!waits) return label + " is ready to go on" + call_path(m.leaf);
  return label + " waiting on " + demangled(m.wait->ops->yieldable()) + call_path(m.leaf);
}

std::string describe_branch(const Microthread& m) {
  if (!m.wait) return "branch about to wait";
  const bool waits = m.wait->state == Wait::State::open;
  return "branch " + std::string(waits ? "waiting on " : "with the answer of ") +
         demangled(m.wait->ops->yieldable());
}

}  // namespace deferred::detail
