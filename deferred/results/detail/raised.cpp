// SPDX-License-Identifier: MIT
#include "deferred/results/detail/raised.hpp"

#include <utility>

namespace deferred::detail {
namespace {

enum class RaisedPhase : unsigned char { before, open, over };
constinit thread_local RaisedPhase raised_phase = RaisedPhase::before;

}  // namespace

constinit thread_local FailureNode* raised = nullptr;
constinit thread_local const void* raised_object = nullptr;

void keep_raised(const Failure& failure, const void* object) noexcept {
  if (raised_phase == RaisedPhase::over) return;
  if (raised_phase == RaisedPhase::before) {
    struct ForgetAtEnd {
      ~ForgetAtEnd() {
        forget_raised();
        raised_phase = RaisedPhase::over;
      }
    };
    static thread_local const ForgetAtEnd at_end;
    static_cast<void>(&at_end);
    raised_phase = RaisedPhase::open;
  }
  Failure kept = failure;
  const Failure before = FailureNode::adopt(std::exchange(raised, FailureNode::give(kept)));
  raised_object = object;
}

void forget_raised() noexcept {
  if (raised_object) {
    raised_object = nullptr;
    const Failure last = FailureNode::adopt(std::exchange(raised, nullptr));
  }
}

}  // namespace deferred::detail
