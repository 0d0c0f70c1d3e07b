// SPDX-License-Identifier: MIT
// GLib conforms, in a context of its own and in the default one.
#include "reactors/glib.hpp"

#include "deferred/testing/reactor_conformance_doctest.hpp"
#include "tests/streams/kinds.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

// It waits by poll(2), in milliseconds.
constexpr Capability as_glib = Capability::real_time | Capability::threads |
                               Capability::descriptors | Capability::lost_descriptors |
                               Capability::regular_files | Capability::forks;

ReactorUnderTest on_this() {
  ReactorUnderTest tried;
  tried.name = "glib";
  tried.make = [] { return reactors::glib(); };
  tried.can = as_glib;
  return tried;
}

}  // namespace

TEST_CASE("the GLib backend conforms") { check_conformance(on_this()); }

TEST_CASE("streams on the GLib backend conform") { check_all_streams(on_this()); }

TEST_CASE("the GLib backend conforms in the default context") {
  ReactorUnderTest tried;
  tried.name = "glib-default-context";
  tried.make = [] { return reactors::glib(nullptr); };
  tried.can = as_glib;
  tried.skip["a reactor on another thread works as well, and tells this one"] =
      "the default context is this thread's";

  check_conformance(tried);
}
