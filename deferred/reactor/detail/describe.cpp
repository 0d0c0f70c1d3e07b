// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/describe.hpp"

#include "deferred/reactor/detail/interception.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/task_info.hpp"
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

namespace {

TaskState state_of(const Microthread& m) noexcept {
  if (!m.is(Microthread::started) && !m.is_branch()) return TaskState::fresh;
  if (m.is(Microthread::running)) return TaskState::running;
  if (m.is(Microthread::closing) || m.is_torn()) return TaskState::closing;
  return m.is_waiting() ? TaskState::waiting : TaskState::ready;
}

// Its reactor has it still while its last frame goes, whatever its result.
bool is_kept_as_failed(const Microthread& m) noexcept {
  return m.reactor && m.is(Microthread::listed_as_failed);
}

std::string error_of(const Microthread& m) {
  Chain* const chain = m.completion();
  if (!chain || chain->state() != Chain::State::failure) return std::string();
  return chain->failure().type_name() + ": " + chain->failure().what();
}

}  // namespace

std::string waited_for(const Microthread& m) {
  if (m.wait->ops->describe) {
    try {
      return m.wait->ops->describe(*m.wait);
    } catch (...) {  // its type will do
    }
  }
  return demangled(*m.wait->ops->yieldable);
}

std::string describe(const Microthread& m) {
  const std::string label = task_label(m);
  if (m.is(Microthread::done)) {
    if (!is_kept_as_failed(m)) return label + " is done";
    const std::string error = error_of(m);
    return label + " has failed, and its Spawned was not asked yet" +
           (error.empty() ? "" : ": " + error);
  }
  const std::string who = label + (is_paused(m) ? " is paused, and" : "");
  switch (state_of(m)) {
    case TaskState::fresh:
      return who + " has not started";
    case TaskState::running:
      return who + " is running" + call_path(m.leaf);
    case TaskState::waiting:
      return who + " waiting on " + waited_for(m) + call_path(m.leaf);
    case TaskState::closing:
      return who + " is being closed";
    default:
      return who + " is ready to go on" + call_path(m.leaf);
  }
}

std::string describe_branch(const Microthread& m) {
  if (!m.wait) return "branch about to wait";
  const bool waits = m.wait->state == Wait::State::open;
  return "branch " + std::string(waits ? "waiting on " : "with the answer of ") + waited_for(m);
}

TaskInfo info_of(const Microthread& m) {
  TaskInfo info;
  info.id = m.id();
  if (const Microthread* const parent = m.parent()) info.parent = parent->id();
  if (m.extras()) info.name = m.extras()->name;
  info.paused = is_paused(m);
  info.cancelled = m.is(Microthread::cancelled);
  if (m.is(Microthread::done)) {  // and still there, while its root frame goes
    info.state = is_kept_as_failed(m) ? TaskState::failed : TaskState::closing;
    if (info.state == TaskState::failed) info.error = error_of(m);
    return info;
  }
  info.state = state_of(m);
  if (info.state == TaskState::waiting) info.waits_for = waited_for(m);
  if (info.state == TaskState::closing) return info;
  for (const FrameBase* at = m.leaf; at; at = at->called_by ? at->called_by->caller : nullptr) {
    if (is_listed(at->where)) info.stack.push_back(at->where);
  }
  return info;
}

}  // namespace deferred::detail

namespace deferred {

std::string_view to_string(TaskState state) noexcept {
  constexpr std::string_view names[] = {"fresh", "running", "waiting",
                                        "ready", "closing", "failed"};
  return names[static_cast<std::size_t>(state)];
}

}  // namespace deferred
