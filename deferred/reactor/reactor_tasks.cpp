// SPDX-License-Identifier: MIT
// What can be seen of a reactor's microthreads.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/interception.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/dump_on_signal.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_info.hpp"
#include "deferred/reactor/task_ref.hpp"

namespace deferred {
namespace detail {
namespace {

/// Those to be visited, the next one last: children stand behind their parent, the oldest first,
/// and the parts of its wait before them.
class TaskWalk {
 public:
  struct At {
    const Microthread* task;
    std::size_t depth;
    bool is_branch;
  };
  /// A list, whose newest is first.
  void put(const Microthread* newest, std::size_t depth, bool are_branches = false) {
    for (; newest; newest = newest->next_live) left_.push_back({newest, depth, are_branches});
  }
  bool done() const noexcept { return left_.empty(); }
  At take() {
    const At at = left_.back();
    left_.pop_back();
    const Extras* const extras = at.task->extras();
    if (!extras) return at;
    for (const Family* of = extras->innermost_family; of; of = of->outer_family) {
      put(of->children, at.depth + 1);
    }
    put(extras->branches, at.depth + 1, true);
    return at;
  }

 private:
  std::vector<At> left_;
};

void append_quoted(std::string& json, std::string_view text) {
  json += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      (json += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      json += escaped;
    } else {
      json += c;
    }
  }
  json += '"';
}
template <class Range, class F>
void append_array(std::string& json, const Range& range, F text_of) {
  json += '[';
  const char* separator = "";
  for (const auto& item : range) {
    json += std::exchange(separator, ",");
    append_quoted(json, text_of(item));
  }
  json += ']';
}
void append_json(std::string& json, const TaskInfo& task) {
  json += "{\"id\":" + std::to_string(task.id) + ",\"parent\":" + std::to_string(task.parent);
  json += ",\"name\":";
  append_quoted(json, task.name);
  json += ",\"state\":";
  append_quoted(json, to_string(task.state));
  json += std::string(",\"cancelled\":") + (task.cancelled ? "true" : "false");
  json += std::string(",\"paused\":") + (task.paused ? "true" : "false");
  json += ",\"age\":" + std::to_string(task.age) + ",\"waits_for\":";
  append_quoted(json, task.waits_for);
  json += ",\"branches\":";
  append_array(json, task.branches, [](const std::string& text) { return text; });
  json += ",\"stack\":";
  append_array(json, task.stack, [](const SourceLocation& at) { return to_string(at); });
  json += ",\"error\":";
  append_quoted(json, task.error);
  json += '}';
}

}  // namespace
}  // namespace detail

template <class Walk>
void Reactor::begin_at_roots(Walk& walk) const {
  walk.put(failed_, 0);
  for (const detail::Family* loose = loose_families_; loose; loose = loose->next_loose) {
    walk.put(loose->children, 0);
  }
  walk.put(tasks_, 0);
}

std::vector<TaskInfo> Reactor::tasks() const {
  require_home("tasks()");
  std::vector<TaskInfo> all;
  detail::TaskWalk walk;
  begin_at_roots(walk);
  while (!walk.done()) {
    const auto at = walk.take();
    if (at.is_branch) {
      all.back().branches.push_back(detail::waited_for(*at.task));
    } else {
      all.push_back(detail::info_of(*at.task));
      all.back().age = turns_ - at.task->born;
    }
  }
  return all;
}

std::vector<TaskRef> Reactor::task_refs() const {
  require_home("task_refs()");
  std::vector<TaskRef> all;
  detail::TaskWalk walk;
  begin_at_roots(walk);
  while (!walk.done()) {
    const auto at = walk.take();
    if (!at.is_branch) all.emplace_back(const_cast<detail::Microthread&>(*at.task));
  }
  return all;
}

std::string Reactor::dump_tasks(Dump how) const {
  std::string text;
  if (how == Dump::json) {
    text += '[';
    const char* separator = "";
    for (const TaskInfo& task : tasks()) {
      text += std::exchange(separator, ",\n ");
      detail::append_json(text, task);
    }
    return text + "]\n";
  }
  require_home("dump_tasks()");
  constexpr std::size_t deepest_indented = 20;
  detail::TaskWalk walk;
  begin_at_roots(walk);
  while (!walk.done()) {
    const auto [task, depth, is_branch] = walk.take();
    text.append(2 * std::min(depth, deepest_indented), ' ');
    text += (is_branch ? detail::describe_branch(*task) : detail::describe(*task)) + "\n";
  }
  return text;
}

Tracer* Reactor::trace(Tracer* tracer) {
  require_home("trace()");
  if (tracer && !tracer_) {  // else all are intercepted
    detail::TaskWalk walk;
    begin_at_roots(walk);
    while (!walk.done()) {
      const auto at = walk.take();
      if (!at.is_branch) detail::intercept(const_cast<detail::Microthread&>(*at.task));
    }
  }
  overseen_ = tracer || order_;
  return std::exchange(tracer_, tracer);
}

SignalWatch dump_on_signal(Reactor& reactor, int signal, Dump how) {
  return reactor.on_signal(signal, [&reactor, how] {
    const std::string text = reactor.dump_tasks(how);
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  });
}

}  // namespace deferred
