// SPDX-License-Identifier: MIT
#include "reactors/uv.hpp"

#include <fcntl.h>
#include <uv.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "reactors/detail/at_work.hpp"
#include "reactors/detail/clock.hpp"
#include "reactors/detail/wake_fd.hpp"

namespace deferred::reactors {
namespace {

class Uv;

void require(int status, const char* what) {
  if (status < 0) throw std::system_error(-status, std::generic_category(), what);
}

[[noreturn]] void refuse(int error, int fd) {
  throw std::system_error(error, std::generic_category(),
                          "reactor on libuv: watching descriptor " + std::to_string(fd) +
                              (error == EPERM    ? ", a file that is always ready"
                               : error == EEXIST ? ", which another handle of the loop watches"
                                                 : ""));
}

template <class Handle>
uv_handle_t* base(Handle& handle) noexcept {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

// libuv lets go of a handle in a later iteration of the loop. So what holds handles outlives the
// backend, and deletes itself when the last of them is closed.
template <class Holder>
void close(Holder& holder, uv_handle_t* handle) noexcept {
  handle->data = &holder;
  ++holder.closing;
  uv_close(handle, [](uv_handle_t* closed) {
    auto* const left = static_cast<Holder*>(closed->data);
    if (--left->closing == 0) delete left;
  });
}

struct Watched {
  uv_poll_t poll;
  Uv* backend;
  IoHandler* handler;
  Ready interest;
  int fd;
  bool fresh = false;  // in fresh_
  bool lost = false;   // in lost_
  int closing = 0;
};

// What the backend always has. A turn is taken in `polled`, after the loop has polled; an active
// `asap` says that one is wanted, and that the loop must not block.
struct Handles {
  WakeFd wake;
  uv_poll_t woken;
  uv_timer_t deadline;
  uv_idle_t asap;
  uv_prepare_t polls;
  uv_check_t polled;
  int closing = 0;
};

struct OwnLoop {
  OwnLoop() { require(uv_loop_init(&loop), "reactor on libuv: uv_loop_init"); }
  OwnLoop(const OwnLoop&) = delete;
  OwnLoop& operator=(const OwnLoop&) = delete;
  ~OwnLoop() {
    uv_run(&loop, UV_RUN_DEFAULT);  // until all is closed
    uv_loop_close(&loop);
  }
  uv_loop_t loop;
};

int events_of(Ready interest) noexcept {
  int events = 0;
  if ((interest & Ready::read) != Ready::none) events |= UV_READABLE;
  if ((interest & Ready::write) != Ready::none) events |= UV_WRITABLE;
  return events;
}

Ready ready_of(int events) noexcept {
  Ready ready = Ready::none;
  if (events & UV_READABLE) ready = ready | Ready::read;
  if (events & UV_WRITABLE) ready = ready | Ready::write;
  return ready;
}

class Uv final : public Backend {
 public:
  explicit Uv(std::unique_ptr<OwnLoop> own) : Uv(&own->loop, false) { own_ = std::move(own); }
  explicit Uv(uv_loop_t* loop, bool of_caller = true) : loop_(loop) {
    if (of_caller) share();
    auto made = std::make_unique<Handles>();
    require(uv_poll_init(loop_, &made->woken, made->wake.fd()),
            "reactor on libuv: watching the wake-up descriptor");
    handles_ = made.release();  // from here on nothing fails
    uv_timer_init(loop_, &handles_->deadline);
    uv_idle_init(loop_, &handles_->asap);
    uv_prepare_init(loop_, &handles_->polls);
    uv_check_init(loop_, &handles_->polled);
    for_each_handle([this](uv_handle_t* handle) { handle->data = this; });
    uv_poll_start(&handles_->woken, UV_READABLE, [](uv_poll_t* handle, int, int) {
      Uv& self = of(handle);
      self.handles_->wake.drain();
      self.want_turn();
    });
    uv_prepare_start(&handles_->polls, [](uv_prepare_t* handle) { of(handle).before_poll(); });
    uv_check_start(&handles_->polled, [](uv_check_t* handle) { of(handle).after_poll(); });
    // Only work keeps the caller's uv_run() alive.
    uv_unref(base(handles_->woken));
    uv_unref(base(handles_->polls));
    uv_unref(base(handles_->polled));
  }

  ~Uv() override {
    for (Watched* watched : by_fd_) {
      if (watched) close(*watched, base(watched->poll));
    }
    for_each_handle([this](uv_handle_t* handle) { close(*handles_, handle); });
  }

  TimePoint now() noexcept override { return steady_now(); }
  void wake() noexcept override { handles_->wake.wake(); }

  void arm(TimePoint deadline) noexcept override {
    deadline_ = deadline;
    armed_ = true;
    // Its turn replaces the timer's, which counts in milliseconds.
    if (deadline <= now()) return start_asap();
    if (!due_) uv_idle_stop(&handles_->asap);
    if (deadline == TimePoint::max()) {
      uv_timer_stop(&handles_->deadline);
      return;
    }
    // libuv adds the delay to its cached time: so it goes off at `due`, whenever that was read.
    const auto due = static_cast<std::uint64_t>(first_tick<std::chrono::milliseconds>(deadline));
    const std::uint64_t cached = uv_now(loop_);
    uv_timer_start(
        &handles_->deadline, [](uv_timer_t* timer) { of(timer).want_turn(); },
        due > cached ? due - cached : 0, 0);
  }

  void watch(int fd, Ready interest, IoHandler& handler) override {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0) refuse(errno, fd);
    const auto at = static_cast<std::size_t>(fd);
    if (at >= by_fd_.size()) by_fd_.resize(at + 1);
    fresh_.reserve(by_fd_.size());
    lost_.reserve(by_fd_.size());
    auto watched = std::make_unique<Watched>();
    const int status = uv_poll_init(loop_, &watched->poll, fd);
    if (!(flags & O_NONBLOCK)) ::fcntl(fd, F_SETFL, flags);  // libuv has set it
    if (status < 0) refuse(-status, fd);
    watched->backend = this;
    watched->fd = fd;
    watched->handler = &handler;
    watched->poll.data = watched.get();
    by_fd_[at] = watched.release();
    start(*by_fd_[at], interest);
  }

  void rewatch(int fd, Ready interest) override { start(at(fd), interest); }

  void unwatch(int fd) noexcept override {
    Watched& watched = at(fd);
    if (watched.fresh) std::erase(fresh_, &watched);
    if (watched.lost) std::erase(lost_, &watched);
    by_fd_[static_cast<std::size_t>(fd)] = nullptr;
    close(watched, base(watched.poll));
  }

  // uv_loop_fork() gives the child an epoll set of its own; so nothing below is a word to the
  // parent's. It is wanted for the caller's loop too, before any other use of it in the child.
  void forked() noexcept override {
    uv_loop_fork(loop_);
    handles_->wake.forked();
    uv_poll_stop(&handles_->woken);
    uv_timer_stop(&handles_->deadline);
    uv_idle_stop(&handles_->asap);
    uv_prepare_stop(&handles_->polls);
    uv_check_stop(&handles_->polled);
    fresh_.clear();
    lost_.clear();
    for (Watched* watched : by_fd_) {
      if (!watched) continue;
      watched->fresh = watched->lost = false;
      uv_poll_stop(&watched->poll);
    }
  }

  void run_once(bool block) override {
    const AtWork at_work(at_work_);
    uv_ref(base(handles_->woken));  // without a referenced handle uv_run() would not even poll
    uv_run(loop_, block ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    uv_unref(base(handles_->woken));
    take_turn();
  }

 private:
  template <class Handle>
  static Uv& of(Handle* handle) noexcept {
    return *static_cast<Uv*>(handle->data);
  }
  template <class F>
  void for_each_handle(F f) noexcept {
    f(base(handles_->woken));
    f(base(handles_->deadline));
    f(base(handles_->asap));
    f(base(handles_->polls));
    f(base(handles_->polled));
  }
  Watched& at(int fd) noexcept { return *by_fd_[static_cast<std::size_t>(fd)]; }

  void start_asap() noexcept {
    uv_idle_start(&handles_->asap, [](uv_idle_t*) {});
  }
  // Not to be taken back by arm().
  void want_turn() noexcept {
    due_ = true;
    start_asap();
  }
  void take_turn() noexcept {
    due_ = armed_ = false;
    turn();
    if (!armed_) arm(deadline_);  // it stands: the timer may have gone off
  }
  // The loop has polled, and the caller drives it: run_once() takes the turn itself.
  void after_poll() noexcept {
    if (at_work_ || !uv_is_active(base(handles_->asap))) return;
    const AtWork at_work(at_work_);
    take_turn();
  }

  void start(Watched& watched, Ready interest) noexcept {
    watched.interest = interest;
    uv_poll_start(&watched.poll, events_of(interest), [](uv_poll_t* poll, int status, int events) {
      auto& told = *static_cast<Watched*>(poll->data);
      if (status < 0) told.backend->start(told, told.interest);  // libuv stops at an error
      told.handler->on_ready(status < 0 ? Ready::both : ready_of(events));
    });
    if (!std::exchange(watched.fresh, true)) fresh_.push_back(&watched);  // watch() made room
  }

  // libuv tells the kernel of new watches when it polls, and aborts the process if the descriptor
  // has been closed meanwhile (1.44: uv__io_poll). Such a one is reported instead: the system call
  // will tell. Handlers may watch and unwatch others; what they start is looked at once more.
  void before_poll() noexcept {
    stop_closed();
    while (!lost_.empty()) {
      Watched& watched = *lost_.back();
      lost_.pop_back();
      watched.lost = false;
      watched.handler->on_ready(Ready::both);
    }
    stop_closed();
    if (!lost_.empty()) want_turn();
  }
  void stop_closed() noexcept {
    for (Watched* const watched : fresh_) {
      watched->fresh = false;
      if (::fcntl(watched->fd, F_GETFD) >= 0) continue;
      uv_poll_stop(&watched->poll);
      if (!std::exchange(watched->lost, true)) lost_.push_back(watched);
    }
    fresh_.clear();
  }

  std::unique_ptr<OwnLoop> own_;  // null on the caller's
  uv_loop_t* loop_;
  Handles* handles_ = nullptr;  // deletes itself once closed
  std::vector<Watched*> by_fd_;
  std::vector<Watched*> fresh_;  // started since the loop has polled
  std::vector<Watched*> lost_;   // closed while they were fresh, to be reported
  TimePoint deadline_ = TimePoint::max();
  bool armed_ = false;  // since the last turn began
  bool due_ = false;    // woken, or the deadline has passed
  bool at_work_ = false;
};

}  // namespace

std::unique_ptr<Backend> uv() { return std::make_unique<Uv>(std::make_unique<OwnLoop>()); }

std::unique_ptr<Backend> uv(uv_loop_s* loop) {
  if (!loop) throw std::invalid_argument("reactor on libuv: the loop is null; uv() makes its own");
  return std::make_unique<Uv>(loop);
}

}  // namespace deferred::reactors
