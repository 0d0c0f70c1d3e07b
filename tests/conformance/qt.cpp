// SPDX-License-Identifier: MIT
// Qt conforms, inside an application.
#include "reactors/qt.hpp"

#include <QCoreApplication>

#include "deferred/testing/reactor_conformance_doctest.hpp"

using namespace deferred;
using namespace deferred::testing;

TEST_CASE("the Qt backend conforms") {
  char name[] = "conformance";
  char* argv[] = {name, nullptr};
  int argc = 1;
  const QCoreApplication application(argc, argv);
  ReactorUnderTest tried;
  tried.name = qEnvironmentVariableIsSet("QT_NO_GLIB") ? "qt-without-glib" : "qt";
  tried.make = [] { return reactors::qt(); };
  tried.can =
      Capability::real_time | Capability::threads | Capability::descriptors | Capability::forks;
  tried.skip["a reactor on another thread works as well, and tells this one"] =
      "the application is this thread's";

  check_conformance(tried);
}
