// SPDX-License-Identifier: MIT
//
// Node: a machine of a Simulation, with a program that runs on it. Next: simulation.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "deferred/io/address.hpp"
#include "deferred/io/transport.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task_local.hpp"

namespace deferred::testing {

namespace simulation {
class Machine;
}

/// Made by Simulation::node(), and kept by it. What it runs are the tasks that spawn() starts, and
/// all that they spawn: connect(), listen() and look-ups of these go over the simulated network. A
/// callback - of call_later(), of a thread - is no task's, and so nobody's; a task that it spawns
/// is not the node's either, and is told so where it connects.
class DEFERRED_API Node {
 public:
  /// The simulation's.
  explicit Node(simulation::Machine& machine) noexcept : machine_(machine) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& name() const noexcept;
  /// Others reach it at these, and by its name; with port 0.
  io::Address ipv4() const;
  io::Address ipv6() const;

  /// As deferred::spawn(), of a task, of a callable with its arguments, or of what can be awaited;
  /// on the simulation's reactor. Throws std::logic_error if it does not run: see restart().
  template <class... A>
  auto spawn(A&&... what) {
    const Inside inside(*this);
    return deferred::spawn(reactor(), std::forward<A>(what)...);
  }

  /// From now on connect(), accept(), listen() and bind() fail with EMFILE while its streams,
  /// listeners and sockets of datagrams are as many. Of what is open nothing is closed.
  void limit_descriptors(std::size_t most) noexcept;
  /// As it is when it is made.
  void limit_descriptors() noexcept;
  std::size_t open_descriptors() const noexcept;

  /// Its program dies: its tasks are closed, its listeners and streams too, the latter as `how`
  /// says. Peers read ECONNRESET; with Ending::polite, as when the kernel cleans up behind a
  /// process, the end, unless there were bytes that it had not read. Who connects is refused.
  void kill(io::Ending how = io::Ending::reset);
  /// It loses its power: as kill(), but no packet leaves or reaches it any more. Peers that read
  /// wait on; what they write is sent again and again, and is ETIMEDOUT in the end.
  void vanish();
  /// It is there again, with nothing of what it had: kill() first, if it runs. What peers still
  /// send on old connections is answered by a reset.
  void restart();
  /// restart(), and then spawn().
  template <class... A>
    requires(sizeof...(A) > 0)
  auto restart(A&&... what) {
    restart();
    return spawn(std::forward<A>(what)...);
  }
  /// It was not killed, and has not vanished, since its beginning or the last restart().
  bool runs() const noexcept;

 private:
  friend class simulation::Machine;

  /// What is spawned meanwhile is the node's.
  class DEFERRED_API Inside {
   public:
    explicit Inside(Node& node);

   private:
    RestoreTaskLocal network_;
    RestoreTaskLocal node_;
  };
  Reactor& reactor() const;

  simulation::Machine& machine_;
};

}  // namespace deferred::testing
