// SPDX-License-Identifier: MIT
// The watched descriptors of a reactor.
#include "deferred/reactor/watch.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <system_error>

#include "deferred/reactor/reactor.hpp"

namespace deferred {

Watch Reactor::add_watch(int fd, Ready interest, detail::WatchNode* made) {
  std::unique_ptr<detail::WatchNode> node(made);
  require_home("watch()");
  if (fd < 0) {
    throw std::system_error(std::make_error_code(std::errc::bad_file_descriptor),
                            "watch: descriptor " + std::to_string(fd));
  }
  node->fd = fd;
  node->interest = interest;
  const auto index = static_cast<std::size_t>(fd);
  if (index < fds_.size() && fds_[index]) {
    fds_[index]->add(*node);
  } else {
    // The backend is asked first: it knows whether there is such an fd, and room is made for it.
    auto entry = std::make_unique<detail::FdEntry>(*this, fd);
    entry->add(*node);
    try {
      if (index >= fds_.size()) fds_.resize(index + 1);
    } catch (...) {
      node.release();
      entry->reactor_gone();
      throw;
    }
    fds_[index] = std::move(entry);
  }
  node->reactor = this;
  node->refs = 2;
  return detail::ReactorAccess::handle(node.release());
}

void Watch::drop() noexcept {
  if (node_->reactor) {
    detail::ReactorAccess::require_home(*node_->reactor, "dropping a Watch");
    detail::FdEntry& entry = detail::ReactorAccess::entry(*node_->reactor, node_->fd);
    node_->reactor = nullptr;
    entry.remove(*node_);  // first: the callable may own the descriptor
    if (!node_->calling) node_->drop_callable();
  }
  std::exchange(node_, nullptr)->release();
}

void Watch::set_interest(Ready interest) {
  if (!active() || node_->interest == interest) return;
  detail::ReactorAccess::require_home(*node_->reactor, "Watch::set_interest()");
  const Ready before = std::exchange(node_->interest, interest);
  try {
    detail::ReactorAccess::entry(*node_->reactor, node_->fd).refresh();
  } catch (...) {
    node_->interest = before;
    throw;
  }
}

namespace detail {

FdEntry& ReactorAccess::entry(Reactor& reactor, int fd) noexcept {
  return *reactor.fds_[static_cast<std::size_t>(fd)];
}

void FdEntry::add(WatchNode& node) {
  watches_.push_back(&node);
  try {
    // The number may have been closed, and be another file's: then the backend has to be told.
    refresh(watched_ != Ready::none);
  } catch (...) {
    watches_.pop_back();
    throw;
  }
}

void FdEntry::remove(WatchNode& node) noexcept {
  const auto it = std::find(watches_.begin(), watches_.end(), &node);
  if (dispatching_ > 0) {
    *it = nullptr;
    holes_ = true;
  } else {
    watches_.erase(it);
  }
  try {
    refresh();
  } catch (...) {
    // Wanting less of an fd cannot fail on a sane loop; a report too many would be harmless.
  }
  node.release();
}

void FdEntry::refresh(bool anew) {
  Ready wanted = Ready::none;
  for (const WatchNode* node : watches_) {
    if (node) wanted = wanted | node->interest;
  }
  if (wanted == watched_ && !anew) return;
  Backend& backend = reactor_.backend();
  if (wanted == Ready::none) {
    backend.unwatch(fd_);
    ReactorAccess::count_watched(reactor_, -1);
  } else if (watched_ == Ready::none) {
    backend.watch(fd_, wanted, *this);
    ReactorAccess::count_watched(reactor_, 1);
  } else {
    backend.rewatch(fd_, wanted);
  }
  watched_ = wanted;
}

inline void FdEntry::tell(WatchNode* node, Ready what) noexcept {
  if (!node || (node->interest & what) == Ready::none) return;
  if (ReactorAccess::is_dead(reactor_)) [[unlikely]]  // another's callback has forked
    return;
  ++node->refs;
  node->calling = true;
  try {
    node->call(node->interest & what);
  } catch (...) {
    ReactorAccess::report(reactor_, Failure::current(), "a callback of watch");
  }
  node->calling = false;
  if (!node->reactor) [[unlikely]]
    node->drop_callable();
  node->release();
}

// Apart, so that the way of a single one keeps no registers for this.
[[gnu::noinline]] void FdEntry::tell_all(Ready what) noexcept {
  for (std::size_t i = 0, end = watches_.size(); i < end; ++i) tell(watches_[i], what);
}

void FdEntry::on_ready(Ready what) noexcept {
  const ReactorAccess::InWatch in_watch(reactor_);
  ++dispatching_;
  if (watches_.size() == 1) [[likely]] {
    tell(watches_.front(), what);
  } else {
    tell_all(what);
  }
  --dispatching_;
  if (holes_) [[unlikely]]
    close_holes();
}

void FdEntry::close_holes() noexcept {
  if (dispatching_ != 0) return;
  std::erase(watches_, nullptr);
  holes_ = false;
}

void FdEntry::reactor_gone() noexcept {
  std::vector<WatchNode*> watches = std::exchange(watches_, {});
  if (watched_ != Ready::none) {
    reactor_.backend().unwatch(fd_);
    ReactorAccess::count_watched(reactor_, -1);
  }
  watched_ = Ready::none;
  for (WatchNode* node : watches) {
    if (!node) continue;
    node->reactor = nullptr;
    node->drop_callable();
    node->release();
  }
}

}  // namespace detail
}  // namespace deferred
