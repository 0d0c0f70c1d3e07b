// SPDX-License-Identifier: MIT
//
// AtWork: the mark of a backend that is being turned. Not installed.
#pragma once

#include <stdexcept>

namespace deferred::reactors {

/// Marks a backend as at work: it cannot be turned inside one of its own callbacks.
class AtWork {
 public:
  explicit AtWork(bool& flag) : flag_(flag) {
    if (flag_) throw std::logic_error("reactor: run or advanced inside one of its own callbacks");
    flag_ = true;
  }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  ~AtWork() { flag_ = false; }

 private:
  bool& flag_;
};

}  // namespace deferred::reactors
