// SPDX-License-Identifier: MIT
//
// Registry: handlers added at run time, for a type or for one object. Each reactor has its own, so
// there is no global state, and plug-ins can register too. Each await asks it first. What takes a
// Waiter is completed in tasks/: whoever includes a yieldable can register a handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/detail/handler.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace detail {
struct ReactorAccess;
}

class Registry;

/// Keeps one run-time handler registered; unregisters it when destroyed. May outlive the reactor.
class [[nodiscard]] DEFERRED_API Registration {
 public:
  Registration() = default;
  Registration(Registration&& other) noexcept
      : registry_(std::move(other.registry_)), handler_(std::exchange(other.handler_, nullptr)) {}
  Registration& operator=(Registration&& other) noexcept {
    Registration old(std::move(*this));
    registry_ = std::move(other.registry_);
    handler_ = std::exchange(other.handler_, nullptr);
    return *this;
  }
  ~Registration();

 private:
  friend class Registry;
  Registration(std::weak_ptr<Registry*> registry, const detail::Handler& handler)
      : registry_(std::move(registry)), handler_(&handler) {}

  std::weak_ptr<Registry*> registry_;  // empty once the reactor is gone
  const detail::Handler* handler_ = nullptr;
};

/// The run-time handlers of one reactor. A handler is a callable `undo(X& or const X&, Waiter<R>)`;
/// the one registered last is asked.
class Registry {
 public:
  DEFERRED_API Registry();
  ~Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Handles every X that is awaited on this reactor, in place of its own handler. If X has one,
  /// the result type must be the same.
  template <class X, class F>
  Registration when_type(F handler);
  /// Handles this one object, awaited as an lvalue or by a Value that holds its address.
  /// REQUIRES: the object outlives the registration.
  template <class X, class F>
  Registration when_object(X& object, F handler);

  bool empty() const noexcept { return count_ == 0; }
  bool has_objects() const noexcept { return object_count_ != 0; }

  /// The handler for a type; null if none. The answer for a type is remembered until the next
  /// registration.
  detail::Handler* find(const std::type_info& type) const noexcept {
    const Remembered& seen = remembered_[cache_index(type)];
    return seen.type == &type ? seen.handler : look_up(type);
  }
  /// The handler for an object of that type; null if none.
  DEFERRED_API detail::Handler* find(const void* object, const std::type_info& type) const noexcept;

  /// While one lives, handlers that are unregistered are kept: one of them may be running.
  class InUse {
   public:
    explicit InUse(Registry& registry) noexcept : registry_(registry) { ++registry_.in_use_; }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;
    ~InUse() {
      if (--registry_.in_use_ == 0 && !registry_.removed_.empty()) registry_.drop_removed();
    }

   private:
    Registry& registry_;
  };

 private:
  friend class Registration;
  friend struct detail::ReactorAccess;
  friend class Reactor;
  using Handlers = std::vector<std::unique_ptr<detail::Handler>>;  // the newest last
  struct Remembered {
    const std::type_info* type = nullptr;
    detail::Handler* handler = nullptr;
  };
  static constexpr std::size_t cache_size = 64;
  static std::size_t cache_index(const std::type_info& type) noexcept {
    return (reinterpret_cast<std::uintptr_t>(&type) >> 4) % cache_size;
  }

  DEFERRED_API Registration add(Handlers& handlers, std::unique_ptr<detail::Handler> handler);
  void remove(const detail::Handler& handler) noexcept;
  static std::unique_ptr<detail::Handler> take(Handlers& handlers,
                                               const detail::Handler& handler) noexcept;
  DEFERRED_API detail::Handler* look_up(const std::type_info& type) const noexcept;
  /// Which handler was found for which type: after a change, and when types go with a plug-in, for
  /// others may come to lie where they were.
  void forget_found() noexcept;
  /// At the reactor's end: drops all of them, and what their Registrations know.
  void clear() noexcept;
  /// From the back, until so many are left.
  DEFERRED_API void drop_removed(std::size_t but = 0) noexcept;

  std::unordered_map<std::type_index, Handlers> types_;
  std::unordered_map<const void*, Handlers> objects_;
  Handlers removed_;  // see InUse
  std::uint64_t last_number_ = 0;
  int in_use_ = 0;
  std::size_t count_ = 0;
  std::size_t object_count_ = 0;
  mutable Remembered remembered_[cache_size];
  std::shared_ptr<Registry*> self_;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
