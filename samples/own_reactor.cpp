// SPDX-License-Identifier: MIT
//
// Shows: the library on a loop of one's own. A backend says when a turn is due and which
// descriptors are ready; Select is the whole of one, on select(2).
// Prints: what a thread and a pipe had to say, and what select(2) cannot do.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <unistd.h>
#include <cerrno>
#include <deferred/deferred.hpp>
#include <iostream>
#include <stdexcept>
#include <system_error>
#include <thread>

using namespace deferred;
using namespace std::chrono_literals;

class Select final : public Backend {
 public:
  Select() {
    if (wake_ < 0 || wake_ >= FD_SETSIZE) throw std::runtime_error("no descriptor to wake up by");
    FD_SET(wake_, &wanted_[0]);
  }
  ~Select() override { close(wake_); }
  TimePoint now() noexcept override { return std::chrono::steady_clock::now(); }
  void arm(TimePoint deadline) noexcept override { deadline_ = deadline; }
  void wake() noexcept override { eventfd_write(wake_, 1); }

  void watch(int fd, Ready interest, IoHandler& handler) override {
    const int error = fd >= FD_SETSIZE ? EINVAL : fcntl(fd, F_GETFD) < 0 ? errno : 0;
    if (error != 0) {
      throw std::system_error(error, std::generic_category(),
                              "select(2) on descriptor " + std::to_string(fd));
    }
    handlers_[fd] = &handler;
    rewatch(fd, interest);
  }
  void rewatch(int fd, Ready interest) override {
    unwatch(fd);
    if ((interest & Ready::read) != Ready::none) FD_SET(fd, &wanted_[0]);
    if ((interest & Ready::write) != Ready::none) FD_SET(fd, &wanted_[1]);
  }
  void unwatch(int fd) noexcept override {  // in a handler too: what was found is forgotten
    for (fd_set* set : {&wanted_[0], &wanted_[1], &found_[0], &found_[1]}) FD_CLR(fd, set);
  }

  void run_once(bool block) override {
    for (int i : {0, 1}) found_[i] = wanted_[i];
    const TimePoint present = now();  // compared first, for the difference may not fit
    Duration left = block && deadline_ > present ? Duration::max() : 0ns;
    if (left > 0ns && deadline_ < TimePoint::max()) left = deadline_ - present;
    const timespec limit{left / 1s, (left % 1s).count()};
    if (pselect(FD_SETSIZE, &found_[0], &found_[1], nullptr, &limit, nullptr) < 0) {
      if (errno == EINTR) found_[0] = found_[1] = {};
    }  // if one is closed, all are reported: the system call will tell

    eventfd_t wakes;
    if (FD_ISSET(wake_, &found_[0])) eventfd_read(wake_, &wakes);
    FD_CLR(wake_, &found_[0]);
    for (int fd = 0; fd < FD_SETSIZE; ++fd) {
      const Ready what = (FD_ISSET(fd, &found_[0]) ? Ready::read : Ready::none) |
                         (FD_ISSET(fd, &found_[1]) ? Ready::write : Ready::none);
      if (what != Ready::none) handlers_[fd]->on_ready(what);
    }
    turn();
  }

 private:
  const int wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  TimePoint deadline_ = TimePoint::max();
  IoHandler* handlers_[FD_SETSIZE] = {};
  fd_set wanted_[2] = {}, found_[2] = {};  // to be read, to be written
};

Task<int> hear(int from) {
  char letter = 0;
  co_await Readable{from};
  std::cout << "the pipe said " << read(from, &letter, 1) << " byte: " << letter << '\n';
  try {
    co_await Readable{FD_SETSIZE};
  } catch (const std::system_error& error) {
    std::cout << error.what() << '\n';
  }
  co_return 0;
}

int main() {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  Reactor reactor{std::make_unique<Select>()};
  const DelayedCall later = reactor.call_later(1ms, [&] {
    std::thread([&] {
      reactor.call_from_thread(
          [&] { std::cout << "a thread wrote " << write(ends[1], "!", 1) << '\n'; });
    }).join();
  });
  return reactor.run(hear(ends[0]));
}
