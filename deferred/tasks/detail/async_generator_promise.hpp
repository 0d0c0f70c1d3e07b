// SPDX-License-Identifier: MIT
//
// The coroutine behind an AsyncGenerator: its frame is the Task of each of its steps, one after the
// other. Part of async_generator.hpp: include that.
#pragma once

#include <bit>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/detail/wait.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred {

template <class Out, class In>
class AsyncGenerator;
template <class G>
class elements_of;

namespace detail {

[[noreturn, gnu::cold]] DEFERRED_API void throw_step_lent();
[[gnu::cold]] DEFERRED_API Failure yielded_while_closed() noexcept;

template <class Out, class In>
struct AsyncGeneratorPromise : CoroutinePromise<ResultFor<std::optional<Out>>> {
  AsyncGenerator<Out, In>* owner = nullptr;  // null: it was dropped in a step, or is closed
  // For the co_yield that the next step goes on from:
  std::optional<Stored<In>> sent;
  Failure thrown_in;
  bool has_begun = false;

  AsyncGeneratorPromise() { this->kept = ResultFrame::Kept::idle; }
  AsyncGeneratorPromise(const AsyncGeneratorPromise&) = delete;
  AsyncGeneratorPromise& operator=(const AsyncGeneratorPromise&) = delete;
  ~AsyncGeneratorPromise() { leave(); }

  // Where the coroutine stands, for what it throws before its first await.
#ifdef __cpp_lib_source_location
  AsyncGenerator<Out, In> get_return_object(const void* at = __builtin_source_location()) noexcept {
    this->where = std::bit_cast<SourceLocation>(at);
    return generator();
  }
#else
  AsyncGenerator<Out, In> get_return_object(
      SourceLocation at = SourceLocation::current()) noexcept {
    this->where = at;
    return generator();
  }
#endif

  struct Begin {
    AsyncGeneratorPromise& self;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept { self.has_begun = true; }
  };
  Begin initial_suspend() noexcept { return {*this}; }
  void return_void() noexcept {
    leave();
    this->set_value(std::nullopt);
  }
  void unhandled_exception() {
    leave();
    CoroutinePromise<ResultFor<std::optional<Out>>>::unhandled_exception();
  }

  /// Ends the step, as a coroutine's end ends its call, or its microthread.
  struct Yielded : CoroutinePromise<ResultFor<std::optional<Out>>>::Done {
    explicit Yielded(AsyncGeneratorPromise& of) noexcept : self(of) {}
    AsyncGeneratorPromise& self;
    In await_resume() const {
      if (self.thrown_in) [[unlikely]]
        std::exchange(self.thrown_in, Failure()).raise();
      if constexpr (!std::is_void_v<In>) {
        if (!self.sent) return In{};
        In in = *std::move(self.sent);
        self.sent.reset();
        return in;
      }
    }
  };
  template <class U = Out>
    requires std::is_convertible_v<U, Out>
  Yielded yield_value(U&& given) {
    this->set_value(std::optional<Out>(std::in_place, std::forward<U>(given)));
    return Yielded(*this);
  }
  template <class G>
  std::suspend_never yield_value(elements_of<G>) {
    static_assert(sizeof(std::remove_reference_t<G>) == 0,
                  "co_yield elements_of(...) is a Generator's. In an AsyncGenerator: "
                  "for (auto x = co_await g.next(); x; x = co_await g.next()) co_yield *x;");
    return {};
  }

 private:
  AsyncGenerator<Out, In> generator() noexcept;
  /// The generator is done; the frame is its last step's.
  void leave() noexcept {
    this->kept = ResultFrame::Kept::no;
    if (owner) std::exchange(owner, nullptr)->frame_ = nullptr;
  }
};

}  // namespace detail
}  // namespace deferred
