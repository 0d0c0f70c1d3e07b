// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/services.hpp"

#include <string>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {
namespace {

[[noreturn]] void refuse(const Service& service, const char* why) {
  throw ReactorStateError("service(): " + demangled(*service.type) + why);
}

}  // namespace

Services::~Services() {
  while (Service* const service = newest_) {
    newest_ = service->older;
    delete service;
  }
}

Service* Services::look_up(const std::type_info& type) const noexcept {
  Service* service = newest_;
  while (service && *service->type != type) service = service->older;
  return service;
}

Service* Services::find(const std::type_info& type) const noexcept {
  Service* const service = look_up(type);
  return service && service->state == Service::State::made ? service : nullptr;
}

Service& Services::make(Reactor& reactor, std::unique_ptr<Service> made) {
  if (ReactorAccess::is_dead(reactor)) {
    refuse(*made, " in the child of a fork(): the reactor is the parent's");
  }
  if (const Service* const there = look_up(*made->type)) {
    if (there->state == Service::State::ended) refuse(*made, " has ended with its reactor");
    refuse(*made, " is asked for by its own constructor, or by what that uses");
  }
  Service& service = *made.release();
  link(service);
  try {
    service.make(reactor);
  } catch (...) {
    if (unlink(service)) delete &service;
    throw;
  }
  service.state = Service::State::made;
  if (unlink(service)) link(service);
  return service;
}

bool Services::end_newest() noexcept {
  Service* service = newest_;
  while (service && service->state != Service::State::made) service = service->older;
  if (!service) return false;
  service->state = Service::State::ended;
  service->end();
  return true;
}

Service* Services::leave() noexcept { return std::exchange(newest_, nullptr); }

void Services::link(Service& service) noexcept { service.older = std::exchange(newest_, &service); }

bool Services::unlink(Service& service) noexcept {
  Service** link = &newest_;
  while (*link && *link != &service) link = &(*link)->older;
  if (!*link) return false;
  *link = service.older;
  return true;
}

}  // namespace deferred::detail
