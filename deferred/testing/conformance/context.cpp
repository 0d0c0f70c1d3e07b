// SPDX-License-Identifier: MIT
#include "deferred/testing/conformance/context.hpp"

#include <thread>

namespace deferred::testing {
namespace {

// The one of the case that is run now: the hook of unhandled failures has no other way to it.
std::atomic<ConformanceContext*> current{nullptr};

}  // namespace

ConformanceContext::ConformanceContext(const ReactorUnderTest& tried)
    : tried_(tried), hook_before_(set_unhandled_failure_hook(&hook)) {
  current = this;
}

ConformanceContext::~ConformanceContext() {
  end_reactor();
  set_unhandled_failure_hook(hook_before_);
  current = nullptr;
}

Reactor& ConformanceContext::reactor() {
  if (!reactor_) {
    reactor_ = std::make_unique<Reactor>(tried_.make());
    const std::lock_guard lock(mutex_);
    stoppable_ = reactor_.get();
  }
  return *reactor_;
}

void ConformanceContext::end_reactor() {
  {
    const std::lock_guard lock(mutex_);
    stoppable_ = nullptr;
  }
  reactor_.reset();
}

void ConformanceContext::fail(std::string reason, SourceLocation where) {
  const std::string_view file = where.file_name();
  note_failure(std::string(file.substr(file.rfind('/') + 1)) + ":" + std::to_string(where.line()) +
               ": " + reason);
  throw CaseFailed();
}

void ConformanceContext::note_failure(std::string reason) {
  if (std::exchange(failed_, true)) return;
  reason_ = std::move(reason);
}

void ConformanceContext::skip(std::string reason) {
  reason_ = std::move(reason);
  throw CaseSkipped();
}

void ConformanceContext::run_for(Duration time) {
  const DelayedCall end = reactor().call_later(time, [this] { reactor().stop(); });
  reactor().run();
}

void ConformanceContext::hook(const Failure& failure, const std::string& whose) {
  ConformanceContext* const context = current;
  if (!context || failure.check<CaseFailed>()) return;
  const std::lock_guard lock(context->mutex_);
  context->reports_.push_back(failure.what());
  static_cast<void>(whose);
}

std::vector<std::string> ConformanceContext::reports() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reports_, {});
}

std::string ConformanceContext::report_texts() {
  std::string joined;
  for (const std::string& text : reports()) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

std::string ConformanceContext::left_behind() {
  if (!reactor_) return {};
  std::string left;
  const auto note = [&left](std::size_t count, const char* what) {
    if (count == 0) return;
    left += (left.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  note(reactor_->timer_count(), "timers");
  note(reactor_->watch_count(), "watched descriptors");
  note(reactor_->task_count(), "tasks");
  note(reactor_->busy() ? 1 : 0, "or more posts");
  if (reactor_->task_count() > 0) left += ":\n" + reactor_->dump_tasks();
  return left;
}

void ConformanceContext::time_is_over() {
  out_of_time_ = true;
  const std::lock_guard lock(mutex_);
  if (!stoppable_) return;
  stoppable_->call_from_thread([this] {
    std::string tasks = reactor_->dump_tasks();
    const std::lock_guard inner(mutex_);
    tasks_when_over_ = std::move(tasks);
  });
  stoppable_->stop();
}

std::string ConformanceContext::tasks_when_over() {
  const std::lock_guard lock(mutex_);
  return tasks_when_over_;
}

}  // namespace deferred::testing
