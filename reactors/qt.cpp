// SPDX-License-Identifier: MIT
#include "reactors/qt.hpp"

#include <fcntl.h>

#include <QAbstractEventDispatcher>
#include <QCoreApplication>
#include <QEvent>
#include <QSocketNotifier>
#include <QThread>
#include <QTimer>
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

constexpr std::int64_t longest_ms = 1'000'000'000;  // of one QTimer, which counts in int

QAbstractEventDispatcher& dispatcher_of_this_thread() {
  QAbstractEventDispatcher* const found = QAbstractEventDispatcher::instance();
  if (!found || !QCoreApplication::instance()) {
    throw std::logic_error(
        "reactor on Qt: there is no QCoreApplication; make one first, on this thread");
  }
  return *found;
}

// Qt's slots only note what is ready. A timer of zero length then reports it and takes the turn, so
// that a descriptor that is ready both ways is reported once, and no notifier is changed while it
// is being called.
class QtBackend final : public Backend {
 public:
  QtBackend()
      : dispatcher_(dispatcher_of_this_thread()), woken_(wake_.fd(), QSocketNotifier::Read) {
    share();
    asap_.setSingleShot(true);
    QObject::connect(&asap_, &QTimer::timeout, &asap_, [this] { asap(); });
    timer_.setSingleShot(true);
    timer_.setTimerType(Qt::PreciseTimer);
    QObject::connect(&timer_, &QTimer::timeout, &timer_, [this] { timer_went_off(); });
    QObject::connect(&woken_, &QSocketNotifier::activated, &woken_, [this] {
      wake_.drain();
      want_turn();
    });
  }

  TimePoint now() noexcept override { return steady_now(); }
  void wake() noexcept override { wake_.wake(); }

  void arm(TimePoint deadline) noexcept override {
    deadline_ = deadline;
    if (!turn_follows_) start_timers();
  }

  void watch(int fd, Ready interest, IoHandler& handler) override {
    if (::fcntl(fd, F_GETFD) < 0) {
      throw std::system_error(errno, std::generic_category(),
                              "reactor on Qt: watching descriptor " + std::to_string(fd));
    }
    const auto at = static_cast<std::size_t>(fd);
    if (at >= by_fd_.size()) by_fd_.resize(at + 1);
    noted_.reserve(by_fd_.size());  // so that no slot can fail
    reported_.reserve(by_fd_.size());
    make_notifiers(fd, interest);
    by_fd_[at].handler = &handler;
    listen(fd, interest);
  }
  void rewatch(int fd, Ready interest) override {
    make_notifiers(fd, interest);
    listen(fd, interest);
  }
  // The notifiers stay, disabled, for the next watch of that number.
  void unwatch(int fd) noexcept override {
    Watched& watched = at(fd);
    watched.handler = nullptr;
    watched.ready = Ready::none;
    listen(fd, Ready::none);
  }

  // The notifiers are left alone: Qt has no set in the kernel, and they report to nobody.
  void forked() noexcept override {
    wake_.forked();
    for (Watched& watched : by_fd_) watched.handler = nullptr;
  }

  void run_once(bool block) override {
    const AtWork at_work(at_work_);
    dispatcher_.processEvents(block ? QEventLoop::WaitForMoreEvents : QEventLoop::AllEvents);
    report_and_take_turn();
    // Outside of exec() Qt leaves objects that deleteLater() was called for in a turn.
    if (QThread::currentThread()->loopLevel() == 0) {
      QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }
  }

 private:
  using Notifier = std::unique_ptr<QSocketNotifier>;
  struct Watched {
    Notifier read, write;          // made when first wanted
    IoHandler* handler = nullptr;  // null: not watched
    Ready interest = Ready::none;
    Ready ready = Ready::none;  // not reported yet
    bool noted = false;         // in noted_ or reported_
    bool held = false;          // disabled until it is reported
  };
  Watched& at(int fd) noexcept { return by_fd_[static_cast<std::size_t>(fd)]; }

  void make_notifiers(int fd, Ready interest) {
    const auto make = [&](Notifier& notifier, QSocketNotifier::Type type, Ready what) {
      if (notifier || (interest & what) == Ready::none) return;
      notifier = std::make_unique<QSocketNotifier>(type);
      notifier->setSocket(fd);
      QObject::connect(notifier.get(), &QSocketNotifier::activated, notifier.get(),
                       [this, fd, what] { note(fd, what); });
    };
    make(at(fd).read, QSocketNotifier::Read, Ready::read);
    make(at(fd).write, QSocketNotifier::Write, Ready::write);
  }
  void listen(int fd, Ready interest) noexcept {
    Watched& watched = at(fd);
    watched.interest = interest;
    watched.held = false;
    if (watched.read) watched.read->setEnabled((interest & Ready::read) != Ready::none);
    if (watched.write) watched.write->setEnabled((interest & Ready::write) != Ready::none);
  }

  void note(int fd, Ready what) noexcept {
    Watched& watched = at(fd);
    if ((watched.ready & what) != Ready::none) {
      // For the second time: a nested event loop holds us up, and would spin.
      (what == Ready::read ? watched.read : watched.write)->setEnabled(false);
      watched.held = true;
    }
    watched.ready = watched.ready | what;
    if (!std::exchange(watched.noted, true)) noted_.push_back(fd);
    want_turn();
  }
  void report() noexcept {
    noted_.swap(reported_);
    for (std::size_t i = 0; i < reported_.size(); ++i) {  // watch() may move both lists
      const int fd = reported_[i];
      Watched& watched = at(fd);
      watched.noted = false;
      if (watched.held) listen(fd, watched.interest);
      const Ready what = std::exchange(watched.ready, Ready::none);
      if (watched.handler && what != Ready::none) watched.handler->on_ready(what);
    }
    reported_.clear();
  }

  // Not to be taken back by arm().
  void want_turn() noexcept {
    wanted_ = true;
    if (!at_work_) asap_.start(0);
  }
  void report_and_take_turn() noexcept {
    turn_follows_ = true;
    wanted_ = false;  // first: a nested loop in a callback may want the next turn
    report();
    turn();
    turn_follows_ = false;
    start_timers();
  }
  void asap() noexcept {
    if (at_work_) return;  // run_once() goes on, or a nested event loop ends
    const AtWork at_work(at_work_);
    report_and_take_turn();
  }
  void timer_went_off() noexcept {
    if (steady_now() < deadline_) return start_timers();  // a QTimer does not reach that far
    wanted_ = true;
    asap();
  }
  void start_timers() noexcept {
    if (wanted_ || deadline_ == TimePoint::min()) {
      asap_.start(0);
    } else {
      asap_.stop();
    }
    if (deadline_ == TimePoint::min() || deadline_ == TimePoint::max()) return timer_.stop();
    const std::int64_t left = rounded_up<std::chrono::milliseconds>(time_left(deadline_));
    timer_.start(static_cast<int>(std::min(left, longest_ms)));
  }

  QAbstractEventDispatcher& dispatcher_;
  WakeFd wake_;
  QSocketNotifier woken_;
  QTimer asap_;   // runs when a turn is wanted at once
  QTimer timer_;  // for deadline_
  std::vector<Watched> by_fd_;
  std::vector<int> noted_;     // ready, in the order Qt told
  std::vector<int> reported_;  // those that are being reported
  TimePoint deadline_ = TimePoint::max();
  bool wanted_ = false;        // woken, ready, or the deadline has passed
  bool turn_follows_ = false;  // or is being taken: timers are started after it
  bool at_work_ = false;
};

}  // namespace

std::unique_ptr<Backend> qt() { return std::make_unique<QtBackend>(); }

}  // namespace deferred::reactors
