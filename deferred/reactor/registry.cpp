// SPDX-License-Identifier: MIT
#include "deferred/reactor/registry.hpp"

#include <algorithm>
#include <utility>

namespace deferred {

Registration::~Registration() {
  if (!handler_) return;
  if (const auto registry = registry_.lock()) (*registry)->remove(*handler_);
}

Registry::Registry() : self_(std::make_shared<Registry*>(this)) {}

Registration Registry::add(Handlers& handlers, std::unique_ptr<detail::Handler> handler) {
  removed_.reserve(removed_.size() + count_ + 1);
  handler->number = ++last_number_;
  handlers.push_back(std::move(handler));
  ++count_;
  forget_found();
  return Registration(self_, *handlers.back());
}

void Registry::remove(const detail::Handler& handler) noexcept {
  // What the handler captured is destroyed last: it may register and unregister others.
  std::unique_ptr<detail::Handler> removed;
  const auto of_type = types_.find(std::type_index(handler.type));
  if (of_type != types_.end() && (removed = take(of_type->second, handler))) {
    auto entry = types_.extract(of_type);
    if (!entry.mapped().empty()) {
      // The name of the type of one that is left: the other's may go with a plug-in.
      entry.key() = entry.mapped().back()->type;
      types_.insert(std::move(entry));
    }
  } else {
    for (auto it = objects_.begin(); it != objects_.end(); ++it) {
      removed = take(it->second, handler);
      if (!removed) continue;
      --object_count_;
      if (it->second.empty()) objects_.erase(it);
      break;
    }
  }
  if (!removed) return;
  --count_;
  forget_found();
  if (in_use_ != 0) removed_.push_back(std::move(removed));  // has room: add() saw to it
}

// The newest first, and not as they lie in the tables: that hangs on where their objects lie.
void Registry::clear() noexcept {
  self_.reset();
  const std::size_t in_use = removed_.size();
  const auto take_all = [this](auto& table) {
    for (auto& each : table) {
      for (auto& handler : each.second) removed_.push_back(std::move(handler));  // has room
    }
    table.clear();
  };
  take_all(types_);
  take_all(objects_);
  count_ = object_count_ = 0;
  forget_found();
  const auto first = removed_.begin() + static_cast<std::ptrdiff_t>(in_use);
  std::sort(first, removed_.end(),
            [](const auto& a, const auto& b) { return a->number < b->number; });
  drop_removed(in_use);
}

std::unique_ptr<detail::Handler> Registry::take(Handlers& handlers,
                                                const detail::Handler& handler) noexcept {
  const auto it = std::find_if(handlers.begin(), handlers.end(),
                               [&](const auto& each) { return each.get() == &handler; });
  if (it == handlers.end()) return nullptr;
  std::unique_ptr<detail::Handler> taken = std::move(*it);
  handlers.erase(it);
  return taken;
}

detail::Handler* Registry::look_up(const std::type_info& type) const noexcept {
  const auto it = types_.find(std::type_index(type));
  const bool none = it == types_.end() || it->second.empty();
  detail::Handler* const found = none ? nullptr : it->second.back().get();
  remembered_[cache_index(type)] = {&type, found};
  return found;
}

detail::Handler* Registry::find(const void* object, const std::type_info& type) const noexcept {
  const auto it = objects_.find(object);
  if (it == objects_.end()) return nullptr;
  const auto of_type = std::find_if(it->second.rbegin(), it->second.rend(),
                                    [&](const auto& each) { return each->type == type; });
  return of_type == it->second.rend() ? nullptr : of_type->get();
}

void Registry::drop_removed(std::size_t but) noexcept {
  while (removed_.size() > but) {  // one by one: each may register and unregister others
    const std::unique_ptr<detail::Handler> dropped = std::move(removed_.back());
    removed_.pop_back();
  }
}

void Registry::forget_found() noexcept {
  for (Remembered& each : remembered_) each = {};
}

}  // namespace deferred
