// SPDX-License-Identifier: MIT
//
// FailureNode: what a Failure refers to, and the bodies of failure.hpp's templates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred {

namespace detail {

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
  static FailureNode* give(Failure& failure) noexcept {
    return std::exchange(failure.node_, nullptr);
  }
  /// This copy is not reported, wherever it ends; once it was awaited it is again.
  static void set_known(Failure& failure) noexcept;

  std::uint32_t refs = 1;
  mutable bool reported = false;  // the unhandled-failure hook has had it
  bool has_no_way = false;        // everybody's, for want of memory: it has no trace
  bool known = false;             // by its nursery: this copy need not be reported
  const FailureOps* ops = nullptr;
  const std::type_info* type = nullptr;
  const void* payload = nullptr;             // the error object, of type *type
  const std::exception* standard = nullptr;  // the same, if it is one
  mutable std::exception_ptr thrown;         // set once it was raised or captured
  FailureTrace* trace = nullptr;             // made when the first place is passed
  SourceLocation made;
};

[[gnu::cold]] DEFERRED_API void destroy_node(FailureNode* node) noexcept;
/// Whether the error is below the class `wanted`, and then where in it; for classes that are not
/// below std::exception. Null where the C++ runtime does not tell without a throw.
#if defined(__GLIBCXX__)
inline constexpr bool runtime_finds_bases = true;
#else
inline constexpr bool runtime_finds_bases = false;
#endif
DEFERRED_API const void* find_base(const FailureNode& node, const std::type_info& wanted) noexcept;
/// The same by throwing and catching: slow.
template <class E>
const E* find_base_by_throwing(const FailureNode& error) noexcept {
  try {
    if (error.ops->raise_pointer) {
      error.ops->raise_pointer(error);
    } else {
      std::rethrow_exception(error.thrown);
    }
  } catch (const E* base) {
    return error.ops->raise_pointer ? base : nullptr;
  } catch (const E& base) {
    return error.ops->raise_pointer ? nullptr : &base;
  } catch (...) {
  }
  return nullptr;
}
/// The node that has the error itself, of one that only has a reader's trace of it.
const FailureNode& origin_of(const FailureNode& node) noexcept;

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
  if (detail::would_be_cut<Payload>(error)) [[unlikely]] {
    if constexpr (std::is_polymorphic_v<Payload>) {
      take_whole(dynamic_cast<const void*>(std::addressof(error)), typeid(error), typeid(Payload),
                 where);
    }
    return;
  }
  node_ = new detail::FailureNodeOf<Payload>(std::forward<E>(error), where);
}

template <class E>
std::exception_ptr make_whole_exception_ptr(E&& error) {
  using Payload = std::decay_t<E>;
  if constexpr (std::is_polymorphic_v<Payload>) {
    if (detail::would_be_cut<Payload>(error)) {
      return detail::handled_whole(dynamic_cast<const void*>(std::addressof(error)), typeid(error),
                                   typeid(Payload));
    }
  }
  return std::make_exception_ptr(std::forward<E>(error));
}

inline Failure::Failure(const Failure& other) noexcept : node_(other.node_) {
  if (node_) ++node_->refs;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
inline void Failure::release(detail::FailureNode* node) noexcept {
  if (--node->refs == 0) detail::destroy_node(node);
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

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
        return detail::find_base_by_throwing<E>(detail::origin_of(*node_));
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
