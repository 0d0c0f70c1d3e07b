// SPDX-License-Identifier: MIT
#include "deferred/testing/decorated_transport.hpp"

#include <stdexcept>
#include <utility>

namespace deferred::testing {

DecoratedTransport::DecoratedTransport(io::Stream lower)
    : DecoratedTransport(std::move(lower), lower_readable_, lower_writable_) {}

DecoratedTransport::DecoratedTransport(io::Stream lower, io::Readiness& readable,
                                       io::Readiness& writable)
    : Transport(lower.reactor(), lower.peer(), readable, writable),
      lower_(std::move(lower)),
      lower_readable_(lower_.transport().readable(), lower_.reactor()),
      lower_writable_(lower_.transport().writable(), lower_.reactor()) {
  if (!lower_.buffered().empty()) {
    throw std::logic_error("a decorated stream has bytes buffered, which would be lost");
  }
  keeps_output = true;  // whether the one below does, only it knows
}

DecoratedTransport::~DecoratedTransport() = default;

std::optional<std::size_t> DecoratedTransport::try_read(std::span<char> into) {
  const auto got = lower().try_read(into);
  if (got) drained = lower().is_drained();
  return got;
}

std::optional<std::size_t> DecoratedTransport::try_write(std::string_view data) {
  return lower().try_write(data);
}
bool DecoratedTransport::try_flush() { return lower().try_flush(); }
bool DecoratedTransport::try_shutdown_write() { return lower().try_shutdown_write(); }
std::string DecoratedTransport::local() const { return lower().local(); }
int DecoratedTransport::descriptor() const noexcept { return lower().descriptor(); }

void DecoratedTransport::do_close(io::Ending how) noexcept { lower().close(how); }

void DecoratedTransport::Passed::arm() { wait_for(lower_); }
void DecoratedTransport::Passed::disarm() noexcept { leave(); }
bool DecoratedTransport::Passed::on_ready() noexcept {
  leave();
  report();  // in which it waits again, or goes
  return false;
}
void DecoratedTransport::Passed::on_end(Failure why) noexcept { end(std::move(why)); }

}  // namespace deferred::testing
