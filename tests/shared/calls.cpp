// SPDX-License-Identifier: MIT
//
// Calls what is public, not inline, and called by no other program. Is not run.
#include <deferred/deferred.hpp>
#include <deferred/testing/allocation_failure.hpp>
#include <deferred/testing/explore_cancel.hpp>
#include <reactors/virtual_time.hpp>
#ifdef WITH_EPOLL
#include <reactors/epoll.hpp>
#endif

void call(deferred::io::Listener& one, deferred::io::Listener& other,
          deferred::reactors::VirtualTime& time, deferred::IoHandler& handler) {
  one = std::move(other);
  const deferred::Registry registry;
  time.VirtualTime::watch(0, deferred::Ready::read, handler);
  time.VirtualTime::rewatch(0, deferred::Ready::write);
  time.VirtualTime::unwatch(0);
  time.VirtualTime::wake();
  time.VirtualTime::forked();
}

std::string call(const deferred::testing::AllocationFailureReport& report) {
  return report.summary();
}

#ifdef WITH_EPOLL
void call(deferred::reactors::Epoll& epoll) {
  epoll.Epoll::wake();
  epoll.Epoll::forked();
}
#endif
