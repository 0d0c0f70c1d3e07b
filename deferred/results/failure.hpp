// SPDX-License-Identifier: MIT
//
// Failure: an error as a value. It is made without a throw, asked for its type without a rethrow,
// and thrown only where it reaches code that can catch (a coroutine that awaits). It carries a
// trace: where it was made and each await and chain it passed. Knows nothing of Deferreds.
// Next: outcome.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/memory/free_list.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred {

namespace detail {
struct FailureNode;
template <class E>
struct FailureNodeOf;
}  // namespace detail

/// A shared, immutable error of any copyable type: eight bytes, reference-counted. The count is not
/// atomic: a Failure stays on its thread.
class [[nodiscard]] Failure {
 public:
  /// Holds no error; also the state after a move. Only assignment and `operator bool` make sense.
  Failure() noexcept = default;

  /// Holds `error`, as its static type, without throwing it.
  template <class E>
    requires(!std::is_same_v<std::decay_t<E>, Failure>)
  explicit Failure(E&& error, SourceLocation where = SourceLocation::current());

  /// The exception now being handled, in a `catch` block; an exception that came out of raise()
  /// gives the same Failure again, trace included. Outside a handler: a std::logic_error that says
  /// so (Twisted: NoCurrentExceptionError).
  /// Without memory to hold it: a std::bad_alloc.
  static Failure current(SourceLocation where = SourceLocation::current()) noexcept;
  /// An exception carried over from another thread. `SourceLocation()` as the place: unknown, and
  /// not in the trace.
  static Failure from(std::exception_ptr error,
                      SourceLocation where = SourceLocation::current()) noexcept;

  Failure(const Failure& other) noexcept;
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a union has a side.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
  Failure(Failure&& other) noexcept : node_(other.node_) { other.node_ = nullptr; }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
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
  [[noreturn]] void raise() const;
  /// The error as an exception_ptr, for code outside the library or another thread.
  std::exception_ptr to_exception_ptr() const;

  /// what() of an error that has one; otherwise its type's name.
  std::string what() const;
  /// The readable name of the error's type.
  std::string type_name() const;
  /// Type, what() and the trace, one place a line, without a line break at the end.
  std::string report() const;

  /// What a place in the trace did with the failure.
  enum class Passed : std::uint8_t { await, chain };
  /// Adds a place to the trace. The first 30 places are kept, the others counted.
  void passed(Passed how, SourceLocation where) const noexcept;

 private:
  friend struct detail::FailureNode;

  void drop() noexcept {
    if (node_) release(node_);
  }
  static void release(detail::FailureNode* node) noexcept;

  detail::FailureNode* node_ = nullptr;
};

/// Called with each failure that nobody handled and a line that says whose it was; once for each
/// error, however many readers left it unhandled. It must not throw. The default prints report() to
/// standard error.
using UnhandledFailureHook = void (*)(const Failure& failure, const std::string& whose);
/// Replaces the hook of the whole process and returns the one before; null restores the default.
UnhandledFailureHook set_unhandled_failure_hook(UnhandledFailureHook hook) noexcept;

namespace detail {

/// It is neither one that nobody needs to hear of (Cancelled, or AbandonedError from closing), nor
/// has it been reported: each error is once, however many Deferreds carried it.
bool is_to_be_reported(const Failure& failure) noexcept;
void set_reported(const Failure& failure) noexcept;
/// Hands a failure to the hook, if it is to be reported.
void report_unhandled(const Failure& failure, const std::string& whose) noexcept;
/// The same for a Deferred that is known by the place where it was made, or by its type.
void report_unhandled(const Failure& failure, SourceLocation made) noexcept;
void report_unhandled(const Failure& failure, const std::type_info& result_type) noexcept;
/// A Failure with Cancelled, or with std::bad_alloc if there is no memory for it.
Failure cancelled() noexcept;
/// What was thrown last by Failure::raise(), whose Failure is kept for Failure::current(); or null.
extern constinit thread_local const void* raised_object;
/// Lets go of that failure.
void forget_raised() noexcept;
std::string demangled(const std::type_info& type);

struct FailureTrace;

struct FailureOps {
  std::exception_ptr (*capture)(const FailureNode&);  // a copy of the payload
  void (*raise_pointer)(const FailureNode&);          // throws `const Payload*`
  std::string (*what)(const FailureNode&);            // null: the type says nothing
  void (*destroy)(FailureNode*) noexcept;
};

struct FailureNode {
  /// For the machinery: a Failure that takes over a reference.
  static Failure adopt(FailureNode* node) noexcept {
    Failure failure;
    failure.node_ = node;
    return failure;
  }
  static const FailureNode* of(const Failure& failure) noexcept { return failure.node_; }

  std::uint32_t refs = 1;
  mutable bool reported = false;  // the unhandled-failure hook has had it
  const FailureOps* ops = nullptr;
  const std::type_info* type = nullptr;
  const void* payload = nullptr;             // the error object, of type *type
  const std::exception* standard = nullptr;  // the same, if it is one
  mutable std::exception_ptr thrown;         // set once it was raised or captured
  mutable FailureTrace* trace = nullptr;     // made when the first place is passed
  SourceLocation made;
};

[[gnu::cold]] void destroy_node(FailureNode* node) noexcept;
/// Whether the error is below the class `wanted`, and then where in it; for classes that are not
/// below std::exception. Null where the C++ runtime does not tell without a throw.
#if defined(__GLIBCXX__)
inline constexpr bool runtime_finds_bases = true;
#else
inline constexpr bool runtime_finds_bases = false;
#endif
const void* find_base(const FailureNode& node, const std::type_info& wanted) noexcept;
/// The same by throwing and catching: slow.
template <class E>
const E* find_base_by_throwing(const FailureNode& node) noexcept {
  try {
    if (node.ops->raise_pointer) {
      node.ops->raise_pointer(node);
    } else {
      std::rethrow_exception(node.thrown);
    }
  } catch (const E* base) {
    return node.ops->raise_pointer ? base : nullptr;
  } catch (const E& base) {
    return node.ops->raise_pointer ? nullptr : &base;
  } catch (...) {
  }
  return nullptr;
}

template <class E>
struct FailureNodeOf : FailureNode, Recycled {
  template <class A>
  FailureNodeOf(A&& error, SourceLocation where) : value(std::forward<A>(error)) {
    ops = &table;
    type = &typeid(E);
    payload = &value;
    if constexpr (std::is_base_of_v<std::exception, E>) standard = &value;
    made = where;
  }

  static const FailureNodeOf& of(const FailureNode& node) {
    return static_cast<const FailureNodeOf&>(node);
  }
  static constexpr auto what() -> std::string (*)(const FailureNode&) {
    if constexpr (requires(const E& error) { std::string(error.what()); }) {
      return [](const FailureNode& node) { return std::string(of(node).value.what()); };
    } else {
      return nullptr;
    }
  }
  static constexpr FailureOps table{
      [](const FailureNode& node) { return std::make_exception_ptr(E(of(node).value)); },
      [](const FailureNode& node) { throw &of(node).value; }, what(),
      [](FailureNode* node) noexcept { delete static_cast<FailureNodeOf*>(node); }};

  E value;
};

}  // namespace detail

template <class E>
  requires(!std::is_same_v<std::decay_t<E>, Failure>)
Failure::Failure(E&& error, SourceLocation where) {
  using Payload = std::decay_t<E>;
  static_assert(std::is_copy_constructible_v<Payload>,
                "Failure: the error must be copyable, for it may be thrown to several readers");
  static_assert(
      !std::is_same_v<Payload, std::exception_ptr>,
      "Failure: use Failure::from(exception_ptr), or the type of the error would be lost");
  static_assert(alignof(Payload) <= alignof(std::max_align_t),
                "Failure: the error is over-aligned");
  node_ = new detail::FailureNodeOf<Payload>(std::forward<E>(error), where);
}

inline Failure::Failure(const Failure& other) noexcept : node_(other.node_) {
  if (node_) ++node_->refs;
}

inline void Failure::release(detail::FailureNode* node) noexcept {
  if (--node->refs == 0) detail::destroy_node(node);
}

template <class E>
const E* Failure::check() const noexcept {
  static_assert(std::is_same_v<E, std::decay_t<E>>, "Failure::check: name the bare error type");
  if (!node_) return nullptr;
  if constexpr (std::is_same_v<E, std::exception>) {
    return node_->standard;
  } else {
    if (node_->type == &typeid(E)) return static_cast<const E*>(node_->payload);
    if constexpr (std::is_class_v<E> && !std::is_final_v<E>) {
      if (node_->standard) return dynamic_cast<const E*>(node_->standard);
    }
    if (*node_->type == typeid(E)) return static_cast<const E*>(node_->payload);
    if constexpr (std::is_class_v<E> && !std::is_final_v<E>) {
      if constexpr (std::is_base_of_v<std::exception, E>) {
        return nullptr;
      } else if constexpr (detail::runtime_finds_bases) {
        return static_cast<const E*>(detail::find_base(*node_, typeid(E)));
      } else {
        return detail::find_base_by_throwing<E>(*node_);
      }
    }
    return nullptr;
  }
}

template <class... E>
std::size_t Failure::trap() const {
  std::size_t index = 0;
  const bool found = ((check<E>() != nullptr || (++index, false)) || ...);
  if (!found) raise();
  return index;
}

}  // namespace deferred
