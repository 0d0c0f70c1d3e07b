// SPDX-License-Identifier: MIT
#include "samples/pyos/pyos.hpp"

#include <stdexcept>

namespace pyos {

using namespace deferred;

thread_local Scheduler* Scheduler::current_ = nullptr;

Scheduler::~Scheduler() {
  while (!tasks_.empty()) kill(tasks_.begin()->first);
}

Tid Scheduler::create(Task<> target) {
  const Tid tid = ++last_tid_;
  Spawned<void> spawned = spawn(reactor_, std::move(target));
  tids_[spawned.task().id()] = tid;
  tasks_[tid] = std::make_shared<Entry>(spawned.task());
  std::move(spawned)
      .add_both([this, tid](Outcome<void> end) {
        exit(tid);
        return end;  // an error is nobody's, and so it is reported
      })
      .detach();
  return tid;
}

void Scheduler::exit(Tid tid) {
  log_ << "Task " << tid << " terminated\n";
  const std::shared_ptr<Entry> entry = tasks_.extract(tid).mapped();
  tids_.erase(entry->task.id());
  entry->terminated.set();
}

bool Scheduler::kill(Tid tid) {
  const auto found = tasks_.find(tid);
  if (found == tasks_.end()) return false;
  TaskRef task = found->second->task;
  task.close();
  return true;
}

void Scheduler::mainloop() {
  struct Running {
    ~Running() { current_ = before; }
    Scheduler* before;
  };
  const Running running{std::exchange(current_, this)};
  while (!tasks_.empty()) reactor_.run_until(WaitTask(tasks_.begin()->first));
}

Scheduler& Scheduler::current() {
  if (!current_) throw std::logic_error("pyos: a system call, and no mainloop() runs");
  return *current_;
}

Tid Scheduler::tid_of(const TaskRef& task) const {
  const auto found = tids_.find(task.id());
  if (found == tids_.end()) throw std::logic_error("pyos: no task of this scheduler");
  return found->second;
}

Task<bool> WaitTask::yield_to() const {
  const auto& tasks = Scheduler::current().tasks_;
  const auto found = tasks.find(tid);
  if (found == tasks.end()) co_return false;
  const std::shared_ptr<Scheduler::Entry> entry = found->second;
  co_await entry->terminated;
  co_return true;
}

}  // namespace pyos
