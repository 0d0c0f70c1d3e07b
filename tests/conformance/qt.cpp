// SPDX-License-Identifier: MIT
// Qt conforms, inside an application.
#include "reactors/qt.hpp"

#include <QCoreApplication>

#include "deferred/testing/reactor_conformance_doctest.hpp"
#include "tests/streams/kinds.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

class Application {
 private:
  char name_[12] = "conformance";
  char* argv_[2] = {name_, nullptr};
  int argc_ = 1;
  QCoreApplication application_{argc_, argv_};
};

ReactorUnderTest on_this() {
  ReactorUnderTest tried;
  tried.name = qEnvironmentVariableIsSet("QT_NO_GLIB") ? "qt-without-glib" : "qt";
  tried.make = [] { return reactors::qt(); };
  tried.can =
      Capability::real_time | Capability::threads | Capability::descriptors | Capability::forks;
  return tried;
}

}  // namespace

TEST_CASE("the Qt backend conforms") {
  const Application application;
  ReactorUnderTest tried = on_this();
  tried.skip["a reactor on another thread works as well, and tells this one"] =
      "the application is this thread's";

  check_conformance(tried);
}

TEST_CASE("streams on the Qt backend conform") {
  const Application application;

  check_all_streams(on_this());
}
