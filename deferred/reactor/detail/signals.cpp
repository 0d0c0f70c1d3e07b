// SPDX-License-Identifier: MIT
// The system calls behind signal_watch.hpp: one handler for all watched signals, and a list of
// watches for each. The handler takes no lock and allocates nothing; whoever takes a watch off its
// list waits until no handler is at work that may have seen it.
#include <unistd.h>
#include <csignal>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include "deferred/reactor/detail/home.hpp"
#include "deferred/reactor/signal_watch.hpp"

namespace deferred::detail {
namespace {

struct Watched {
  std::atomic<SignalNode*> first{nullptr};
  struct sigaction before{};  // what the process did with the signal
};

std::array<Watched, NSIG> watched;
std::atomic<int> handlers_at_work{0};
std::mutex changes;

extern "C" void deferred_on_signal(int signal) {
  const int error = errno;
  // Sequentially consistent, as the unlinking is: either the handler misses the watch, or the
  // unlinking side sees the handler.
  handlers_at_work.fetch_add(1);
  SignalNode* const first = watched[static_cast<std::size_t>(signal)].first.load();
  bool is_taken = false;  // by somebody else than the library
  for (SignalNode* node = first; node; node = node->next_watch.load()) {
    if (!node->internal) node->arrive();
    is_taken = is_taken || !node->internal;
  }
  for (SignalNode* node = is_taken ? nullptr : first; node; node = node->next_watch.load()) {
    node->arrive();
  }
  handlers_at_work.fetch_sub(1);
  errno = error;
}

// Nobody has put another handler in place of ours.
bool is_ours(int signal) noexcept {
  struct sigaction now{};
  return ::sigaction(signal, nullptr, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
         now.sa_handler == deferred_on_signal;
}

[[noreturn]] void failed(int error, int signal) {
  throw std::system_error(error, std::generic_category(),
                          "watching for signal " + std::to_string(signal));
}

}  // namespace

void start_signal(SignalNode& node) {
  if (node.signal <= 0 || node.signal >= NSIG) failed(EINVAL, node.signal);
  const std::lock_guard lock(changes);
  Watched& of = watched[static_cast<std::size_t>(node.signal)];
  SignalNode* const first = of.first.load();
  node.next_watch.store(first);
  of.first.store(&node);
  if (first && is_ours(node.signal)) return;
  struct sigaction action{};
  action.sa_handler = deferred_on_signal;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  if (::sigaction(node.signal, &action, &of.before) != 0) {
    const int error = errno;
    of.first.store(first);
    failed(error, node.signal);
  }
}

void end_signal(SignalNode& node) noexcept {
  const std::lock_guard lock(changes);
  Watched& of = watched[static_cast<std::size_t>(node.signal)];
  // While it is still in the list: a signal goes to one of the two, and is not lost.
  const bool is_last = of.first.load() == &node && !node.next_watch.load();
  if (is_last && is_ours(node.signal)) ::sigaction(node.signal, &of.before, nullptr);
  std::atomic<SignalNode*>* link = &of.first;
  while (link->load() && link->load() != &node) link = &link->load()->next_watch;
  if (!link->load()) return;  // it was the parent's, before a fork()
  link->store(node.next_watch.load());
  while (handlers_at_work.load() != 0) std::this_thread::yield();
}

void lock_signals() noexcept { changes.lock(); }
void unlock_signals() noexcept { changes.unlock(); }

void forget_signals() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) {
    Watched& of = watched[static_cast<std::size_t>(signal)];
    if (!of.first.load()) continue;
    if (is_ours(signal)) ::sigaction(signal, &of.before, nullptr);
    of.first.store(nullptr);
  }
  handlers_at_work.store(0);  // those of threads that are not here
}

bool signal_is_free(int signal) noexcept {
  if (system_thread() != ::getpid()) return false;
  const std::lock_guard lock(changes);
  Watched& of = watched[static_cast<std::size_t>(signal)];
  SignalNode* node = of.first.load();
  struct sigaction now{};
  if (node && is_ours(signal)) {
    now = of.before;
  } else if (::sigaction(signal, nullptr, &now) != 0) {
    return false;
  }
  for (; node; node = node->next_watch.load()) {
    if (node->internal) return false;
  }
  return !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL;
}

}  // namespace deferred::detail
