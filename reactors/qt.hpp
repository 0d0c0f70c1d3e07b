// SPDX-License-Identifier: MIT
//
// The Qt 6 backend, a library of its own (libdeferred-qt): timers and socket notifiers of the
// thread that makes it. Knows nothing of Qt here, and needs no moc.
#pragma once

#include <memory>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"

namespace deferred::reactors {

/// Inside the caller's QApplication or QCoreApplication, on its thread:
///
///     QApplication app(argc, argv);
///     Reactor reactor{reactors::qt()};
///     ... spawn(reactor, ...) ...
///     return app.exec();  // takes the reactor's turns too
///
/// reactor.run() works as well and serves Qt's events; QCoreApplication::quit() ends exec() and not
/// that. In a nested event loop that one of the reactor's callbacks runs (QDialog::exec()), the
/// reactor rests; under run(), in one that a slot of the application runs as well.
///
/// Qt has one notifier for a descriptor and direction: one of the application's own is replaced.
/// Timers are in milliseconds, rounded up: none is early. A descriptor is to be unwatched before it
/// is closed: Qt disables a notifier of a closed one, with a warning.
///
/// Throws std::logic_error if there is no application yet. REQUIRES: the application outlives it.
DEFERRED_API std::unique_ptr<Backend> qt();

}  // namespace deferred::reactors
