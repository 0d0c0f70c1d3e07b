// SPDX-License-Identifier: MIT
//
// Progress: what a worker in its thread says to the click that has called it: how far it is. It
// knows no reactor and no window, but the remote end of a Channel. Next: async_tasks.hpp.
#pragma once

#include <deferred/deferred.hpp>

#include <cstdint>
#include <utility>

namespace async_tasks {

/// Belongs to one call of a worker, in its thread. It says whole percents, each once and only more
/// than before: however often a worker speaks, there is little for the GUI to do.
class Progress {
 public:
  /// As many as a call can say. A channel with room for them never makes a worker wait.
  static constexpr int most = 101;

  explicit Progress(deferred::RemoteSender<int> percents) : percents_(std::move(percents)) {}

  /// So much is done of all there is. Throws Cancelled if nobody waits for the result any more,
  /// which it finds when there is a percent to say: let it end the worker. REQUIRES: neither is
  /// negative.
  void operator()(std::int64_t done, std::int64_t all) {
    const int percent = done >= all ? 100 : static_cast<int>(done * 100 / all);
    if (percent <= said_) return;
    said_ = percent;
    if (!percents_.send(percent)) throw deferred::Cancelled();
  }

 private:
  deferred::RemoteSender<int> percents_;
  int said_ = -1;
};

}  // namespace async_tasks
