// SPDX-License-Identifier: MIT
#include "deferred/yieldables/channel.hpp"

namespace deferred::detail {

Failure channel_closed() noexcept {
  try {
    return Failure(ChannelClosedError("send: the channel was closed"));
  } catch (...) {
    return Failure::current();
  }
}

}  // namespace deferred::detail
