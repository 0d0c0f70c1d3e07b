// SPDX-License-Identifier: MIT
//
// Services: the things of which a reactor has one each, in the order they were made. Part of
// reactor.hpp: include that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <typeinfo>

#include "deferred/memory/api.hpp"

namespace deferred {

class Reactor;

namespace detail {

struct Service {
  enum class State : std::uint8_t { making, made, ended };

  explicit Service(const std::type_info& of) noexcept : type(&of) {}
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  virtual ~Service() = default;
  virtual void make(Reactor& reactor) = 0;
  virtual void end() noexcept = 0;

  const std::type_info* const type;
  State state = State::making;
  Service* older = nullptr;
};

template <class T>
struct ServiceOf final : Service {
  ServiceOf() noexcept : Service(typeid(T)) {}
  void make(Reactor& reactor) override { value.emplace(reactor); }
  void end() noexcept override { value.reset(); }

  std::optional<T> value;
};

class Services {
 public:
  Services() = default;
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;
  ~Services();

  /// Null if there is none, or it is being made or destroyed, or was.
  DEFERRED_API Service* find(const std::type_info& type) const noexcept;
  /// Throws what its constructor throws, and ReactorStateError if there cannot be one.
  DEFERRED_API Service& make(Reactor& reactor, std::unique_ptr<Service> service);
  /// Destroys the newest one that has not ended. False if there is none.
  bool end_newest() noexcept;
  /// Gives them away as they are, in the child of a fork().
  Service* leave() noexcept;

 private:
  Service* look_up(const std::type_info& type) const noexcept;
  /// False if it was given away.
  bool unlink(Service& service) noexcept;
  void link(Service& service) noexcept;

  // One in the making is before those that its constructor makes, until it is made. Those that have
  // ended are kept, so that none is made a second time.
  Service* newest_ = nullptr;
};

}  // namespace detail
}  // namespace deferred
