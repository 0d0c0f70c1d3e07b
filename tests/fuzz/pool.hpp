// SPDX-License-Identifier: MIT
//
// Pool: the handles of one kind that a world has.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/fuzz/random.hpp"

namespace deferred::fuzz {

/// A handle that is used stays here meanwhile, and what the use brings about may drop it: so its
/// user does not touch it again afterwards.
template <class H>
class Pool {
 public:
  /// With more than `most`, an old one is dropped.
  void put(H handle) {
    handles_.push_back(std::make_unique<H>(std::move(handle)));
    if (handles_.size() <= most) return;
    const std::unique_ptr<H> gone = std::move(handles_.front());
    handles_.erase(handles_.begin());
  }
  bool empty() const noexcept { return handles_.empty(); }
  std::size_t size() const noexcept { return handles_.size(); }
  /// One of them; null if there is none.
  H* any(Random& random) noexcept {
    const unsigned at = random.below(1024);
    return handles_.empty() ? nullptr : handles_[at % handles_.size()].get();
  }
  /// The same, taken out.
  std::unique_ptr<H> take(Random& random) noexcept {
    const unsigned at = random.below(1024);
    if (handles_.empty()) return nullptr;
    const auto place = handles_.begin() + static_cast<std::ptrdiff_t>(at % handles_.size());
    std::unique_ptr<H> taken = std::move(*place);
    handles_.erase(place);
    return taken;
  }
  /// Drops all, and what comes meanwhile.
  void clear() noexcept {
    while (!handles_.empty()) {
      const std::unique_ptr<H> gone = std::move(handles_.back());
      handles_.pop_back();
    }
  }

 private:
  static constexpr std::size_t most = 24;
  std::vector<std::unique_ptr<H>> handles_;
};

}  // namespace deferred::fuzz
