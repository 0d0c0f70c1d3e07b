// SPDX-License-Identifier: MIT
//
// ChannelItems: what is in a Channel. Part of channel.hpp: include that.
#pragma once

#include <list>

#include "deferred/memory/api.hpp"
#include "deferred/memory/recycling_allocator.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {

/// A list: an item that could not be delivered goes back, and a row of them from a thread goes in,
/// without an allocation and without a move.
template <class T>
using ChannelItems = std::list<T, RecyclingAllocator<T>>;

/// For the senders that a close() finds waiting; they are told also where there is no memory.
DEFERRED_API Failure channel_closed() noexcept;

}  // namespace deferred::detail
