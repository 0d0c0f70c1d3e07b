// SPDX-License-Identifier: MIT
#include "deferred/testing/detail/open_descriptors.hpp"

#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace deferred::testing {

OpenDescriptors open_descriptors() {
  OpenDescriptors all;
  std::error_code gone;  // the listing's own descriptor is closed by the time it is looked at
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", gone)) {
    const auto what = std::filesystem::read_symlink(entry.path(), gone);
    if (!gone && what != "/proc/" + std::to_string(::getpid()) + "/fd") {
      all[entry.path().filename()] = what;
    }
  }
  return all;
}

std::string opened_since(const OpenDescriptors& before) {
  std::string left;
  for (const auto& [fd, what] : open_descriptors()) {
    if (!before.contains(fd)) left += (left.empty() ? "" : ", ") + fd + " (" + what + ")";
  }
  return left;
}

}  // namespace deferred::testing
