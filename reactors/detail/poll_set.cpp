// SPDX-License-Identifier: MIT
#include "reactors/detail/poll_set.hpp"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <ctime>
#include <string>
#include <system_error>

namespace deferred::reactors {
namespace {

short poll_events_of(Ready interest) noexcept {
  short events = 0;
  if ((interest & Ready::read) != Ready::none) events |= POLLIN;
  if ((interest & Ready::write) != Ready::none) events |= POLLOUT;
  return events;
}

Ready ready_of(short events) noexcept {
  Ready ready = Ready::none;
  if (events & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) ready = ready | Ready::read;
  if (events & (POLLOUT | POLLHUP | POLLERR | POLLNVAL)) ready = ready | Ready::write;
  return ready;
}

}  // namespace

PollSet::PollSet() {
  fds_.push_back({wake_.fd(), POLLIN, 0});
  handlers_.push_back(nullptr);
}

PollSet::~PollSet() = default;

void PollSet::watch(int fd, Ready interest, IoHandler& handler) {
  // poll(2) would report it as ready for ever.
  if (::fcntl(fd, F_GETFD) < 0) {
    throw std::system_error(errno, std::generic_category(),
                            "reactor: watching descriptor " + std::to_string(fd));
  }
  const auto at = static_cast<std::size_t>(fd);
  if (at >= index_.size()) index_.resize(at + 1, 0);
  if (fds_.size() == fds_.capacity()) {  // both first, so that neither push can fail
    fds_.reserve(2 * fds_.size());
    handlers_.reserve(2 * fds_.size());
  }
  index_[at] = fds_.size();
  fds_.push_back({fd, poll_events_of(interest), 0});
  handlers_.push_back(&handler);
  nothing_watched_ = false;
}

void PollSet::forked() noexcept {
  wake_.forked();
  fds_.resize(1);
  fds_[0].fd = wake_.fd();
  handlers_.resize(1);
  index_.assign(index_.size(), 0);
  nothing_watched_ = true;
}

void PollSet::rewatch(int fd, Ready interest) noexcept {
  if (index_of(fd) != 0) fds_[index_of(fd)].events = poll_events_of(interest);
}

void PollSet::unwatch(int fd) noexcept {
  const std::size_t hole = index_of(fd);
  if (hole == 0) return;  // forked()
  index_[static_cast<std::size_t>(fd)] = 0;
  fds_[hole] = fds_.back();
  handlers_[hole] = handlers_.back();
  fds_.pop_back();
  handlers_.pop_back();
  nothing_watched_ = fds_.size() == 1;
  if (hole < fds_.size()) index_[static_cast<std::size_t>(fds_[hole].fd)] = hole;
}

bool PollSet::wait(Duration timeout) {
  if (timeout > Duration::zero()) {
    if (nothing_watched_ && timeout == Duration::max()) {
      wake_.sleep();
      timeout = Duration::zero();
    } else if (!wake_.listen()) {
      timeout = Duration::zero();
    }
  }
  if (nothing_watched_ && timeout == Duration::zero()) return wake_.take();

  timespec limit{};
  const bool endless = timeout == Duration::max();
  if (timeout > Duration::zero() && !endless) {
    limit.tv_sec = static_cast<std::time_t>(timeout.count() / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(timeout.count() % 1'000'000'000);
  }
  int ready = ::ppoll(fds_.data(), fds_.size(), endless ? nullptr : &limit, nullptr);
  if (ready < 0) {
    if (errno == EINTR) return true;
    throw std::system_error(errno, std::generic_category(), "reactor: ppoll");
  }
  if (ready > 0 && fds_[0].revents) {
    wake_.drain();
    wake_.take();
    --ready;
  } else if (!wake_.take() && ready == 0) {
    return false;
  }
  // A handler may watch and unwatch. Backwards, for then an fd that unwatch() moves into a hole has
  // been reported already.
  for (std::size_t i = fds_.size(); ready > 0 && i-- > 1;) {
    if (i >= fds_.size()) continue;
    const short events = fds_[i].revents;
    if (!events) continue;
    fds_[i].revents = 0;
    --ready;
    handlers_[i]->on_ready(ready_of(events));
  }
  return true;
}

}  // namespace deferred::reactors
