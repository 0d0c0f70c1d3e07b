// SPDX-License-Identifier: MIT
#include "tests/conformance/mutant_poll.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace deferred::testing {
namespace {

using namespace std::chrono_literals;

constexpr short gone = POLLHUP | POLLERR | POLLNVAL;

class MutantPoll final : public Backend {
 public:
  explicit MutantPoll(Fault fault)
      : fault_(fault),
        wake_fd_(::eventfd(0, EFD_NONBLOCK | (fault == Fault::counts_wakes ? EFD_SEMAPHORE : 0) |
                                  (fault == Fault::inherited_by_programs ? 0 : EFD_CLOEXEC))) {
    if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    fds_.push_back({wake_fd_, POLLIN, 0});
    handlers_.push_back(nullptr);
  }
  ~MutantPoll() override {
    if (is(Fault::leaks_its_eventfd)) return;
    ::close(wake_fd_);
  }

  TimePoint now() noexcept override {
    const TimePoint present = steady();
    switch (fault_) {
      case Fault::clock_in_milliseconds:
        return std::chrono::floor<std::chrono::milliseconds>(present);
      case Fault::clock_too_fast:
        return present + (present - start_) / 4;
      case Fault::clock_of_the_last_wait:
        return last_wait_;
      default:
        return present;
    }
  }

  void arm(TimePoint deadline) noexcept override {
    const bool withdrawn = deadline == TimePoint::max();
    if (is(Fault::keeps_a_withdrawn_deadline) && withdrawn) return;
    if (is(Fault::keeps_the_later_deadline) && deadline_ != TimePoint::max() &&
        deadline < deadline_ && deadline != TimePoint::min()) {
      return;
    }
    if (is(Fault::keeps_the_earlier_deadline) && !withdrawn && deadline > deadline_) return;
    deadline_ = deadline;
  }

  void wake() noexcept override {
    if (is(Fault::turns_inside_wake)) return turn();
    if (is(Fault::loses_wake_while_waiting) && waiting_) return;
    const auto lock = lock_if_faulty();
    if (woken_.exchange(true) && !is(Fault::counts_wakes)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
  }

  void watch(int fd, Ready interest, IoHandler& handler) override {
    if (!is(Fault::takes_a_closed_descriptor) && ::fcntl(fd, F_GETFD) < 0) {
      throw std::system_error(errno, std::generic_category(), "watch");
    }
    index_[fd] = fds_.size();
    const bool hidden = is(Fault::forgets_high_numbers) && fd >= 1024;
    fds_.push_back({hidden ? -1 : fd, events_of(interest), 0});
    handlers_.push_back(&handler);
    reported_.erase(fd);
    if (is(Fault::keeps_the_old_handler)) {
      handlers_.back() = first_handler_.emplace(fd, &handler).first->second;
    }
  }

  void rewatch(int fd, Ready interest) override {
    if (is(Fault::ignores_rewatch)) return;
    pollfd& one = fds_[index_[fd]];
    if (!is(Fault::rewatch_only_adds)) one.events = 0;
    one.events = static_cast<short>(one.events | events_of(interest));
    if (is(Fault::forgets_a_report_when_rewatched)) reported_[fd] = true;
  }

  void unwatch(int fd) noexcept override {
    if (is(Fault::leaks_on_unwatch)) leak(fd);
    if (is(Fault::reports_what_is_unwatched)) return;
    const std::size_t hole = index_[fd];
    index_[fd] = 0;
    fds_[hole] = fds_.back();
    handlers_[hole] = handlers_.back();
    fds_.pop_back();
    handlers_.pop_back();
    if (is(Fault::keeps_the_old_place)) return;
    if (hole < fds_.size()) index_[fds_[hole].fd] = hole;
  }

  void run_once(bool block) override {
    const bool waits = block || is(Fault::waits_without_being_asked);
    if (is(Fault::loses_wake_before_waiting)) drain();
    const int ready = wait(waits ? time_left() : Duration::zero());
    last_wait_ = steady();
    if (is(Fault::turns_before_reporting)) take_turn();
    const bool reported = ready > 0 && report();
    if (is(Fault::turns_before_reporting)) return;
    if (is(Fault::forgets_the_turn_after_a_report) && reported) return;
    take_turn();
    if (is(Fault::turns_twice)) take_turn();
  }

 private:
  std::unique_lock<std::mutex> lock_if_faulty() noexcept {
    return is(Fault::locks_in_wake) ? std::unique_lock(mutex_) : std::unique_lock<std::mutex>();
  }
  bool is(Fault fault) const noexcept { return fault_ == fault; }
  static TimePoint steady() noexcept {
    return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
  }
  static void leak(int fd) noexcept {
    [[maybe_unused]] const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  }
  static short events_of(Ready interest) noexcept {
    int events = 0;
    if ((interest & Ready::read) != Ready::none) events |= POLLIN;
    if ((interest & Ready::write) != Ready::none) events |= POLLOUT;
    return static_cast<short>(events);
  }

  Ready ready_of(short events) const noexcept {
    if (is(Fault::hides_a_lost_descriptor) && (events & POLLNVAL)) return Ready::none;
    if (is(Fault::hides_a_hang_up)) events = static_cast<short>(events & ~gone);
    Ready ready = Ready::none;
    const bool to_readers = !is(Fault::tells_only_writers_of_a_hang_up);
    if (events & (POLLIN | (to_readers ? gone : 0))) ready = ready | Ready::read;
    if (events & (POLLOUT | gone)) ready = ready | Ready::write;
    if (is(Fault::tells_readers_of_room) && (events & POLLOUT)) ready = Ready::read;
    if (is(Fault::hides_room) && (events & POLLIN)) ready = Ready::read;
    return ready;
  }

  Duration time_left() noexcept {
    if (is(Fault::never_sleeps)) return Duration::zero();
    if (is(Fault::subtracts_without_care)) {
      const auto left = static_cast<std::uint64_t>(deadline_.time_since_epoch().count()) -
                        static_cast<std::uint64_t>(steady().time_since_epoch().count());
      const auto signed_left = static_cast<std::int64_t>(left);
      return Duration(signed_left > 0 ? signed_left : 0);
    }
    if (deadline_ == TimePoint::min()) return Duration::zero();
    if (deadline_ == TimePoint::max()) return Duration::max();
    const TimePoint present = is(Fault::clock_too_fast) ? now() : steady();
    const Duration left = deadline_ > present ? deadline_ - present : Duration::zero();
    if (is(Fault::clock_too_fast)) return left / 5 * 4;  // in time by its own clock
    if (is(Fault::rounds_down)) return std::chrono::floor<std::chrono::milliseconds>(left);
    if (is(Fault::rounds_up_to_seconds)) return std::chrono::ceil<std::chrono::seconds>(left);
    return left;
  }

  /// How many are ready.
  int wait(Duration time) {
    const bool endless = time == Duration::max();
    timespec limit{};
    if (!endless) {
      limit.tv_sec = static_cast<std::time_t>(time.count() / 1'000'000'000);
      limit.tv_nsec = static_cast<long>(time.count() % 1'000'000'000);
    }
    const std::size_t most =
        is(Fault::looks_at_ten_only) ? std::min<std::size_t>(fds_.size(), 10) : fds_.size();
    waiting_ = true;
    const int ready = ::ppoll(fds_.data(), most, endless ? nullptr : &limit, nullptr);
    waiting_ = false;
    if (ready >= 0) return ready;
    if (errno != EINTR || is(Fault::throws_when_interrupted)) {
      throw std::system_error(errno, std::generic_category(), "ppoll");
    }
    return 0;
  }

  void drain() noexcept {
    const auto lock = lock_if_faulty();
    if (is(Fault::clears_flag_before_eventfd)) {
      woken_ = false;
      std::this_thread::sleep_for(50us);  // the gap, wide enough to be hit
    }
    std::uint64_t count;
    [[maybe_unused]] const auto got = ::read(wake_fd_, &count, sizeof count);
    if (!is(Fault::clears_flag_before_eventfd)) woken_ = false;
  }

  bool report() {
    if (fds_[0].revents) drain();
    if (is(Fault::reports_the_old_list)) return report_list();
    bool any = false;
    if (is(Fault::goes_forward_through_holes)) {
      for (std::size_t i = 1; i < fds_.size(); ++i) any = report_one(i) || any;
      return any;
    }
    if (is(Fault::reports_the_first_ten)) {
      for (std::size_t i = 1, left = 10; i < fds_.size() && left > 0; ++i) left -= report_one(i);
      return true;
    }
    for (std::size_t i = fds_.size(); i-- > 1;) {
      if (i < fds_.size()) any = report_one(i) || any;
      if (any && is(Fault::reports_one_at_a_time)) break;
    }
    return any;
  }

  bool report_one(std::size_t i) {
    const short events = fds_[i].revents;
    fds_[i].revents = 0;
    const bool once = is(Fault::reports_once) || is(Fault::forgets_a_report_when_rewatched);
    bool& reported = reported_[fds_[i].fd];
    if (!events) return reported = false;
    if (once && reported) {
      if (is(Fault::forgets_a_report_when_rewatched)) reported = false;
      return false;
    }
    reported = is(Fault::reports_once);
    const Ready ready = ready_of(events);
    if (ready != Ready::none) handlers_[i]->on_ready(ready);
    return true;
  }

  bool report_list() {
    std::vector<std::pair<IoHandler*, Ready>> list;
    for (std::size_t i = 1; i < fds_.size(); ++i) {
      if (fds_[i].revents) list.emplace_back(handlers_[i], ready_of(fds_[i].revents));
    }
    for (const auto& [handler, ready] : list) handler->on_ready(ready);
    return !list.empty();
  }

  void take_turn() {
    const bool forgets = is(Fault::forgets_a_deadline_set_in_a_turn);
    turn();
    if (forgets && deadline_ != TimePoint::min()) deadline_ = TimePoint::max();
  }

  const Fault fault_;
  std::mutex mutex_;
  int wake_fd_;
  std::atomic<bool> woken_{false};
  std::atomic<bool> waiting_{false};
  TimePoint deadline_ = TimePoint::max();
  const TimePoint start_ = steady();
  TimePoint last_wait_ = start_;
  std::vector<pollfd> fds_;
  std::vector<IoHandler*> handlers_;
  std::map<int, std::size_t> index_;
  std::map<int, bool> reported_;
  std::map<int, IoHandler*> first_handler_;
};

}  // namespace

std::unique_ptr<Backend> mutant_poll(Fault fault) { return std::make_unique<MutantPoll>(fault); }

}  // namespace deferred::testing
