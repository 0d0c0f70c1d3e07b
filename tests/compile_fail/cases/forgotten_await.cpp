// SPDX-License-Identifier: MIT
//
// What is made to be awaited, and is not: a warning each. all_warned.py holds it against the list
// of what can be awaited.
#include <csignal>
#include <span>
#include <string_view>

#include "deferred/deferred.hpp"

using namespace deferred;

Task<int> three() { co_return 3; }
SharedDeferred<int> shared();

Task<> forgets(io::Stream& stream, std::span<char> room, CancelScope& scope, Nursery& nursery,
               Channel<int>& channel, Lock& lock, Event& event, io::Readiness& readiness) {
  three();                                              // warned: Task
  with_timeout(Duration(1), three());                   // warned: WithTimeout
  as_outcome(three());                                  // warned: AsOutcome
  in_thread([] {});                                     // warned: InThread
  on(Reactor::current(), three());                      // warned: On
  succeed(3);                                           // warned: Deferred
  shared();                                             // warned: SharedDeferred
  Pause{Duration(1)};                                   // warned: Pause
  Readable{0};                                          // warned: Readable
  Writable{1};                                          // warned: Writable
  scope.run(three());                                   // warned: RunInScope
  move_on_after(Duration(1), three());                  // warned: MoveOn
  shield(three());                                      // warned: Shield
  nursery;                                              // warned: Nursery
  with_nursery([](Nursery&) -> Task<> { co_return; });  // warned: WithNursery
  cancel_point;                                         // warned: CancelPoint
  current_task;                                         // warned: CurrentTask
  Timer{Duration(1)};                                   // warned: Timer
  Signal{SIGTERM};                                      // warned: Signal
  Reply<int>();                                         // warned: Reply
  Value{three()};                                       // warned: Value
  event;                                                // warned: Event
  lock.acquire();                                       // warned: Acquire
  channel.send(3);                                      // warned: Send
  channel.receive();                                    // warned: Receive
  stream.read_some(room);                               // warned: io::ReadSome
  stream.write_some("some");                            // warned: io::WriteSome
  stream.write_all("all");                              // warned: io::WriteAll
  readiness.wait();                                     // warned: io::Readiness::Wait
  all(Pause{});                                         // warned: All
  all_settled(Pause{});                                 // warned: AllSettled
  any(Pause{});                                         // warned: Any
  race(Pause{});                                        // warned: Race
  co_return;
}
