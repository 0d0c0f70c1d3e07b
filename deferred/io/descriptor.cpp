// SPDX-License-Identifier: MIT
#include "deferred/io/descriptor.hpp"

#include <unistd.h>

namespace deferred::io {

// Not again after EINTR: Linux has closed it then, and the number may be another's.
void Descriptor::close() noexcept {
  if (fd_ >= 0) ::close(release());
}

}  // namespace deferred::io
