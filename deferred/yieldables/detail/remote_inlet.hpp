// SPDX-License-Identifier: MIT
//
// RemoteInlet: what a Channel and its RemoteSenders share. A thread puts items in as long as there
// is room, and the first one calls for a visit of the channel, which takes them all. "Home" is the
// reactor's thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/remote_reactor.hpp"
#include "deferred/reactor/shutdown_trigger.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/yieldables/detail/channel_items.hpp"

namespace deferred {

template <class T>
class Channel;

namespace detail {

template <class T>
class RemoteInlet : public std::enable_shared_from_this<RemoteInlet<T>> {
 public:
  RemoteInlet(Channel<T>& channel, std::size_t capacity, std::size_t used)
      : room_(capacity - used), channel_(&channel) {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "remote_sender: the items must be nothrow-movable, for what was sent from a "
                  "thread cannot fail on its way");
    if (capacity == 0) {
      throw std::invalid_argument(
          "remote_sender: a channel of capacity 0 has no room for what is on its way");
    }
  }
  RemoteInlet(const RemoteInlet&) = delete;
  RemoteInlet& operator=(const RemoteInlet&) = delete;

  /// From any thread. False: the item is where it was.
  bool put(T& item, const RemoteReactor& home, bool wait) {
    std::unique_lock lock(mutex_);
    if (wait && open_ && room_ == 0) {
      if (home.on_its_thread()) {
        throw ReactorStateError(
            "RemoteSender::send: there is no room, and this is the reactor's own thread, which "
            "would wait for itself; use Channel::send() there");
      }
      if (!call_for_visit(home)) return false;  // which sees to it that this does not wait for ever
      ++blocked_;
      changed_.wait(lock,
                    [this, before = stops_] { return !open_ || room_ > 0 || stops_ != before; });
      --blocked_;
    }
    if (!open_ || room_ == 0 || !call_for_visit(home)) return false;
    in_flight_.push_back(std::move(item));
    --room_;
    return true;
  }

  bool is_closed() noexcept {
    const std::lock_guard lock(mutex_);
    return !open_;
  }

  // At home:

  bool take_room() noexcept {
    const std::lock_guard lock(mutex_);
    if (room_ == 0) return false;
    --room_;
    return true;
  }
  void give_room() noexcept {
    const std::lock_guard lock(mutex_);
    ++room_;
    if (blocked_ > 0) changed_.notify_all();
  }
  /// No more items; those on their way are in the channel then. False if that is gone meanwhile.
  bool close() noexcept {
    const auto kept = this->shared_from_this();
    shut();
    take_in();
    return channel_ != nullptr;
  }
  /// The channel is gone.
  void leave() noexcept {
    shut();
    channel_ = nullptr;
    take_in();
    trigger_ = ShutdownTrigger();
  }

 private:
  /// A call that tells its end, too: if nobody has called it, the reactor is gone.
  class Call {
   public:
    using What = void (RemoteInlet::*)() noexcept;
    Call(std::shared_ptr<RemoteInlet> inlet, What what) noexcept
        : inlet_(std::move(inlet)), what_(what) {}
    Call(Call&&) noexcept = default;
    Call& operator=(Call&&) = delete;
    ~Call() {
      if (inlet_) inlet_->dropped();
    }
    void operator()() {
      const std::shared_ptr<RemoteInlet> inlet = std::move(inlet_);
      (inlet.get()->*what_)();
    }

   private:
    std::shared_ptr<RemoteInlet> inlet_;
    What what_;
  };

  /// False if the reactor takes no calls. REQUIRES: the mutex is held.
  bool call_for_visit(const RemoteReactor& home) {
    if (called_) return true;
    calling_ = true;
    try {
      called_ = home.call_from_thread(Call(this->shared_from_this(), &RemoteInlet::visit));
    } catch (...) {
      calling_ = false;
      throw;
    }
    calling_ = false;
    return called_;
  }
  void shut() noexcept {
    const std::lock_guard lock(mutex_);
    open_ = false;
    changed_.notify_all();
  }
  /// Where a reactor refuses a Call, it ends in call_for_visit(), which has the mutex.
  void dropped() noexcept {
    const std::lock_guard lock(mutex_);
    if (!calling_) shut();
  }
  /// At home: the run of the reactor has ended, or is about to.
  void stop() noexcept {
    const std::lock_guard lock(mutex_);
    ++stops_;
    changed_.notify_all();
  }
  void visit() noexcept {
    if (take_in() && channel_) watch();
  }
  /// True if threads are blocked.
  bool take_in() noexcept {
    ChannelItems<T> arrived;
    bool blocked = false;
    {
      const std::lock_guard lock(mutex_);
      called_ = false;
      arrived.take_all(in_flight_);
      blocked = blocked_ > 0;
    }
    if (channel_) channel_->items_.take_all(arrived);
    while (channel_ && channel_->give_to_waiting()) continue;
    return blocked;
  }
  /// Those that are blocked are told when the run is stopped. They called before they blocked, so
  /// that the last calls of a run find those that its shutdown did not. A crash() has last calls,
  /// but no triggers: who was visited before it stays blocked until give_room(), close(), leave(),
  /// the stop of a later run, or the end of the reactor, which drops the trigger.
  void watch() noexcept {
    try {
      Reactor& reactor = Reactor::current();
      if (!reactor.call_from_thread([] {})) return stop();
      if (trigger_.active()) return;
      trigger_ =
          reactor.at_shutdown(Phase::after, Call(this->shared_from_this(), &RemoteInlet::stop));
    } catch (...) {
      stop();
    }
  }

  // Recursive for dropped() alone.
  std::recursive_mutex mutex_;
  std::condition_variable_any changed_;
  // Under the mutex:
  ChannelItems<T> in_flight_;
  std::size_t room_;         // the capacity, less what is in the channel and in flight
  std::size_t blocked_ = 0;  // threads
  unsigned stops_ = 0;       // of the reactor, while some were blocked
  bool open_ = true;
  bool called_ = false;   // there will be a visit
  bool calling_ = false;  // a thread, which has the mutex, calls for one
  // At home:
  Channel<T>* channel_;
  ShutdownTrigger trigger_;
};

}  // namespace detail
}  // namespace deferred
