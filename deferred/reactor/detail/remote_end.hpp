// SPDX-License-Identifier: MIT
//
// RemoteEnd: something that another thread holds and that will answer on the reactor's thread.
// Listed by its reactor, so that its home side can be let go of when the reactor dies.
#pragma once

namespace deferred::detail {

struct RemoteEnd {
  RemoteEnd* previous = nullptr;
  RemoteEnd* next = nullptr;
  /// On the reactor's thread: drops what belongs to it.
  void (*reactor_gone)(RemoteEnd& self) noexcept = nullptr;
};

}  // namespace deferred::detail
