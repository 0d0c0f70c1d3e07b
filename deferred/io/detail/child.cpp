// SPDX-License-Identifier: MIT
#include "deferred/io/detail/child.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <utility>

namespace deferred::io::detail {
namespace {

constexpr auto by_pidfd = static_cast<idtype_t>(3);  // P_PIDFD of <linux/wait.h>

// Without a lock: a child of fork() would find it as another thread had left it.
constinit std::atomic<Orphan*> orphans = nullptr;

void add_orphan(Orphan* orphan) noexcept {
  orphan->next = orphans.load(std::memory_order_relaxed);
  while (!orphans.compare_exchange_weak(orphan->next, orphan, std::memory_order_release,
                                        std::memory_order_relaxed)) {
  }
}

// Nothing: it runs. ECHILD is final: the pidfd stays readable, so asking again would not end.
// WNOWAIT leaves it unreaped.
std::optional<Exit> end_of(int pidfd, int more_flags) noexcept {
  siginfo_t found{};
  const int flags = WEXITED | WNOHANG | more_flags;
  while (::waitid(by_pidfd, static_cast<id_t>(pidfd), &found, flags) != 0) {
    if (errno != EINTR) return Exit(Exit::How::unknown, 0);
  }
  if (found.si_pid == 0) return std::nullopt;
  const bool exited = found.si_code == CLD_EXITED;
  return Exit(exited ? Exit::How::exited : Exit::How::killed, found.si_status);
}

}  // namespace

Child::Child(Reactor& reactor, Reaper& reaper, int started, Descriptor pidfd)
    : pid(started), parent_(::getpid()), orphan_(std::make_unique<Orphan>()) {
  if (!pidfd) {
    exit = Exit(Exit::How::unknown, 0);
    ended.set();
    return;
  }
  watch_ = reactor.watch(pidfd.fd(), Ready::read, [this, &reaper] { on_end(reaper); });
  pidfd_ = std::move(pidfd);
}

Child::~Child() {
  if (!pidfd_ || !is_ours()) return;
  if (!exit) signal_group(SIGKILL);
  watch_ = Watch();
  if (end_of(pidfd_.fd(), 0)) return;
  orphan_->pidfd = std::move(pidfd_);
  add_orphan(orphan_.release());
}

bool Child::is_ours() const noexcept { return parent_ == ::getpid(); }
bool Child::runs() const noexcept { return !exit && pidfd_ && is_ours(); }

// Not reaped yet: as long as it is not, its number is its own, and its group's.
void Child::on_end(Reaper& reaper) noexcept {
  exit = end_of(pidfd_.fd(), WNOWAIT);
  if (!exit) return;  // a report too many
  watch_ = Watch();
  if (exit->how() == Exit::How::unknown) pidfd_.close();
  const std::shared_ptr<Child> alive = reaper.remove(*this);
  ended.set();
}

void Child::reap() noexcept {
  if (!pidfd_ || !is_ours()) return;
  end_of(pidfd_.fd(), 0);
  pidfd_.close();
}

int Child::signal(int number) noexcept {
  if (!runs()) return 0;
  return ::syscall(SYS_pidfd_send_signal, pidfd_.fd(), number, nullptr, 0) == 0 ? 0 : errno;
}

int Child::signal_group(int number) noexcept {
  if (!pidfd_ || !is_ours()) return 0;
  // Where it was reaped behind our back, the number may be another's.
  if (::syscall(SYS_pidfd_send_signal, pidfd_.fd(), 0, nullptr, 0) != 0 && errno == ESRCH) return 0;
  const bool reached = ::kill(-pid, number) == 0;
  if (reached && number != SIGKILL) return 0;
  return signal(number);
}

std::shared_ptr<Child> Reaper::remove(const Child& child) noexcept {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [&](const auto& one) { return one.get() == &child; });
  if (found == children_.end()) return nullptr;
  std::shared_ptr<Child> last = std::move(*found);
  if (found != children_.end() - 1) *found = std::move(children_.back());
  children_.pop_back();
  return last;
}

void reap_orphans() noexcept {
  Orphan* all = orphans.exchange(nullptr, std::memory_order_acquire);
  while (all) {
    std::unique_ptr<Orphan> one(std::exchange(all, all->next));
    if (!end_of(one->pidfd.fd(), 0)) add_orphan(one.release());
  }
}

}  // namespace deferred::io::detail
