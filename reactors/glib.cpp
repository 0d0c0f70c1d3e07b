// SPDX-License-Identifier: MIT
#include "reactors/glib.hpp"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib.h>

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

GIOCondition events_of(Ready interest) noexcept {
  unsigned events = 0;
  if ((interest & Ready::read) != Ready::none) events |= G_IO_IN;
  if ((interest & Ready::write) != Ready::none) events |= G_IO_OUT;
  return static_cast<GIOCondition>(events);
}

Ready ready_of(unsigned events) noexcept {
  Ready ready = Ready::none;
  if (events & (G_IO_IN | G_IO_HUP | G_IO_ERR | G_IO_NVAL)) ready = ready | Ready::read;
  if (events & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL)) ready = ready | Ready::write;
  return ready;
}

// The source has a ready time, and a tag for each descriptor; GLib dispatches it when any of them
// says so.
class Glib final : public Backend {
 public:
  Glib(GMainContext* context, bool of_caller) : context_(context) {
    if (of_caller) share();
    static GSourceFuncs functions = {nullptr, nullptr, &Glib::dispatch, nullptr, nullptr, nullptr};
    source_ = g_source_new(&functions, sizeof(Source));
    reinterpret_cast<Source*>(source_)->backend = this;
    g_source_set_static_name(source_, "deferred::Reactor");
    woken_ = g_source_add_unix_fd(source_, wake_.fd(), G_IO_IN);
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
    // -1 is never; any time that has passed is at once.
    g_source_set_ready_time(source_, deadline == TimePoint::max()
                                         ? -1
                                         : first_tick<std::chrono::microseconds>(deadline));
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
    by_fd_[at].tag = g_source_add_unix_fd(source_, fd, events_of(interest));
    by_fd_[at].handler = &handler;
  }
  void rewatch(int fd, Ready interest) override {
    g_source_modify_unix_fd(source_, by_fd_[static_cast<std::size_t>(fd)].tag, events_of(interest));
  }
  void unwatch(int fd) noexcept override {
    Watched& watched = by_fd_[static_cast<std::size_t>(fd)];
    g_source_remove_unix_fd(source_, watched.tag);
    watched = {nullptr, nullptr, Ready::none};
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
    gpointer tag = nullptr;
    IoHandler* handler = nullptr;  // null: not watched
    Ready told = Ready::none;      // what is still to be reported
  };

  // GLib does not dispatch a source inside itself: in a nested main loop, it rests.
  static gboolean dispatch(GSource* source, GSourceFunc, gpointer) {
    Glib& self = *reinterpret_cast<Source*>(source)->backend;
    if (self.in_turn_) {  // nested in the turn that run_once() has taken outside of it
      g_source_set_ready_time(source, -1);
      self.rested_ = true;
      return G_SOURCE_CONTINUE;
    }
    const bool driven_by_caller = !std::exchange(self.at_work_, true);
    self.report();
    self.take_turn();
    if (driven_by_caller) self.at_work_ = false;
    return G_SOURCE_CONTINUE;
  }
  void take_turn() noexcept {
    in_turn_ = true;
    turn();
    in_turn_ = false;
    turned_ = true;
    if (std::exchange(rested_, false)) arm(deadline_);
  }

  // First what all are ready for, then the handlers: they may watch and unwatch.
  void report() noexcept {
    if (g_source_query_unix_fd(source_, woken_) != 0) wake_.drain();
    for (std::size_t fd = 0; fd < by_fd_.size(); ++fd) {
      Watched& watched = by_fd_[fd];
      if (!watched.handler) continue;
      watched.told = ready_of(g_source_query_unix_fd(source_, watched.tag));
      if (watched.told != Ready::none) told_.push_back(fd);
    }
    for (std::size_t i = 0; i < told_.size(); ++i) {  // watch() may move both lists
      Watched& watched = by_fd_[told_[i]];
      const Ready what = std::exchange(watched.told, Ready::none);
      if (what != Ready::none) watched.handler->on_ready(what);
    }
    told_.clear();
  }

  WakeFd wake_;
  GMainContext* context_;
  GSource* source_;
  gpointer woken_;
  std::vector<Watched> by_fd_;
  std::vector<std::size_t> told_;
  TimePoint deadline_ = TimePoint::max();
  bool at_work_ = false;
  bool in_turn_ = false;
  bool turned_ = false;  // in this run_once()
  bool rested_ = false;  // and has forgotten its ready time
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
