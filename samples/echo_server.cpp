// SPDX-License-Identifier: MIT
//
// Shows: a server on any backend, which is one word of it; each connection is a task of its
// own, a loop that reads and writes, with a limit on how long it may be idle.
// Prints: "echoing on HOST:PORT". SIGINT and SIGTERM end it, with status 0.
#include <sys/resource.h>
#include <CLI/CLI.hpp>
#include <deferred/deferred.hpp>
#include <functional>
#include <iostream>
#include <map>
#include <reactors/epoll.hpp>
#include <reactors/glib.hpp>
#include <reactors/poll.hpp>
#include <reactors/uv.hpp>

using namespace deferred;

const std::map<std::string, std::function<std::unique_ptr<Backend>()>> backends = {
#ifdef WITH_EPOLL
    {"epoll", [] { return reactors::epoll(); }},
#endif
#ifdef WITH_GLIB
    {"glib", [] { return reactors::glib(); }},
#endif
#ifdef WITH_UV
    {"uv", [] { return reactors::uv(); }},
#endif
    {"poll", [] { return reactors::poll(); }},
};

Task<> echo(io::Stream stream, std::chrono::seconds idle) {
  char buffer[4096];
  for (;;) {
    const std::size_t got = co_await with_timeout(idle, stream.read_some(buffer));
    if (got == 0) co_return;
    const std::string_view heard(buffer, got);
    co_await with_timeout(idle, stream.write_all(heard));
  }
}

Task<int> serve(std::uint16_t port, std::chrono::seconds idle) {
  io::Listener listener = io::listen("localhost", port);
  std::cout << "echoing on " << listener.local() << std::endl;
  const auto serve_one = [idle](io::Stream stream) { return echo(std::move(stream), idle); };
  try {
    co_await io::serve(listener, serve_one, io::ServeOptions(1'000'000));
  } catch (const Cancelled&) {  // by a signal: run() does that, and it reaches all connections
  }
  co_return 0;
}

int main(int argc, char** argv) {
  std::string name = "poll";
  std::uint16_t port = 0;
  long idle = 60;
  CLI::App app("Sends back what it is sent.");
  app.add_option("--reactor", name, "The event loop; poll unless given")
      ->check(CLI::IsMember(backends));
  app.add_option("--port", port, "The port to listen on; 0, the default, picks a free one");
  app.add_option("--idle", idle, "After how many seconds without a word a client is let go; 60")
      ->check(CLI::Range(1L, 1'000'000L));
  CLI11_PARSE(app, argc, argv);
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  Reactor reactor{backends.at(name)()};
  return reactor.run(serve(port, std::chrono::seconds(idle)));
}
