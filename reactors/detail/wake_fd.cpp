// SPDX-License-Identifier: MIT
#include "reactors/detail/wake_fd.hpp"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace deferred::reactors {

struct WakeFd::Semaphore {
  Semaphore() { ::sem_init(&posix, 0, 0); }
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore() { ::sem_destroy(&posix); }
  ::sem_t posix;
};

WakeFd::WakeFd()
    : asleep_(std::make_unique<Semaphore>()), fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "reactor: eventfd for wake-ups");
  }
}

WakeFd::~WakeFd() {
  if (fd_ >= 0) ::close(fd_);
}

void WakeFd::forked() noexcept {
  const int own = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (own < 0) {
    ::close(std::exchange(fd_, -1));
    return;
  }
  ::dup3(own, fd_, O_CLOEXEC);
  ::close(own);
}

void WakeFd::wake() noexcept {
  const State before = state_.exchange(State::woken);
  if (before == State::woken || before == State::marking) return;
  const int error = errno;  // a signal handler must leave it
  if (before == State::sleeping) {
    ::sem_post(&asleep_->posix);
  } else {
    write_fd();
  }
  errno = error;
}

void WakeFd::write_fd() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

void WakeFd::ring() noexcept {
  listened_ = true;
  write_fd();
}

// First the eventfd, then the state: a wake() in between writes nothing, but what it tells of is
// seen by the turn that follows. The other way round its write could be eaten here, and all later
// ones be held back by the state that it left.
void WakeFd::drain() noexcept {
  std::uint64_t count;
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
  state_.exchange(State::listening);
}

// The write or post of a wake() may come after the loop has taken it for another reason. Then the
// next wait ends too soon, which does no harm.

bool WakeFd::listen() noexcept {
  State before = State::marking;
  const bool listens =
      state_.compare_exchange_strong(before, State::listening) || before == State::listening;
  if (listens) listened_ = true;
  return listens;
}

void WakeFd::sleep() noexcept {
  State before = State::marking;
  while (!state_.compare_exchange_strong(before, State::sleeping)) {
    if (before == State::woken) return;
  }
  ::sem_wait(&asleep_->posix);
}

}  // namespace deferred::reactors
