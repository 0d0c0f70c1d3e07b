// SPDX-License-Identifier: MIT
//
// HandlerTask: a yieldable whose handler is a coroutine.
#pragma once

#include <cstdint>
#include <utility>

#include "tests/fuzz/bodies.hpp"

namespace deferred::fuzz {

class HandlerTask {
 public:
  HandlerTask(World& world, std::uint64_t seed, TaskRecordPointer self)
      : world_(&world), seed_(seed), self_(std::move(self)), counted_("HandlerTask") {}

  Task<Item> yield_to() && { return body(*world_, seed_, self_, 3); }

 private:
  World* world_;
  std::uint64_t seed_;
  TaskRecordPointer self_;
  Counted counted_;
};

}  // namespace deferred::fuzz
