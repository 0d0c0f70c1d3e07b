// SPDX-License-Identifier: MIT
#include "deferred/io/detail/local_kinds.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/detail/joined_transport.hpp"
#include "deferred/io/process.hpp"
#include "deferred/io/standard.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/event.hpp"

namespace deferred::io::detail {
namespace {

constexpr Duration to_end_by_itself = std::chrono::seconds(5);
constexpr Duration to_end_by_sigterm = std::chrono::seconds(5);

}  // namespace

/// That a child's stream was closed, for the task that owns the child.
class HungUp {
 public:
  void say(Ending how) noexcept {
    was_reset = how == Ending::reset;
    event.set();
  }

  Event event;
  bool was_reset = false;
};

class ChildTransport final : public JoinedTransport {
 public:
  ChildTransport(std::string peer, Stream in, Stream out, std::shared_ptr<HungUp> hung_up)
      : JoinedTransport(std::move(peer), std::move(in), std::move(out)),
        hung_up_(std::move(hung_up)) {}
  ~ChildTransport() override {
    if (is_open()) hung_up_->say(Ending::polite);
  }

 private:
  void do_close(Ending how) noexcept override {
    JoinedTransport::do_close(how);
    hung_up_->say(how);
  }

  std::shared_ptr<HungUp> hung_up_;
};

namespace {

// A task of its own, for closing does not wait, and the child has time. Dropped, the child is
// killed.
Task<> keep(Process child, std::shared_ptr<HungUp> hung_up) {
  co_await hung_up->event;
  if (hung_up->was_reset) co_return;
  Task<Exit> ending = child.wait();
  const auto ended = co_await move_on_after(to_end_by_itself, std::move(ending));
  if (ended) co_return;
  try {
    co_await child.terminate(to_end_by_sigterm);
  } catch (const std::system_error&) {
    // Of another user, as sudo is: its streams are closed, and more cannot be done.
  }
}

Task<Stream> standard_streams() {
  co_await cancel_point;
  Stream in = standard_input();
  Stream out = standard_output();
  co_return make_stream<JoinedTransport>("standard input and output", std::move(in),
                                         std::move(out));
}

Task<Stream> start_child(std::vector<std::string> words, ProcessOptions options) {
  co_await cancel_point;
  const std::string name = words.front();
  Process child = Process::start(std::move(words), options);
  const auto hung_up = std::make_shared<HungUp>();
  Stream stream =
      make_stream<ChildTransport>(name, std::move(child.output), std::move(child.input), hung_up);
  spawn(keep, std::move(child), hung_up).named("the child " + name);
  co_return stream;
}

}  // namespace

Task<Stream> StandardKind::connect(Endpoint endpoint, ConnectOptions) {
  endpoint.require("stdio:", 0, 0);
  return standard_streams();
}
Listener StandardKind::listen(Reactor&, const Endpoint& endpoint, const ListenOptions&) {
  endpoint.refuse("nobody comes there: it is connected to");
}

Task<Stream> ProcessKind::connect(Endpoint endpoint, ConnectOptions) {
  endpoint.require("process:PROGRAM:ARGUMENT...", 1, Endpoint::any_number, {"directory"});
  if (endpoint.part(0).empty()) endpoint.refuse("it names no program");
  ProcessOptions options;
  options.errors = Standard::inherit;
  const std::string* const directory = endpoint.option("directory");
  if (directory) options.directory = *directory;
  return start_child(endpoint.parts(), std::move(options));
}
Listener ProcessKind::listen(Reactor&, const Endpoint& endpoint, const ListenOptions&) {
  endpoint.refuse("a child is connected to: it is started, and nobody comes");
}

}  // namespace deferred::io::detail
