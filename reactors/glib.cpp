// SPDX-License-Identifier: MIT
#include "reactors/glib.hpp"

#include <fcntl.h>
#include <glib.h>

#include <algorithm>
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

class Glib;

// GLib allocates it, with the base in front.
struct Source {
  GSource base;
  Glib* backend;
};

gushort events_of(Ready interest) noexcept {
  unsigned events = 0;
  if ((interest & Ready::read) != Ready::none) events |= G_IO_IN;
  if ((interest & Ready::write) != Ready::none) events |= G_IO_OUT;
  return static_cast<gushort>(events);
}

Ready ready_of(unsigned events) noexcept {
  Ready ready = Ready::none;
  if (events & (G_IO_IN | G_IO_HUP | G_IO_ERR | G_IO_NVAL)) ready = ready | Ready::read;
  if (events & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL)) ready = ready | Ready::write;
  return ready;
}

// The source has a ready time, and a GPollFD for each descriptor; GLib dispatches it when any of
// them says so. To add or remove one costs a search and a system call. So what we want of one
// changes in place, and one that nobody wants any more stays, for the next watch of its number,
// until it gives trouble. And the source may recurse, for GLib would remove all and add them again
// around each dispatch: in a nested main loop it rests by itself.
class Glib final : public Backend {
 public:
  Glib(GMainContext* context, bool of_caller) : context_(context) {
    if (of_caller) share();
    static GSourceFuncs functions = {nullptr, &Glib::check, &Glib::dispatch,
                                     nullptr, nullptr,      nullptr};
    source_ = g_source_new(&functions, sizeof(Source));
    reinterpret_cast<Source*>(source_)->backend = this;
    g_source_set_static_name(source_, "deferred::Reactor");
    g_source_set_can_recurse(source_, TRUE);
    g_source_add_poll(source_, &woken_);
    g_source_attach(source_, context_);
    g_main_context_ref(context_);
  }
  ~Glib() override {
    g_source_destroy(source_);
    g_source_unref(source_);
    g_main_context_unref(context_);
  }

  TimePoint now() noexcept override { return steady_now(); }
  void wake() noexcept override { wake_.wake(); }
  void arm(TimePoint deadline) noexcept override {
    deadline_ = deadline;
    if (!busy_ && !wanted_) set_ready_time(deadline);
  }

  void watch(int fd, Ready interest, IoHandler& handler) override {
    // poll(2) would report it as ready for ever.
    if (::fcntl(fd, F_GETFD) < 0) {
      throw std::system_error(errno, std::generic_category(),
                              "reactor on GLib: watching descriptor " + std::to_string(fd));
    }
    const auto at = static_cast<std::size_t>(fd);
    if (at >= by_fd_.size()) by_fd_.resize(at + 1);
    told_.reserve(by_fd_.size());  // so that dispatch() cannot fail
    if (!by_fd_[at]) by_fd_[at] = std::make_unique<Watched>();
    Watched& watched = *by_fd_[at];
    watched.interest = interest;
    watched.poll = {fd, events_of(interest), 0};
    watched.handler = &handler;
    if (!std::exchange(watched.added, true)) g_source_add_poll(source_, &watched.poll);
  }
  void rewatch(int fd, Ready interest) override {
    Watched& watched = *by_fd_[static_cast<std::size_t>(fd)];
    watched.interest = interest;
    watched.poll.events = events_of(interest);
  }
  void unwatch(int fd) noexcept override {
    Watched& watched = *by_fd_[static_cast<std::size_t>(fd)];
    watched.poll.events = watched.poll.revents = 0;
    watched.handler = nullptr;
    watched.told = Ready::none;
  }

  // GLib has no set in the kernel. It may not be called here, for another thread may have held its
  // locks: what still makes a loop of the child dispatch the source is taken off then.
  void forked() noexcept override {
    wake_.forked();
    forked_ = true;
    woken_.revents = 0;
    for (const auto& watched : by_fd_) {
      if (!watched) continue;
      watched->poll.events = watched->poll.revents = 0;
      watched->handler = nullptr;
      watched->told = Ready::none;
    }
  }

  void run_once(bool block) override {
    const AtWork at_work(at_work_);
    // Held over the turn too: arming a source of a context that nobody holds writes to a pipe.
    if (!g_main_context_acquire(context_)) {
      throw std::logic_error("reactor on GLib: its GMainContext is run by another thread");
    }
    turned_ = false;
    g_main_context_iteration(context_, block);
    if (!turned_) take_turn();
    g_main_context_release(context_);
  }

 private:
  struct Watched {
    GPollFD poll{};
    IoHandler* handler = nullptr;  // null: not watched
    Ready interest = Ready::none;
    Ready told = Ready::none;  // what is still to be reported
    bool added = false;        // to the source
  };

  void set_ready_time(TimePoint deadline) noexcept {
    // -1 is never; any time that has passed is at once.
    g_source_set_ready_time(source_, deadline == TimePoint::max()
                                         ? -1
                                         : first_tick<std::chrono::microseconds>(deadline));
  }

  static gboolean check(GSource* source) {
    const Glib& self = *reinterpret_cast<Source*>(source)->backend;
    return self.woken_.revents != 0 ||
           std::any_of(self.by_fd_.begin(), self.by_fd_.end(),
                       [](const auto& watched) { return watched && watched->poll.revents != 0; });
  }

  static gboolean dispatch(GSource* source, GSourceFunc, gpointer) {
    Glib& self = *reinterpret_cast<Source*>(source)->backend;
    if (self.forked_) {
      self.take_off();
      return G_SOURCE_CONTINUE;
    }
    if (self.busy_) {
      self.rest();
      return G_SOURCE_CONTINUE;
    }
    const bool driven_by_caller = !std::exchange(self.at_work_, true);
    self.report();
    self.take_turn();
    if (driven_by_caller) self.at_work_ = false;
    return G_SOURCE_CONTINUE;
  }

  // In the child of a fork().
  void take_off() noexcept {
    g_source_set_ready_time(source_, -1);
    for (const auto& watched : by_fd_) {
      if (watched) leave(*watched);
    }
  }

  // A callback runs a nested main loop, where nothing of ours may go on, nor keep it awake.
  void rest() noexcept {
    rested_ = true;
    if (std::exchange(woken_.revents, 0) != 0) {
      wake_.drain();
      wanted_ = true;
    }
    for (const auto& watched : by_fd_) {
      if (!watched) continue;
      watched->poll.events = 0;
      // In error or hung up, which poll(2) tells of unasked.
      if (std::exchange(watched->poll.revents, 0) != 0) leave(*watched);
    }
    g_source_set_ready_time(source_, -1);
  }
  void leave(Watched& watched) noexcept {
    if (std::exchange(watched.added, false)) g_source_remove_poll(source_, &watched.poll);
  }
  void go_on() noexcept {
    busy_ = false;
    if (std::exchange(rested_, false)) {
      for (const auto& watched : by_fd_) {
        if (!watched || !watched->handler) continue;
        watched->poll.events = events_of(watched->interest);
        if (!std::exchange(watched->added, true)) g_source_add_poll(source_, &watched->poll);
      }
    }
    set_ready_time(wanted_ ? TimePoint::min() : deadline_);
  }

  void take_turn() noexcept {
    busy_ = true;
    wanted_ = false;
    turned_ = true;
    turn();
    go_on();
  }

  // First what all are ready for, then the handlers: they may watch and unwatch.
  void report() noexcept {
    busy_ = true;
    if (std::exchange(woken_.revents, 0) != 0) wake_.drain();
    for (std::size_t fd = 0; fd < by_fd_.size(); ++fd) {
      if (!by_fd_[fd] || by_fd_[fd]->poll.revents == 0) continue;
      Watched& watched = *by_fd_[fd];
      const unsigned events = std::exchange(watched.poll.revents, 0);
      if (watched.handler) {
        watched.told = ready_of(events);
        told_.push_back(fd);
      } else {  // in error or closed, since it was unwatched
        leave(watched);
      }
    }
    for (std::size_t i = 0; i < told_.size(); ++i) {  // watch() may move both lists
      Watched& watched = *by_fd_[told_[i]];
      const Ready what = std::exchange(watched.told, Ready::none);
      if (what != Ready::none) watched.handler->on_ready(what);
    }
    told_.clear();
    go_on();
  }

  WakeFd wake_;
  GMainContext* context_;
  GSource* source_;
  GPollFD woken_{wake_.fd(), G_IO_IN, 0};
  std::vector<std::unique_ptr<Watched>> by_fd_;  // GLib holds on to what is added
  std::vector<std::size_t> told_;
  TimePoint deadline_ = TimePoint::max();
  bool at_work_ = false;
  bool turned_ = false;  // in this run_once()
  bool busy_ = false;    // reporting, or in a turn
  bool rested_ = false;  // meanwhile
  bool wanted_ = false;  // woken while it rested
  bool forked_ = false;  // this is the child
};

}  // namespace

std::unique_ptr<Backend> glib() {
  const std::unique_ptr<GMainContext, decltype(&g_main_context_unref)> own(g_main_context_new(),
                                                                           &g_main_context_unref);
  return std::make_unique<Glib>(own.get(), false);
}

std::unique_ptr<Backend> glib(_GMainContext* context) {
  return std::make_unique<Glib>(context ? context : g_main_context_default(), true);
}

}  // namespace deferred::reactors
