// SPDX-License-Identifier: MIT
//
// Shows: a reactor driven by any loop there is, which knows three things of it: a descriptor, a
// deadline and turn(). Here the loop is a few lines around ppoll(2), with a pipe of its own.
// Prints: what each side did.
#include <poll.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/epoll.hpp>

using namespace std::chrono_literals;
using deferred::TimePoint;

// Ours.
deferred::Task<> talk(int from, int to) {
  co_await deferred::Pause{1ms};
  std::cout << "our task writes " << write(to, "?", 1) << " byte\n";
  co_await deferred::Readable{from};
  char letter = 0;
  std::cout << "our task reads " << read(from, &letter, 1) << " byte: " << letter << '\n';
}

int main() {
  int question[2], answer[2];
  if (pipe(question) != 0 || pipe(answer) != 0) return 1;
  deferred::reactors::Epoll backend;
  deferred::Reactor reactor{backend};
  spawn(reactor, talk(answer[0], question[1]));

  while (reactor.task_count() > 0) {
    // Before each wait, for it may have changed: it is that of the next timer, the least there is
    // if something is to be done at once, and the largest if there is nothing to wait for.
    const TimePoint deadline = backend.next_deadline();
    const TimePoint now = backend.now();
    const auto left = std::max(deadline, now) - now;
    const timespec limit{left / 1s, (left % 1s).count()};
    pollfd fds[2] = {{question[0], POLLIN, 0}, {backend.fd(), POLLIN, 0}};
    if (ppoll(fds, 2, &limit, nullptr) < 0 && errno != EINTR) return 1;

    if (fds[0].revents) {
      char letter = 0;
      std::cout << "their loop reads " << read(question[0], &letter, 1) << " byte: " << letter
                << '\n';
      std::cout << "their loop writes " << write(answer[1], "!", 1) << " byte\n";
    }
    backend.turn();  // also if there is nothing for it: it sees for itself
  }
  std::cout << "no task is left\n";
}
