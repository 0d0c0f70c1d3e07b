// SPDX-License-Identifier: MIT
//
// RemoteCall: something that another thread's reactor runs for this thread: a function, or a task.
// "There" is the other reactor's thread, "home" that of who waits. Used by on() and
// blocking_call_from_thread().
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/prepared_call.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/remote_reactor.hpp"
#include "deferred/reactor/shutdown_trigger.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/yield_to.hpp"
#include "deferred/threads/detail/thread_work.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::detail {

class DEFERRED_API RemoteCall : public ThreadWork {
 public:
  /// Throws NoReactorError if the reactor does not take it.
  void start() final;
  bool started() const noexcept final { return started_; }
  bool can_be_told() const noexcept final { return true; }
  bool withdraw() noexcept final;
  void abandon() noexcept final;

 protected:
  explicit RemoteCall(RemoteReactor there);
  ~RemoteCall() override;

  /// There: calls the function, or spawns the task. What it throws is the outcome.
  virtual void begin(Reactor& reactor) = 0;
  /// Destroys the function or task: at home, if it was withdrawn; there, if it has not begun.
  virtual void discard() noexcept = 0;
  /// There: the task goes on from here; it is closed if the reactor stops.
  void runs_as(Reactor& reactor, TaskRef task);
  /// There, in the task, behind what it runs: what was asked of it and has come too late is home's.
  Task<void> take_back_what_is_left();
  /// There: keeps the error.
  void failed(const Failure& failure) noexcept;
  /// There: the outcome is kept. Once.
  void settle() noexcept;

 private:
  /// The hold that the other side has. Letting go of it before the call has begun: abandoned.
  struct Sent;
  struct Asked;
  struct [[gnu::visibility("hidden")]] NextTurn;
  /// Made beforehand: what nobody waits for any more is closed, also without memory.
  struct [[gnu::visibility("hidden")]] Close {
    explicit Close(RemoteCall& of) noexcept : call(&of) {}
    Close(Close&& other) noexcept;
    Close& operator=(Close&&) = delete;
    ~Close();
    void operator()() noexcept;
    RemoteCall* call;  // counted from when it is sent
  };
  enum class State : std::uint8_t { sent, begun, withdrawn };

  /// Goes to the task there, which may end meanwhile by itself.
  bool hand_on(Ask what, std::exception_ptr error) noexcept final;
  /// Begins it, unless it was withdrawn.
  [[gnu::visibility("hidden")]] bool claim() noexcept;
  [[gnu::visibility("hidden")]] bool has_ended() noexcept;

  RemoteReactor there_;
  State state_ = State::sent;  // under mutex_
  bool started_ = false;       // at home
  TaskRef task_;               // there, as the next
  ShutdownTrigger stop_;
  bool stopped_ = false;
  bool close_is_sent_ = false;
  PreparedCall close_;
};

/// Says what is wrong with a result that is to cross threads.
template <class T>
constexpr bool check_crossing() {
  static_assert(!std::is_reference_v<T>,
                "a result from another thread is a value; return a pointer to what outlives it");
  static_assert(
      !bound_to_thread<T>,
      "a Failure or an Outcome stays on its thread, and so does a handle to what is there; "
      "return the plain value, and throw the error");
  return true;
}

/// The result of what is run there: a Task's, a function's, or what it returns is awaited for.
template <class F>
struct ThereResult {
  using Made = std::invoke_result_t<F&>;
  static constexpr bool awaits = [] {
    if constexpr (std::is_void_v<Made>) {
      return false;
    } else {
      return Yieldable<Made>;
    }
  }();
  using type = typename decltype([] {
    if constexpr (awaits) {
      return std::type_identity<AwaitedResult<Made>>();
    } else {
      return std::type_identity<Made>();
    }
  }())::type;
  static_assert(check_crossing<type>());
};
template <class T>
struct ThereResult<Task<T>> {
  static_assert(check_crossing<T>());
  static constexpr bool awaits = true;
  using type = T;
};

template <class T, class F>
class RemoteCallOf : public WorkWith<T, RemoteCall> {
 public:
  RemoteCallOf(RemoteReactor there, F&& f)
      : WorkWith<T, RemoteCall>(std::move(there)), f_(std::move(f)) {}

 private:
  void begin(Reactor& reactor) override {
    if constexpr (ThereResult<F>::awaits) {
      Spawned<void> spawned = spawn(reactor, run(*this));
      TaskRef task = spawned.task();
      try {
        this->runs_as(reactor, task);
        std::move(spawned)
            .add_both([this](Outcome<void>&& outcome) {
              f_.reset();
              if (!is_kept_) this->failed(outcome.failure());
              this->settle();
            })
            .detach();
      } catch (...) {
        task.close();  // nobody would hear of its end
        throw;
      }
    } else {
      if constexpr (std::is_void_v<T>) {
        (*f_)();
      } else {
        this->value_.emplace((*f_)());
      }
      f_.reset();
      this->settle();
    }
  }
  static Task<void> run(RemoteCallOf& call) {
    try {
      auto awaited = as_outcome(awaited_for(*call.f_));
      call.keep(co_await unlisted(std::move(awaited)));
    } catch (...) {
      call.failed(Failure::current());
    }
    call.f_.reset();
    call.is_kept_ = true;
    Task<void> end = call.take_back_what_is_left();
    co_await unlisted(std::move(end));
  }
  static decltype(auto) awaited_for(F& f) {
    if constexpr (AwaitedAsSubtask<F>) {
      return std::move(f);
    } else {
      return f();
    }
  }
  void discard() noexcept override { f_.reset(); }
  void keep(Outcome<T>&& outcome) noexcept {
    if (!outcome.has_value()) return this->failed(std::move(outcome).failure());
    if constexpr (!std::is_void_v<T>) {
      try {
        this->value_.emplace(*std::move(outcome));
      } catch (...) {
        this->error_ = std::current_exception();
      }
    }
  }

  std::optional<F> f_;  // home's, and from the beginning there's
  bool is_kept_ = false;
};

/// A RemoteCall whose end a thread waits for.
template <class T, class F>
class BlockingCall final : public RemoteCallOf<T, F> {
 public:
  using RemoteCallOf<T, F>::RemoteCallOf;
  void wait() noexcept {
    std::unique_lock lock(this->mutex_);
    ended_.wait(lock, [this] { return this->over(); });
  }

 private:
  void on_finish() noexcept override { ended_.notify_all(); }
  std::condition_variable_any ended_;
};

}  // namespace deferred::detail
