// SPDX-License-Identifier: MIT
//
// Failure: an error as a value. It is made without a throw, asked for its type without a rethrow,
// and thrown only where it reaches code that can catch (a coroutine that awaits). It carries a
// trace: where it was made and each await and chain it passed, but for chains that only waited and
// stepped aside. Knows nothing of Deferreds.
// Next: outcome.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred {

namespace detail {
struct FailureNode;
struct FailureTrace;
template <class E>
struct FailureNodeOf;
}  // namespace detail

/// A shared, immutable error of any copyable type: eight bytes, reference-counted. The count is not
/// atomic: a Failure stays on its thread.
class [[nodiscard]] Failure {
 public:
  /// Holds no error; also the state after a move. Only assignment and `operator bool` make sense.
  Failure() noexcept = default;

  /// Holds a copy of `error`, without throwing it. An error given by a reference to its base class,
  /// as in `catch (const std::exception& error)`, is taken whole if it is the exception now being
  /// handled; else it would be cut down to its base, and std::logic_error is thrown.
  template <class E>
    requires(!std::is_same_v<std::decay_t<E>, Failure>)
  explicit Failure(E&& error, SourceLocation where = SourceLocation::current());

  /// The exception now being handled, in a `catch` block; an exception that came out of raise()
  /// gives the same Failure again, trace included. Outside a handler: a std::logic_error that says
  /// so (Twisted: NoCurrentExceptionError).
  /// Without memory to hold it: a std::bad_alloc.
  DEFERRED_API static Failure current(SourceLocation where = SourceLocation::current()) noexcept;
  /// An exception carried over from another thread. `SourceLocation()` as the place: unknown, and
  /// not in the trace.
  DEFERRED_API static Failure from(std::exception_ptr error,
                                   SourceLocation where = SourceLocation::current()) noexcept;

  Failure(const Failure& other) noexcept;
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a union has a side, here and where a Failure ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
  Failure(Failure&& other) noexcept : node_(other.node_) { other.node_ = nullptr; }
  Failure& operator=(Failure other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Failure() { drop(); }

  explicit operator bool() const noexcept { return node_ != nullptr; }

  /// The error as an E, if it is one or derives from one; else null. Lives as long as this Failure.
  template <class E>
  const E* check() const noexcept;
  /// Returns which of the types it is (0 for the first); raises the error if it is none of them.
  /// (Twisted: Failure.trap)
  template <class... E>
  std::size_t trap() const;
  /// Throws the error, as the type it has.
  [[noreturn]] DEFERRED_API void raise() const;
  /// The error as an exception_ptr, for code outside the library or another thread.
  DEFERRED_API std::exception_ptr to_exception_ptr() const;

  /// what() of an error that has one; otherwise its type's name.
  DEFERRED_API std::string what() const;
  /// The readable name of the error's type.
  DEFERRED_API std::string type_name() const;
  /// Type, what() and the trace, one place a line, without a line break at the end.
  DEFERRED_API std::string report() const;

  /// What a place in the trace did with the failure; from `all` on: had it from one of its inputs.
  enum class Passed : std::uint8_t { await, chain, all, all_settled, any, race };
  /// Adds a place to the trace of this Failure; copies made before go their own way. The first 30
  /// places are kept, the others counted. `input` counts from 1: "input #1 of all at a.cpp:7".
  DEFERRED_API void passed(Passed how, SourceLocation where, std::uint32_t input = 0) noexcept;
  /// Errors that came when this one was on its way already, and gave way to it: of its nursery's
  /// other children, say. They stand in its report. In a catch block:
  /// `Failure::current().suppressed()`. (Java: Throwable.getSuppressed)
  DEFERRED_API std::vector<Failure> suppressed() const;
  /// Adds one; to this Failure, not to copies made before. The first 30 are kept, the others
  /// counted. The same error, come by another way, is not added. Without memory for that the error
  /// is reported as an unhandled one.
  DEFERRED_API void suppress(Failure error) noexcept;

 private:
  friend struct detail::FailureNode;
  /// Makes the trace its own: copies made before keep theirs. Throws std::bad_alloc.
  detail::FailureTrace& own_trace();
  void append_report(std::string& text, const std::string& indent, int& most_suppressed) const;

  void drop() noexcept {
    if (node_) release(node_);
  }
  [[gnu::cold]] DEFERRED_API void take_whole(const void* error, const std::type_info& type,
                                             const std::type_info& cut, SourceLocation where);
  static inline void release(detail::FailureNode* node) noexcept;

  detail::FailureNode* node_ = nullptr;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// std::make_exception_ptr, but an error given by a reference to its base class is not cut down to
/// it: as Failure's constructor says.
template <class E>
std::exception_ptr make_whole_exception_ptr(E&& error);

/// Called with each failure that nobody handled and a line that says whose it was; once for each
/// error, however many readers left it unhandled. It must not throw. The default prints report() to
/// standard error.
using UnhandledFailureHook = void (*)(const Failure& failure, const std::string& whose);
/// Replaces the hook of the whole process and returns the one before; null restores the default.
DEFERRED_API UnhandledFailureHook set_unhandled_failure_hook(UnhandledFailureHook hook) noexcept;

namespace detail {

/// It is neither one that nobody needs to hear of (Cancelled, or AbandonedError from closing), nor
/// has it been reported: each error is once, however many Deferreds carried it.
bool is_to_be_reported(const Failure& failure) noexcept;
void set_reported(const Failure& failure) noexcept;
/// Hands a failure to the hook, if it is to be reported.
void report_unhandled(const Failure& failure, const std::string& whose) noexcept;
void report_unhandled(const Failure& failure, const char* whose) noexcept;
/// The same for a Deferred that is known by the place where it was made, or by its type.
DEFERRED_API void report_unhandled(const Failure& failure, SourceLocation made) noexcept;
DEFERRED_API void report_unhandled(const Failure& failure,
                                   const std::type_info& result_type) noexcept;
/// A Failure with Cancelled, or with std::bad_alloc if there is no memory for it.
Failure cancelled_failure() noexcept;
/// What was thrown last by Failure::raise(), whose Failure is kept for Failure::current(); or null.
extern constinit thread_local const void* raised_object;
/// Lets go of that failure.
DEFERRED_API void forget_raised() noexcept;
/// Does so at the end of the program, library or plug-in that has it, for its code is that of the
/// exceptions' types. Hidden, so that each has one of its own.
struct ForgetRaisedAtUnload {
  ~ForgetRaisedAtUnload() { forget_raised(); }
};
[[gnu::visibility("hidden")]] inline const ForgetRaisedAtUnload forget_raised_at_unload{};
/// The exception being handled, if it is that object, which is of the class `type`. Else throws
/// std::logic_error.
[[gnu::cold]] DEFERRED_API std::exception_ptr handled_whole(const void* error,
                                                            const std::type_info& type,
                                                            const std::type_info& cut);
/// The error's own type is not the one by which it is referred to.
template <class E>
bool would_be_cut(const E& error) noexcept {
  if constexpr (std::is_polymorphic_v<E> && !std::is_final_v<E>) {
    return typeid(error) != typeid(E);
  } else {
    return false;
  }
}
DEFERRED_API std::string demangled(const std::type_info& type);

}  // namespace detail
}  // namespace deferred

#include "deferred/results/detail/failure_node.hpp"
