// SPDX-License-Identifier: MIT
//
// What is made to be awaited, and is not: a warning each.
// expect: forgotten_await.cpp:21:
// expect: forgotten_await.cpp:22:
// expect: forgotten_await.cpp:23:
// expect: forgotten_await.cpp:24:
// expect: forgotten_await.cpp:25:
// expect: forgotten_await.cpp:26:
// expect: forgotten_await.cpp:27:
// expect: forgotten_await.cpp:28:
// expect: forgotten_await.cpp:29:
#include "deferred/threads.hpp"
#include "deferred/yieldables.hpp"

using namespace deferred;

Task<int> three() { co_return 3; }

Task<> forgets() {
  three();
  with_timeout(Duration(1), three());
  as_outcome(three());
  in_thread([] {});
  on(Reactor::current(), three());
  succeed(3);
  Pause{Duration(1)};
  Readable{0};
  Writable{1};
  co_return;
}
