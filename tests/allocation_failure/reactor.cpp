// SPDX-License-Identifier: MIT
//
// The reactor: its timers, posts, watches and signals; add_timeout; the registry;
// handles of microthreads.
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "reactors/virtual_time.hpp"
#include "tests/allocation_failure/programs.hpp"
#include "tests/allocation_failure/two_ends.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

void made(Reactor&) {
  const Reactor alone;
  const Reactor owner(std::make_unique<reactors::VirtualTime>());
  reactors::VirtualTime time;
  const Reactor guest(time);
}

void timers(Reactor& reactor) {
  int called = 0;
  std::vector<DelayedCall> calls;
  {
    const AllocationsSucceed memory;
    calls.reserve(40);
  }
  for (int i = 0; i != 20; ++i) {
    calls.push_back(reactor.call_later(1ms, [&] { ++called; }));
    calls.push_back(reactor.call_at(later(reactor.now(), 1ms), [&] { ++called; }));
  }
  turn_until(reactor, [&] { return called == 40; });
  right(called == 40, "a timer that was set is not called");
}

void moved_timer(Reactor& reactor) {
  bool called = false;
  DelayedCall call = reactor.call_later(1ms, [&] { called = true; });
  try {
    call.reset(2ms);
    call.delay(1ms);
  } catch (const std::bad_alloc&) {
  }
  right(call.active(), "a timer that cannot be moved is lost");
  right(call.time() > reactor.now(), "a timer that cannot be moved has no time");
  turn_until(reactor, [&] { return called; });
  right(called, "a timer that was moved is not called");
  right(!call.active(), "a timer that was called is active");
  right(!call.cancel(), "a timer that was called can be cancelled");

  DelayedCall left = reactor.call_later(0ms, [&] { called = false; });
  std::move(left).detach();
  turn_until(reactor, [&] { return !called; });
  right(!called, "a timer that was let go is not called");
}

void posts(Reactor& reactor) {
  int called = 0;
  int accepted = 0;
  try {
    for (int i = 0; i != 3; ++i) {
      reactor.post([&] { ++called; });
      ++accepted;
      reactor.call_when_running([&] { ++called; });
      ++accepted;
      if (reactor.call_from_thread([&] { ++called; })) ++accepted;
    }
  } catch (const std::bad_alloc&) {
  }
  turns(reactor, 2);
  right(called == accepted, "a call that was accepted is not made, or one that was not is");
  right(!reactor.busy(), "a call is left");
}

void remote_posts(Reactor& reactor) {
  const RemoteReactor remote = reactor.remote();
  right(remote.on_its_thread(), "this is its thread");
  right(&remote.inbox() == &RemoteReactor(remote).inbox(), "it has an inbox");
  int called = 0;
  int accepted = 0;
  try {
    for (int i = 0; i != 3; ++i) {
      if (remote.call_from_thread([&] { ++called; })) ++accepted;
    }
  } catch (const std::bad_alloc&) {
  }
  turns(reactor, 2);
  right(called == accepted, "a call that was accepted is not made, or one that was not is");
  right(remote.takes_calls(), "it takes calls before its first run");
  remote.stop();
  reactor.run();
  right(!remote.takes_calls(), "it takes none after one");
}

void prepared_calls(Reactor& reactor) {
  int called = 0;
  int sent = 0;
  std::vector<PreparedCall> prepared;
  try {
    for (int i = 0; i != 3; ++i) prepared.emplace_back(reactor.remote(), [&] { ++called; });
  } catch (const std::bad_alloc&) {
  }
  for (PreparedCall& call : prepared) {
    if (std::move(call).send()) ++sent;
  }
  right(sent == static_cast<int>(prepared.size()), "what was prepared is sent without memory");
  turns(reactor, 2);
  right(called == sent, "what was sent is called");
}

// Callbacks that throw bad_alloc, or cannot even be reported, do not keep the others from coming.
void callbacks_that_throw(Reactor& reactor) {
  int called = 0;
  const auto throws = [&] {
    ++called;
    const auto large = std::make_unique<char[]>(2000);
    throw std::bad_alloc();
  };
  int accepted = 0;
  DelayedCall timer;
  try {
    timer = reactor.call_later(0ms, throws);
    ++accepted;
    reactor.post(throws);
    ++accepted;
    if (reactor.call_from_thread(throws)) ++accepted;
  } catch (const std::bad_alloc&) {
  }
  try {
    turns(reactor, 3);
  } catch (...) {
    right(false, "what a callback throws comes out of the backend");
  }
  right(called == accepted, "a callback after one that throws does not come");
}

void hooked(Reactor& reactor) {
  int reported = 0;
  reactor.set_error_hook([&reported](const Failure& failure, std::string_view) {
    const AllocationsSucceed memory;
    const bool expected = failure.check<std::logic_error>() || failure.check<std::bad_alloc>();
    if (expected) ++reported;
  });
  reactor.post([] { throw std::logic_error("thrown by a post"); });
  turns(reactor, 2);
  right(reported == 1, "what a callback throws does not reach the error hook");
  reactor.set_error_hook(nullptr);
}

void watches(Reactor& reactor) {
  TwoEnds ends;
  TwoEnds others;
  int readable = 0;
  int writable = 0;
  const Watch read = reactor.watch(ends[0], Ready::read, [&] { ++readable; });
  Watch write = reactor.watch(ends[0], Ready::write, [&](Ready) { ++writable; });
  std::optional<Watch> other;
  try {
    other = reactor.watch(others[0], Ready::both, [] {});
  } catch (const std::bad_alloc&) {
  }
  ends.write(1);
  turn_until(reactor, [&] { return readable != 0 && writable != 0; });
  right(readable != 0 && writable != 0, "a descriptor that is watched is not reported");

  const Ready before = write.interest();
  try {
    write.set_interest(Ready::read);
    right(write.interest() == Ready::read, "an interest that was changed is not");
    write.set_interest(Ready::none);
  } catch (const std::bad_alloc&) {
    right(write.interest() == before || write.interest() == Ready::read,
          "an interest that cannot be changed is neither");
  }
  right(write.active() && reactor.watch_count() != 0, "a watch is lost");
  readable = 0;
  turn_until(reactor, [&] { return readable != 0; });
  right(readable != 0, "a descriptor is not reported any more");
}

void signals(Reactor& reactor) {
  int came = 0;
  const SignalWatch one = reactor.on_signal(SIGUSR1, [&] { ++came; });
  const SignalWatch two = reactor.on_signal(SIGUSR1, [&](int) { ++came; });
  right(one.active() && two.active(), "a signal that is watched for is not");
  ::raise(SIGUSR1);
  turn_until(reactor, [&] { return came == 2; });
  right(came == 2, "a signal is not reported");
}

void asked(Reactor& reactor) {
  static_cast<void>(reactor.now());
  right(&Reactor::current() == &reactor, "it is the thread's only one");
  right(!reactor.backend().shared() && !reactor.running(), "it has a backend");
  Spawned<void> task = spawn(reactor, Pause{});
  const std::string dump = reactor.dump_tasks();
  right(dump.find("task #") == 0, "a live task is not in the dump");
  right(reactor.task_count() == 1 && reactor.timer_count() == 0 && reactor.watch_count() == 0,
        "a count is wrong");
  right(reactor.busy(), "it has something to do");
  turn_until(reactor, [&] { return task.done(); });
}

struct Marked {
  int number = 0;
};

void registry(Reactor& reactor) {
  Registry& all = reactor.registry();
  right(all.empty() && !all.has_objects(), "a fresh registry is empty");
  Marked object{1};
  std::optional<Registration> of_type;
  std::optional<Registration> of_object;
  try {
    of_type = all.when_type<Marked>([](const Marked& m, Waiter<int> w) { w.resume(m.number); });
    of_object = all.when_object(object, [](const Marked&, Waiter<int> w) { w.resume(10); });
  } catch (const std::bad_alloc&) {
  }
  right(all.empty() == !of_type, "a handler that was registered is not");
  right(all.has_objects() == of_object.has_value(), "a handler that was registered is not");
  right((all.find(typeid(Marked)) != nullptr) == of_type.has_value(), "a handler is not found");
  if (!of_object) return;
  const auto body = [&object]() -> Task<int> {
    Value got = co_await Value{&object};
    co_return got.as<int>();
  };
  has_value_or_no_memory(end_of(reactor, body), 10);
  const Registry::InUse in_use(all);
  of_type.reset();
  of_object.reset();
  right(all.empty(), "a handler that was taken back is there");
}

void add_timeout_in_time(Reactor& reactor) {
  auto [promise, deferred] = make_deferred<int>();
  bool cancelled = false;
  Deferred<int> timed = add_timeout(std::move(deferred), 1h, reactor);
  promise.callback(3);
  right(timed.has_result(), "a result that came in time is not delivered");
  has_value_or_no_memory(std::move(timed).result(), 3);
  right(!cancelled, "it is not cancelled");
}
// The limit limits, whatever fails once it has been set.
void add_timeout_too_late(Reactor& reactor) {
  int cancelled = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++cancelled; });
  Deferred<int> timed = add_timeout(std::move(deferred), 1ms);
  turn_until(reactor, [&] { return timed.has_result(); });
  right(timed.has_result(), "a time limit is lost");
  const Outcome<int> outcome = std::move(timed).result();
  right(out_of_memory(outcome) || outcome.check<TimeoutError>(),
        "a time limit ends with another error");
  right(cancelled == 1, "what is limited is not cancelled");
}
void add_timeout_handled(Reactor& reactor) {
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> timed = add_timeout(std::move(deferred), 1ms, reactor,
                                    [](const Outcome<int>&, Duration) { return 9; });
  turn_until(reactor, [&] { return timed.has_result(); });
  right(timed.has_result(), "a time limit is lost");
  has_value_or_no_memory(std::move(timed).result(), 9);
}

void handle(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    co_await Pause{1h};
    co_return 1;
  };
  Spawned<int> spawned = spawn(reactor, body);
  TaskRef task = spawned.task();
  right(task.valid() && task.id() != 0 && !task.done(), "a handle is right");
  right(&task.reactor() == &reactor && task.microthread().id() == task.id(), "a handle is right");
  turns(reactor, 1);
  try {
    task.set_name("a name that is longer than what a string holds in place");
    right(task.name().size() > 20, "a name is kept");
    right(task.done() || task.place().find("at ") == 0, "a place is not told");
    right(task.done() || task.where().find("Pause") != std::string::npos, "a place is not told");
  } catch (const std::bad_alloc&) {
  }
  task.cancel();
  const Outcome<int> outcome = end_of(reactor, std::move(spawned));
  right(task.done(), "a task that was cancelled does not end");
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "it ends with something else");
}
void handle_once(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    bool cancelled = false;
    try {
      co_await Pause{1h};
    } catch (const Cancelled&) {
      cancelled = true;
    }
    co_await Pause{};
    co_return cancelled ? 1 : 2;
  };
  Spawned<int> spawned = spawn(reactor, body);
  turns(reactor, 1);
  spawned.task().cancel_once();
  has_value_or_no_memory(end_of(reactor, std::move(spawned)), 1);
}
void handle_throws(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    try {
      co_await Pause{1ms};
    } catch (const std::logic_error&) {
      co_return 1;
    }
    co_return 2;
  };
  Spawned<int> spawned = spawn(reactor, body);
  TaskRef task = spawned.task();
  const ClosedAtEnd closed(task);
  Deferred<int> result = std::move(spawned).deferred();
  turns(reactor, 1);
  bool thrown = false;
  try {
    task.throw_(std::logic_error("thrown in"));
    thrown = true;
  } catch (const std::bad_alloc&) {
  } catch (const std::logic_error&) {
    right(task.done(), "an error is not thrown in");
  }
  const Outcome<int> outcome = end_of(reactor, std::move(result));
  if (out_of_memory(outcome)) return;
  right(outcome.has_value() ? *outcome == (thrown ? 1 : 2)
                            : thrown && outcome.check<std::logic_error>(),
        "an error that was thrown in is lost, or one that was not is there");
}
void handle_closes(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    co_await Pause{1h};
    co_return 1;
  };
  Spawned<int> spawned = spawn(reactor, body);
  turns(reactor, 1);
  spawned.task().close();
  right(spawned.done(), "a task that was closed is not done");
  const Outcome<int> outcome = std::move(spawned).deferred().result();
  right(out_of_memory(outcome) || outcome.check<AbandonedError>(), "it ends with something else");
}

// One that could not be made is not there, and the next use makes it.
void services(Reactor& reactor) {
  struct Inner {
    explicit Inner(Reactor&) : text("a text that is not short any more") {}
    std::string text;
  };
  struct Outer {
    explicit Outer(Reactor& of) : inner(of.service<Inner>()), text(inner.text) {}
    Inner& inner;
    std::string text;
  };
  right(!reactor.find_service<Outer>(), "a service is there that nobody has used");
  Outer* made = nullptr;
  try {
    made = &reactor.service<Outer>();
  } catch (const std::bad_alloc&) {
  }
  right(reactor.find_service<Outer>() == made, "half a service is there");
  const AllocationsSucceed memory;
  Outer& there = reactor.service<Outer>();
  right(!made || made == &there, "there is a second one");
  right(reactor.find_service<Inner>() == &there.inner, "what it uses is not the reactor's");
}

}  // namespace

Programs reactor_programs() {
  return {
      {"Reactor's constructors",
       {"deferred::Reactor::Reactor()", "deferred::Registry::Registry()",
        "deferred::RemoteReactor::RemoteReactor()"},
       &made},
      {"timers",
       {"deferred::Reactor::call_later()", "deferred::Reactor::call_at()",
        "deferred::Reactor::now()", "deferred::later()", "deferred::AnyDuration::AnyDuration()",
        "deferred::AnyDuration::operator duration()", "deferred::Backend::arm()",
        "deferred::Backend::now()", "deferred::Backend::run_once()", "deferred::Turn::turn()"},
       &timers},
      {"a timer that is moved",
       {"deferred::DelayedCall::reset()", "deferred::DelayedCall::delay()",
        "deferred::DelayedCall::active()", "deferred::DelayedCall::time()",
        "deferred::DelayedCall::cancel()", "deferred::DelayedCall::detach()"},
       &moved_timer},
      {"posts",
       {"deferred::Reactor::post()", "deferred::Reactor::call_when_running()",
        "deferred::Reactor::call_from_thread()", "deferred::Reactor::busy()",
        "deferred::Backend::wake()"},
       &posts},
      {"posts through a RemoteReactor",
       {"deferred::Reactor::remote()", "deferred::RemoteReactor::call_from_thread()",
        "deferred::RemoteReactor::inbox()", "deferred::RemoteReactor::on_its_thread()",
        "deferred::RemoteReactor::takes_calls()", "deferred::RemoteReactor::stop()"},
       &remote_posts},
      {"calls made beforehand",
       {"deferred::PreparedCall::PreparedCall()", "deferred::PreparedCall::send()"},
       &prepared_calls},
      {"callbacks that throw", {}, &callbacks_that_throw},
      {"an error hook", {"deferred::Reactor::set_error_hook()"}, &hooked},
      {"watches",
       {"deferred::Reactor::watch()", "deferred::Watch::set_interest()",
        "deferred::Watch::interest()", "deferred::Watch::active()", "deferred::Backend::watch()",
        "deferred::Backend::rewatch()", "deferred::Backend::unwatch()",
        "deferred::IoHandler::on_ready()", "deferred::operator|()", "deferred::operator&()"},
       &watches},
      {"signals",
       {"deferred::Reactor::on_signal()", "deferred::SignalWatch::active()",
        "deferred::SignalWatch::SignalWatch()"},
       &signals},
      {"what a reactor is asked",
       {"deferred::Reactor::backend()", "deferred::Reactor::current()",
        "deferred::Reactor::dump_tasks()", "deferred::Reactor::task_count()",
        "deferred::Reactor::timer_count()", "deferred::Reactor::watch_count()"},
       &asked},
      {"services",
       {"deferred::Reactor::service()", "deferred::Reactor::find_service()"},
       &services},
      {"the registry",
       {"deferred::Reactor::registry()", "deferred::Registry::when_type()",
        "deferred::Registry::when_object()", "deferred::Registry::find()",
        "deferred::Registry::empty()", "deferred::Registry::has_objects()",
        "deferred::Registry::InUse::InUse()"},
       &registry},
      {"add_timeout, in time", {"deferred::add_timeout()"}, &add_timeout_in_time},
      {"add_timeout, too late",
       {"deferred::add_timeout()", "deferred::TimeoutError::TimeoutError()"},
       &add_timeout_too_late},
      {"add_timeout with a handler", {"deferred::add_timeout()"}, &add_timeout_handled},
      {"TaskRef: asked, named, cancelled",
       {"deferred::TaskRef::TaskRef()", "deferred::TaskRef::cancel()", "deferred::TaskRef::done()",
        "deferred::TaskRef::id()", "deferred::TaskRef::microthread()", "deferred::TaskRef::name()",
        "deferred::TaskRef::reactor()", "deferred::TaskRef::set_name()",
        "deferred::TaskRef::valid()", "deferred::TaskRef::where()", "deferred::TaskRef::place()",
        "deferred::Spawned::task()"},
       &handle},
      {"TaskRef: cancelled once", {"deferred::TaskRef::cancel_once()"}, &handle_once},
      {"TaskRef: thrown into", {"deferred::TaskRef::throw_()"}, &handle_throws},
      {"TaskRef: closed",
       {"deferred::TaskRef::close()", "deferred::AbandonedError::AbandonedError()",
        "deferred::AbandonedError::by_closing()"},
       &handle_closes},
  };
}

}  // namespace deferred::testing
