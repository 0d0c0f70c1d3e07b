// SPDX-License-Identifier: MIT
//
// Shows: a reactor inside GLib's main loop, as a GTK program has it. The program runs the loop; its
// sources and our tasks take turns in it.
// Prints: what each side did.
#include <glib.h>
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/glib.hpp>
#include <string>

using namespace std::chrono_literals;
using Answer = deferred::Promise<std::string>;

// Theirs: a button, say, that is pressed a little later.
gboolean press(gpointer answer) {
  std::cout << "their source was dispatched\n";
  static_cast<Answer*>(answer)->callback("yes");
  return G_SOURCE_REMOVE;
}

// Ours.
deferred::Task<> ask(GMainLoop* loop) {
  co_await deferred::Pause{1ms};
  auto [promise, answer] = deferred::make_deferred<std::string>();
  g_timeout_add(1, press, &promise);
  std::cout << "our task asks\n";
  const std::string said = co_await std::move(answer);
  std::cout << "our task was told: " << said << '\n';
  g_main_loop_quit(loop);
}

int main() {
  GMainLoop* const loop = g_main_loop_new(nullptr, FALSE);
  {
    deferred::Reactor reactor{deferred::reactors::glib(nullptr)};  // in the default context
    spawn(reactor, ask(loop));
    g_main_loop_run(loop);
    std::cout << "g_main_loop_run() is back, with " << reactor.task_count() << " tasks left\n";
  }
  g_main_loop_unref(loop);
}
