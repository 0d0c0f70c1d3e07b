// SPDX-License-Identifier: MIT
//
// The coroutine behind a Generator. Part of generator.hpp: include that.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/detail/frame.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"

namespace deferred {

template <class Out, class In, class Return>
class Generator;
template <class G>
class elements_of;

namespace detail {

/// One generator's frame. Where one yields all of another, which yields all of a third, they are a
/// row: its root is asked, its leaf runs.
struct GeneratorFrame : FrameHead {
  enum class State : std::uint8_t { fresh, suspended, running, ended };

  GeneratorFrame* outer = nullptr;  // which yields all of this one; null: it is the root
  GeneratorFrame** held = nullptr;  // where `outer` holds it: nulled by who destroys it first
  GeneratorFrame* root = this;
  Failure failure;  // that it ended with
  // Of the root:
  GeneratorFrame* leaf = this;
  void* out = nullptr;  // the std::optional<Out> that the step is to fill
  void* in = nullptr;   // the In that was sent; null: none
  Failure thrown_in;
  State state = State::fresh;
  bool is_dropped = false;  // by its own body
  bool goes_on = false;     // another frame of the row is next

  /// Runs until it yields or ends. REQUIRES: it is a root, and does not run.
  void step() {
    state = State::running;
    do {
      goes_on = false;
      leaf->handle().resume();
    } while (goes_on);
    if (state == State::running) state = State::suspended;
  }
  /// `inner`, with the row behind it, is the leaf's end of this one's row from here on.
  void append(GeneratorFrame& inner, GeneratorFrame** holds) noexcept {
    inner.outer = this;
    inner.held = holds;
    for (GeneratorFrame* at = inner.leaf; at != this; at = at->outer) at->root = root;
    root->leaf = std::exchange(inner.leaf, &inner);
    root->goes_on = true;
  }
  /// Its body is over.
  void ended() noexcept {
    state = State::ended;
    if (!outer) return;
    root->leaf = outer;
    root->goes_on = true;
  }
};

/// Destroys a row, the leaf first: in a loop. REQUIRES: `root` does not run.
DEFERRED_API void destroy_row(GeneratorFrame& root) noexcept;
[[noreturn, gnu::cold]] DEFERRED_API void throw_generator_runs();
[[noreturn, gnu::cold]] DEFERRED_API void throw_generator_has_ended();
[[noreturn, gnu::cold]] DEFERRED_API void throw_not_at_a_yield();
[[noreturn, gnu::cold]] DEFERRED_API void throw_no_generator_result();

/// What co_yield gives, of what was sent.
template <class In>
In take_sent(GeneratorFrame& root) {
  if (root.thrown_in) [[unlikely]]
    std::exchange(root.thrown_in, Failure()).raise();
  if constexpr (!std::is_void_v<In>) {
    if (void* const sent = std::exchange(root.in, nullptr)) {
      return std::move(*static_cast<In*>(sent));
    }
    return In{};
  }
}

template <class Return>
struct GeneratorReturn : GeneratorFrame {
  static_assert(ordinary_alignment<Return>,
                "the result of a generator is over-aligned, and frames are not aligned for it: "
                "return a std::unique_ptr to it");
  std::optional<Return> returned;

  template <class U = Return>
    requires std::is_convertible_v<U, Return>
  void return_value(U&& value) {
    returned.emplace(std::forward<U>(value));
  }
  Return take_returned() {
    if (!returned) throw_no_generator_result();
    Return value = *std::move(returned);
    returned.reset();
    return value;
  }
};
template <>
struct GeneratorReturn<void> : GeneratorFrame {
  void return_void() noexcept {}
  void take_returned() noexcept {}
};

/// Waits, in the middle of `self`, until all of another generator has been yielded.
template <class Return>
class YieldAll {
 public:
  YieldAll(GeneratorFrame& self, GeneratorReturn<Return>* inner) noexcept
      : self_(self), inner_(inner) {}
  YieldAll(const YieldAll&) = delete;
  YieldAll& operator=(const YieldAll&) = delete;
  ~YieldAll() {
    if (!inner_) return;
    inner_->outer = nullptr;
    destroy_row(*inner_);
  }

  bool await_ready() const noexcept {
    return !inner_ || inner_->state == GeneratorFrame::State::ended;
  }
  void await_suspend(std::coroutine_handle<>) noexcept { self_.append(*inner_, &inner_); }
  Return await_resume() {
    if (!inner_) throw_generator_has_ended();
    auto& ended = static_cast<GeneratorReturn<Return>&>(*inner_);
    if (ended.failure) std::exchange(ended.failure, Failure()).raise();
    return ended.take_returned();
  }

 private:
  GeneratorFrame& self_;
  GeneratorFrame* inner_;
};

template <class Out, class In, class Return>
struct GeneratorPromise : GeneratorReturn<Return> {
  static void* operator new(std::size_t size) { return allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { release(memory, size); }

  Generator<Out, In, Return> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  struct Final {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<GeneratorPromise> self) const noexcept {
      self.promise().ended();
    }
    void await_resume() const noexcept {}
  };
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { this->failure = Failure::current(SourceLocation()); }

  struct Yielded {
    GeneratorFrame& self;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    In await_resume() const { return take_sent<In>(*self.root); }
  };
  template <class U = Out>
    requires std::is_convertible_v<U, Out>
  Yielded yield_value(U&& value) {
    static_cast<std::optional<Out>*>(this->root->out)->emplace(std::forward<U>(value));
    return {*this};
  }
  template <class R>
  YieldAll<R> yield_value(elements_of<Generator<Out, In, R>> all) {
    return {*this, all.release()};
  }
  template <class G>
  std::suspend_never yield_value(elements_of<G>) {
    static_assert(sizeof(std::remove_reference_t<G>) == 0,
                  "co_yield elements_of(inner): it is given away, by std::move(inner), and has to "
                  "yield and to take the types that this generator does");
    return {};
  }
  template <class X>
  std::suspend_never await_transform(X&&) {
    static_assert(sizeof(std::remove_reference_t<X>) == 0,
                  "co_await: a Generator waits for nothing: make it an AsyncGenerator");
    return {};
  }
};

}  // namespace detail
}  // namespace deferred
