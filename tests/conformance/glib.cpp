// SPDX-License-Identifier: MIT
// GLib conforms, in a context of its own and in the default one.
#include "reactors/glib.hpp"

#include "deferred/testing/reactor_conformance_doctest.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

// It waits by poll(2), in milliseconds.
constexpr Capability as_glib = Capability::real_time | Capability::threads |
                               Capability::descriptors | Capability::lost_descriptors |
                               Capability::regular_files | Capability::forks;

}  // namespace

TEST_CASE("the GLib backend conforms") {
  ReactorUnderTest tried;
  tried.name = "glib";
  tried.make = [] { return reactors::glib(); };
  tried.can = as_glib;

  check_conformance(tried);
}

TEST_CASE("the GLib backend conforms in the default context") {
  ReactorUnderTest tried;
  tried.name = "glib-default-context";
  tried.make = [] { return reactors::glib(nullptr); };
  tried.can = as_glib;
  tried.skip["a reactor on another thread works as well, and tells this one"] =
      "the default context is this thread's";

  check_conformance(tried);
}
