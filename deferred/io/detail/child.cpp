// SPDX-License-Identifier: MIT
#include "deferred/io/detail/child.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>

namespace deferred::io::detail {
namespace {

constexpr idtype_t by_pidfd = static_cast<idtype_t>(3);  // P_PIDFD of <linux/wait.h>

constinit std::mutex orphans_lock;
constinit Orphan* orphans = nullptr;

// Nothing: it runs. ECHILD is final: the pidfd stays readable, so asking again would not end.
std::optional<Exit> reaped(int pidfd) noexcept {
  siginfo_t found{};
  while (::waitid(by_pidfd, static_cast<id_t>(pidfd), &found, WEXITED | WNOHANG) != 0) {
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
  if (!runs()) return;
  signal_group(SIGKILL);
  if (reaped(pidfd_.fd())) return;
  watch_ = Watch();
  orphan_->pidfd = std::move(pidfd_);
  const std::lock_guard lock(orphans_lock);
  orphan_->next.reset(std::exchange(orphans, orphan_.get()));
  orphan_.release();
}

bool Child::runs() const noexcept { return !exit && pidfd_ && parent_ == ::getpid(); }

void Child::on_end(Reaper& reaper) noexcept {
  exit = reaped(pidfd_.fd());
  if (!exit) return;  // a report too many
  watch_ = Watch();
  ended.set();
  reaper.remove(*this);  // this may be gone
}

void Child::signal(int number) noexcept {
  if (runs()) ::syscall(SYS_pidfd_send_signal, pidfd_.fd(), number, nullptr, 0);
}

// As long as it is not reaped, the number is its own.
void Child::signal_group(int number) noexcept {
  if (runs()) ::kill(-pid, number);
}

void Reaper::remove(const Child& child) noexcept {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [&](const auto& one) { return one.get() == &child; });
  if (found == children_.end()) return;
  const std::shared_ptr<Child> last = std::exchange(*found, std::move(children_.back()));
  children_.pop_back();
}

void reap_orphans() noexcept {
  const std::lock_guard lock(orphans_lock);
  std::unique_ptr<Orphan> all(std::exchange(orphans, nullptr));
  while (all) {
    std::unique_ptr<Orphan> one = std::exchange(all, std::move(all->next));
    if (reaped(one->pidfd.fd())) continue;
    one->next.reset(std::exchange(orphans, one.get()));
    one.release();
  }
}

}  // namespace deferred::io::detail
