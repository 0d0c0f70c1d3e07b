// SPDX-License-Identifier: MIT
#include "reactors/epoll.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>
#include <string>
#include <system_error>
#include <utility>

#include "reactors/detail/at_work.hpp"
#include "reactors/detail/clock.hpp"
#include "reactors/detail/wake_fd.hpp"

namespace deferred::reactors {
namespace {

constexpr std::uint64_t wake_up = ~std::uint64_t{0};

std::uint32_t epoll_events_of(Ready interest) noexcept {
  std::uint32_t events = 0;
  if ((interest & Ready::read) != Ready::none) events |= EPOLLIN;
  if ((interest & Ready::write) != Ready::none) events |= EPOLLOUT;
  return events;
}

Ready ready_of(std::uint32_t events) noexcept {
  Ready ready = Ready::none;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) ready = ready | Ready::read;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) ready = ready | Ready::write;
  return ready;
}

[[noreturn]] void refuse(int error, int fd) {
  throw std::system_error(error, std::generic_category(),
                          "reactor on epoll: watching descriptor " + std::to_string(fd) +
                              (error == EPERM ? ", a file that is always ready" : ""));
}

}  // namespace

Epoll::Epoll() : wake_(std::make_unique<WakeFd>()), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "reactor: epoll_create1");
  if (const int error = listen_for_wake()) {
    ::close(epoll_);
    refuse(error, wake_->fd());
  }
}

Epoll::~Epoll() {
  if (epoll_ >= 0) ::close(epoll_);
}

// The error, 0 if there is none.
int Epoll::listen_for_wake() noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // reports each write once: nobody has to read
  event.data.u64 = wake_up;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_->fd(), &event) == 0 ? 0 : errno;
}

// Somebody closed a descriptor that was watched, and a copy of it is open elsewhere: to the kernel
// it is still in the set, under a number that is not open, and can never be taken off: epoll(7),
// "Will closing a file descriptor cause it to be removed". So all others move to a new set.
void Epoll::begin_anew() noexcept {
  const int fresh = ::epoll_create1(EPOLL_CLOEXEC);
  if (fresh < 0) return;  // the next time
  const int old = std::exchange(epoll_, fresh);
  int error = listen_for_wake();
  for (std::size_t fd = 0; fd < by_fd_.size() && error == 0; ++fd) {
    if (!by_fd_[fd].handler) continue;
    error = control(EPOLL_CTL_ADD, static_cast<int>(fd), by_fd_[fd].interest);
    // Closed, or another file's by now, which cannot be watched: nothing comes of it any more.
    if (error == EBADF || error == EPERM) error = 0;
  }
  lost_ = error != 0;
  ::close(lost_ ? std::exchange(epoll_, old) : old);  // no memory: the next time
}

// The set is the parent's as well: the child gets one of its own, of the same number.
void Epoll::forked() noexcept {
  wake_->forked();
  const int own = ::epoll_create1(EPOLL_CLOEXEC);
  if (own < 0) {
    ::close(std::exchange(epoll_, -1));
    return;
  }
  ::dup3(own, epoll_, O_CLOEXEC);
  ::close(own);
  listen_for_wake();
}

TimePoint Epoll::now() noexcept { return steady_now(); }
void Epoll::wake() noexcept { wake_->wake(); }

void Epoll::watch(int fd, Ready interest, IoHandler& handler) {
  const auto at = static_cast<std::size_t>(fd);
  if (at >= by_fd_.size()) make_room(fd);
  ++by_fd_[at].generation;
  if (const int error = control(EPOLL_CTL_ADD, fd, interest)) refuse(error, fd);
  by_fd_[at].handler = &handler;
  ++watched_;
}

// The kernel is asked first whether there is such a number.
void Epoll::make_room(int fd) {
  epoll_event event{};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) refuse(errno, fd);
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &event);
  by_fd_.resize(std::max(static_cast<std::size_t>(fd) + 1, 2 * by_fd_.size()));
}

void Epoll::rewatch(int fd, Ready interest) {
  int error = control(EPOLL_CTL_MOD, fd, interest);
  // It was closed, and the number is another file's by now.
  if (error == ENOENT) error = control(EPOLL_CTL_ADD, fd, interest);
  if (error != 0) refuse(error, fd);
}

void Epoll::unwatch(int fd) noexcept {
  by_fd_[static_cast<std::size_t>(fd)].handler = nullptr;
  --watched_;
  epoll_event event{};
  // If fd is closed, this fails; then it is out already, but for one of which a copy is open.
  if (::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &event) != 0) lost_ = true;
}

// The error, 0 if there is none.
int Epoll::control(int operation, int fd, Ready interest) noexcept {
  epoll_event event{};
  event.events = epoll_events_of(interest);
  by_fd_[static_cast<std::size_t>(fd)].interest = interest;
  event.data.u64 = std::uint64_t{by_fd_[static_cast<std::size_t>(fd)].generation} << 32 |
                   static_cast<std::uint32_t>(fd);
  return ::epoll_ctl(epoll_, operation, fd, &event) == 0 ? 0 : errno;
}

void Epoll::run_once(bool block) {
  const AtWork at_work(at_work_);
  const Duration timeout = block ? time_left(deadline_) : Duration::zero();
  const bool endless = timeout == Duration::max();
  if (watched_ > 0 || wake_->written() || (timeout > Duration::zero() && !endless)) {
    wait(timeout);
  } else if (endless || wake_->woken()) {  // nothing to ask the kernel for
    if (endless) wake_->sleep();
    wake_->take();
  }
  Backend::turn();
}

void Epoll::turn() {
  run_once(false);
  if (!wake_->listen()) wake_->ring();
}

TimePoint Epoll::next_deadline() const noexcept {
  return wake_->listen() ? deadline_ : TimePoint::min();
}

void Epoll::wait(Duration timeout) {
  if (timeout > Duration::zero() && !wake_->listen()) timeout = Duration::zero();
  std::array<epoll_event, 256> events;  // what is left over is reported by the next wait
  const int ready = wait_for_events(events.data(), static_cast<int>(events.size()), timeout);
  if (ready < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "reactor: epoll_wait");
  }
  wake_->take();
  bool stale = false;
  for (int i = 0; i < ready; ++i) {
    const std::uint64_t key = events[static_cast<std::size_t>(i)].data.u64;
    if (key == wake_up) continue;
    // A handler before this one may have unwatched it, and watched another file of that number.
    const Watched& told = by_fd_[static_cast<std::uint32_t>(key)];
    if (!told.handler || told.generation != static_cast<std::uint32_t>(key >> 32)) {
      stale = true;
      continue;
    }
    told.handler->on_ready(ready_of(events[static_cast<std::size_t>(i)].events));
  }
  // Whoever has the set in a loop of his own would lose it.
  if (stale && lost_ && !given_) [[unlikely]]
    begin_anew();
}

int Epoll::wait_for_events(void* into, int room, Duration timeout) noexcept {
  auto* const events = static_cast<epoll_event*>(into);
  if (timeout == Duration::zero()) return ::epoll_wait(epoll_, events, room, 0);
  if (timeout == Duration::max()) return ::epoll_wait(epoll_, events, room, -1);
#ifdef DEFERRED_HAS_EPOLL_PWAIT2
  if (nanoseconds_) {
    timespec limit{};
    limit.tv_sec = static_cast<std::time_t>(timeout.count() / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(timeout.count() % 1'000'000'000);
    const int ready = ::epoll_pwait2(epoll_, events, room, &limit, nullptr);
    if (ready >= 0 || (errno != ENOSYS && errno != EPERM)) return ready;
    nanoseconds_ = false;  // an old kernel, or a filter of system calls that does not know it
  }
#endif
  const auto limit =
      std::min<std::int64_t>(rounded_up<std::chrono::milliseconds>(timeout), INT_MAX);
  return ::epoll_wait(epoll_, events, room, static_cast<int>(limit));
}

std::unique_ptr<Backend> epoll() { return std::make_unique<Epoll>(); }

}  // namespace deferred::reactors
