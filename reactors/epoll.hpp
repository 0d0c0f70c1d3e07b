// SPDX-License-Identifier: MIT
//
// The epoll(7) backend, a library of its own (libdeferred-epoll): waiting costs what is ready, not
// what is watched. It can also be driven by any other loop, which needs to know nothing of it but
// one descriptor and one deadline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"

namespace deferred::reactors {

class WakeFd;

/// `Reactor reactor{reactors::epoll()};` A regular file cannot be watched (std::system_error,
/// EPERM). A descriptor is to be unwatched before it is closed: the kernel does not tell that it
/// is gone.
///
/// To have it driven by another loop, on the thread of both:
///
///     reactors::Epoll backend;
///     Reactor reactor{backend};
///     while (...) {
///       // wait until backend.fd() is readable or backend.next_deadline() has passed, whichever
///       // comes first; a next_deadline() of TimePoint::min() has, one of max() never does
///       backend.turn();
///     }
///
/// next_deadline() changes in turn(), and whenever the reactor or something that belongs to it is
/// used outside of a turn (call_later(), spawn(), a promise fired). So read it right before each
/// wait; a loop that keeps a timer sets that anew after each turn() and after each such use. What
/// other threads do makes fd() readable instead, once next_deadline() was read after the last run()
/// of the reactor, if there was one.
class DEFERRED_API Epoll final : public Backend {
 public:
  /// Throws std::system_error if the process is out of descriptors.
  Epoll();
  ~Epoll() override;

  /// Readable, level-triggered, while a watched descriptor is ready or somebody has called wake().
  /// For poll(2), another epoll and the like. Stays the backend's; the same as long as it lives.
  int fd() const noexcept {
    given_ = true;
    return epoll_;
  }
  /// When turn() is wanted, if fd() is not readable before: on the clock of now(), steady_clock.
  /// TimePoint::min(): at once; TimePoint::max(): there is no deadline.
  TimePoint next_deadline() const noexcept;
  /// Reports what is ready and takes a turn; does not wait. Too often is not wrong. Throws
  /// std::logic_error inside one of its own callbacks.
  void turn();

  TimePoint now() noexcept override;
  void arm(TimePoint deadline) noexcept override { deadline_ = deadline; }
  void wake() noexcept override;
  void watch(int fd, Ready interest, IoHandler& handler) override;
  void rewatch(int fd, Ready interest) override;
  void unwatch(int fd) noexcept override;
  void run_once(bool block) override;
  void forked() noexcept override;

 private:
  struct Watched {
    IoHandler* handler = nullptr;  // null: not watched
    std::uint32_t generation = 0;  // counts the watches of this number
    Ready interest = Ready::none;
  };
  [[gnu::visibility("hidden")]] void wait(Duration timeout);
  [[gnu::visibility("hidden")]] int wait_for_events(void* events, int room,
                                                    Duration timeout) noexcept;
  [[gnu::visibility("hidden")]] void make_room(int fd);
  [[gnu::visibility("hidden")]] int listen_for_wake() noexcept;
  [[gnu::visibility("hidden")]] void begin_anew() noexcept;
  [[gnu::visibility("hidden")]] int control(int operation, int fd, Ready interest) noexcept;

  std::unique_ptr<WakeFd> wake_;
  int epoll_;
  [[maybe_unused]] bool nanoseconds_ = true;  // the kernel has epoll_pwait2 (5.11)
  bool at_work_ = false;
  std::size_t watched_ = 0;
  bool lost_ = false;           // the kernel may watch for us what nobody can take off any more
  mutable bool given_ = false;  // somebody else knows epoll_
  std::vector<Watched> by_fd_;
  TimePoint deadline_ = TimePoint::max();
};

DEFERRED_API std::unique_ptr<Backend> epoll();

}  // namespace deferred::reactors
