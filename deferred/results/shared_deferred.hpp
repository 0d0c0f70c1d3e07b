// SPDX-License-Identifier: MIT
//
// SharedDeferred<T>: one result for any number of readers, who each get a `const T&`. Made by
// std::move(deferred).share().
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/results/deferred.hpp"
#include "deferred/yieldable.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/// A handle of a result that many may read, copyable; all copies are one result, which lives as
/// long as one of them or a reader's callback that has not run. One that was moved from throws
/// std::logic_error. Readers are called in the order in
/// which they came, inside the call that fires, or at once if the result is there.
///
/// Dropping the last handle detaches: the operation goes on. Cancelling what add_* returned ends
/// only that reader's wait, and nothing of it is kept. A failure goes to every reader, each with a
/// trace of its own; it is reported once if one of them left it unhandled, or if there was none.
template <class T>
class [[nodiscard]] SharedDeferred {
 public:
  using value_type = T;

  explicit SharedDeferred(Deferred<T> deferred, SourceLocation where = SourceLocation::current())
      : state_(std::make_shared<State>(where)) {
    state_->source = detail::DeferredAccess::kept_to_cancel(std::move(deferred).add_both(
        [state = state_](Outcome<T>&& outcome) { state->settle(std::move(outcome)); }, where));
  }

  /// `f(const T&)` on success, `f()` for void. Returns a Deferred of what f returns.
  template <class F>
  auto add_callback(F&& f, SourceLocation where = SourceLocation::current()) const {
    return done(where).add_callback(reads_value(std::forward<F>(f)), where);
  }
  /// `f(error)` on a failure, as Deferred::add_errback. What f returns is ignored.
  template <class F>
  Deferred<void> add_errback(F&& f, SourceLocation where = SourceLocation::current()) const {
    return done(where).add_errback(std::forward<F>(f), where);
  }
  /// One of the two, never both.
  template <class F, class G>
  auto add_callbacks(F&& callback, G&& errback,
                     SourceLocation where = SourceLocation::current()) const {
    return done(where).add_callbacks(reads_value(std::forward<F>(callback)),
                                     std::forward<G>(errback), where);
  }
  /// `f(const Outcome<T>&)` in either case; for a reader that is cancelled, with Cancelled.
  template <class F>
  auto add_both(F&& f, SourceLocation where = SourceLocation::current()) const {
    return done(where).add_both(
        [state = shared(), f = std::decay_t<F>(std::forward<F>(f))](Outcome<void> read) mutable {
          if (state->outcome && !read.template check<Cancelled>())
            return std::invoke(f, std::as_const(*state->outcome));
          const Outcome<T> cancelled(read.failure());  // this reader was, not the operation
          return std::invoke(f, cancelled);
        },
        where);
  }
  /// Fires when the result is there, with its failure if it failed. Then read outcome().
  Deferred<void> done(SourceLocation where = SourceLocation::current()) const {
    const auto state = shared();  // what is called meanwhile may destroy *this
    return state->read(where);
  }

  /// Cancels the operation, for all readers. (Deferred::cancel)
  void cancel() const {
    const auto state = shared();  // a canceller may destroy *this
    state->source.cancel();
  }

  bool has_result() const noexcept { return state_ && state_->outcome.has_value(); }
  /// The result; null while there is none.
  const Outcome<T>* outcome() const noexcept { return has_result() ? &*state_->outcome : nullptr; }

 private:
  /// One that waits for the outcome.
  struct Reader : detail::Recycled {
    Promise<void> promise;
    Reader* next = nullptr;
    Reader** place = nullptr;  // what points to it
    bool is_dropped = false;   // it is about to go, and not among the others any more
  };
  struct State {
    explicit State(SourceLocation where) noexcept : made(where) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
      while (first) remove(*first);
      if (outcome && !was_read) {
        if (const Failure failure = outcome->failure()) detail::report_unhandled(failure, made);
      }
    }

    Deferred<void> read(SourceLocation where) {
      if (outcome) {
        was_read = true;
        return outcome->has_value() ? succeed() : fail<void>(outcome->failure(), where);
      }
      if (count == sweep_at) sweep();
      auto reader = std::make_unique<Reader>();
      // A reader that is cancelled goes, and its Promise with it.
      auto [promise, deferred] =
          make_deferred<void>([this, r = reader.get()] { remove(*r); }, where);
      reader->promise = std::move(promise);
      reader->place = end;
      *end = reader.release();
      end = &(*end)->next;
      ++count;
      return std::move(deferred);
    }
    void settle(Outcome<T>&& result) {
      try {
        outcome.emplace(std::move(result));
      } catch (...) {  // the move of the value threw
        outcome.emplace(Failure::current(made));
      }
      if (was_dropped && !outcome->has_value()) detail::report_unhandled(outcome->failure(), made);
      while (first) {
        was_read = true;
        Promise<void> reader = std::move(first->promise);
        remove(*first);
        if (outcome->has_value()) {
          reader.callback();
        } else {
          reader.errback(outcome->failure());
        }
      }
    }
    void remove(Reader& reader) noexcept {
      const std::unique_ptr<Reader> gone(&reader);
      unlink(reader);
    }
    void unlink(Reader& reader) noexcept {
      *reader.place = reader.next;
      if (reader.next) {
        reader.next->place = reader.place;
      } else if (!reader.is_dropped) {
        end = reader.place;
      }
      if (!reader.is_dropped) --count;
    }
    /// Those that were dropped: looked for each time that their number may have doubled. To end one
    /// may call what cancels others, also of these.
    void sweep() noexcept {
      Reader* dropped = nullptr;
      for (Reader* reader = first; reader;) {
        Reader* const next = reader->next;
        if (!reader->promise.wanted()) {
          unlink(*reader);
          reader->is_dropped = true;
          if (dropped) dropped->place = &reader->next;
          reader->next = std::exchange(dropped, reader);
          reader->place = &dropped;
          was_dropped = true;
        }
        reader = next;
      }
      sweep_at = std::max<std::size_t>(2 * count, 64);
      while (dropped) {
        Promise<void> promise = std::move(dropped->promise);
        remove(*dropped);
        promise.errback(detail::cancelled_failure());
      }
    }

    std::optional<Outcome<T>> outcome;
    Reader* first = nullptr;  // until there is an outcome, in the order in which they came
    Reader** end = &first;
    std::size_t count = 0;
    std::size_t sweep_at = 64;
    Deferred<void> source;  // for cancel(); its callback keeps this State
    SourceLocation made;
    bool was_read = false;     // a reader was given it
    bool was_dropped = false;  // a reader that would have left a failure unhandled is forgotten
  };

  template <class F>
  auto reads_value(F&& f) const {
    using Callback = std::decay_t<F>;
    static_assert(
        detail::takes<Callback, const Stored<T>&>,
        "SharedDeferred: the callback must take the value by const reference or by value, "
        "for there may be other readers");
    return [state = shared(), f = Callback(std::forward<F>(f))]() mutable {
      return detail::call(f, *std::as_const(*state->outcome));
    };
  }

  const std::shared_ptr<State>& shared() const {
    if (!state_) detail::throw_moved_from();
    return state_;
  }

  std::shared_ptr<State> state_;  // null after a move
};

template <class T>
SharedDeferred<T> Deferred<T>::share() && {
  return SharedDeferred<T>(std::move(*this));
}

/// `const T& value = co_await shared;` reads the result where it lies: it lives as long as one of
/// the handles. A failure is thrown at each await. Cancelling one reader leaves the operation and
/// the other readers alone.
template <class T>
struct yieldable<SharedDeferred<T>> {
  using Read = std::conditional_t<std::is_void_v<T>, void, std::reference_wrapper<const T>>;

  static detail::DeferredUndo yield_to(const SharedDeferred<T>& shared, Waiter<Read> waiter) {
    return detail::DeferredUndo(
        shared.add_both([waiter = std::move(waiter)](const Outcome<T>& outcome) {
          if (!outcome.has_value()) {
            waiter.throw_(outcome.failure());
          } else if constexpr (std::is_void_v<T>) {
            waiter.resume();
          } else {
            waiter.resume(std::cref(*outcome));
          }
        }));
  }
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
