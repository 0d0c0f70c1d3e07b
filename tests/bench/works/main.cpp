// SPDX-License-Identifier: MIT
//
// Our own rows. They run on a backend without I/O, as KJ's, Boost.Fiber's and the floor's do; rows
// named deferred/poll are the same works on the default reactor, where every turn ends in poll(2).
#include <unistd.h>

#include <cstdlib>

#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/watch.hpp"
#include "works.hpp"

int main(int argc, char** argv) {
  using namespace deferred;

  bench::Program program(argc, argv, "deferred");
  works::bytes(program);
  works::chains(program);
  works::long_chains(program);
  works::throwing(program);
  {
    works::HandClock clock;
    Reactor reactor{clock};
    works::awaits(program, reactor);
    works::dynamic_awaits(program, reactor);
    works::subtasks(program, reactor);
    works::switches(program, reactor, "Pause, one backend call a turn");
    works::spawning(program, reactor, "100 a turn");
    works::scopes(program, reactor);
    works::nurseries(program, reactor);
    works::joins(program, reactor);
    works::channels(program, reactor);
    works::generators(program, reactor);
    works::timers(program, reactor, clock);
  }
  works::scripted_echo(program);
  works::posts(program);

  // With nothing to watch the backend may leave poll(2) out: it watches a pipe that stays silent.
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) std::abort();
  {
    Reactor on_poll;
    const Watch silent = on_poll.watch(pipe_ends[0], Ready::read, [] {});
    program.rename("deferred/poll");
    works::switches(program, on_poll, "a poll(2) a turn");
    works::spawning(program, on_poll, "100 a turn, and a poll(2)");
  }
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}
