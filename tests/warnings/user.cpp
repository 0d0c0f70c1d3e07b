// SPDX-License-Identifier: MIT
//
// A user's unit that makes the compiler instantiate and inline much of the public API. It is only
// compiled, with warnings as errors, at several levels of optimisation: none may come out of our
// headers.
#include <deferred/deferred.hpp>
#include <deferred/testing/manual_pool.hpp>
#include <deferred/testing/reactor_conformance_main.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <reactors/epoll.hpp>
#include <reactors/glib.hpp>
#include <reactors/poll.hpp>
#include <reactors/qt.hpp>
#include <reactors/uv.hpp>
#include <reactors/virtual_time.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace deferred;
using namespace std::chrono_literals;

struct Large {
  Large() = default;
  explicit Large(int n) { bytes[0] = static_cast<char>(n); }
  char bytes[300] = {};
};
struct MyError {
  int code;
};

int number();
std::string text();
void take(const std::string& text);
void take(int number);
void take(const Large& large);

template <class T>
T made() {
  if constexpr (std::is_same_v<T, std::string>) {
    return text();
  } else if constexpr (std::is_same_v<T, std::unique_ptr<int>>) {
    return std::make_unique<int>(number());
  } else {
    return T(number());
  }
}

// Deferreds, of small and large results, fired before and after.

template <class T>
Deferred<T> chain_of(Deferred<T> deferred) {
  return std::move(deferred)
      .add_callback([](T value) { return value; })
      .add_callback([](T value) { return succeed(std::move(value)); })
      .add_errback([](const MyError&) { return made<T>(); })
      .add_errback([](const Failure& failure) -> Outcome<T> { return failure; })
      .add_callbacks(
          [](T value) { return Outcome<T>(std::move(value)); },
          [](const std::exception& error) -> T { throw std::runtime_error(error.what()); })
      .add_both([](Outcome<T> outcome) { return outcome; });
}

template <class T>
void fire_some() {
  auto [promise, deferred] = make_deferred<T>([] {});
  auto rest = chain_of(std::move(deferred));
  rest.pause();
  promise.callback(made<T>());
  rest.unpause();
  auto failed = chain_of(fail<T>(MyError{number()}));
  if (number() > 1) std::move(failed).abandon();
  chain_of(succeed(made<T>())).detach();

  auto [other, cancelled] = make_deferred<T>([](Promise<T>& p) { p.errback(MyError{1}); });
  cancelled.cancel();
  std::move(cancelled).add_errback([](const Failure&) { return made<T>(); }).detach();
  if (!other.fired()) other.errback_current();

  auto shared = chain_of(maybe_deferred([] { return made<T>(); })).share();
  auto reader = shared.add_callback([](const T&) { return number(); });
  if (rest.has_result()) {
    Outcome<T> outcome = std::move(rest).result();
    if (outcome.has_value()) static_cast<void>(outcome.value());
  }
}

void fire_void() {
  auto [promise, deferred] = make_deferred<void>();
  auto rest =
      std::move(deferred).add_callback([] { return number(); }).add_errback([](const Failure& f) {
        return f.check<MyError>() ? 1 : 2;
      });
  std::move(rest).add_callback([](int n) { take(n); }).detach();
  promise.callback();
  add_timeout(chain_of(succeed(1)), 1s).detach();
}

// Tasks, and what they wait for.

Task<int> nothing_to_wait_for() { co_return number(); }
Task<> by_reference(std::string& of) {
  co_await Pause{};
  of += text();
}
Deferred<std::string> inlined(Reactor&, std::string with) {
  co_await Pause{1ms};
  co_return with + std::to_string(co_await nothing_to_wait_for());
}
Task<Large> large() { co_return Large(co_await nothing_to_wait_for()); }
Task<std::unique_ptr<int>> owned() {
  co_return std::make_unique<int>(co_await nothing_to_wait_for());
}

struct Mine {
  auto yield_to(Waiter<int> waiter) const { return schedule(std::move(waiter), 1ms, 3); }
};
struct Theirs {};
template <>
struct deferred::yieldable<Theirs> {
  static void yield_to(const Theirs&, Waiter<std::string> waiter) {
    auto weak = waiter.weak();
    if (!weak.resume(text())) waiter.throw_(MyError{3});
  }
};

Task<> waits() {
  Timer timer{1s};
  take(static_cast<int>(co_await timer));
  take(co_await Mine{});
  take(co_await Theirs{});
  co_await Readable{0};
  co_await Writable{1};
  Reply<int> reply;
  std::function<void(int)> send = reply.send();
  send(2);
  take(co_await reply);
  take(co_await with_timeout(1s, Mine{}));
  take(co_await with_timeout(1s, chain_of(succeed(text()))));
  take(co_await with_timeout(1s, large()));
  const Outcome<int> outcome = co_await as_outcome(nothing_to_wait_for());
  if (outcome.has_value()) take(outcome.value());
  const Outcome<std::string> second = co_await as_outcome(with_timeout(1s, Theirs{}));
  if (!second.has_value()) take(second.failure().what());
  const auto& failure = second.failure();
  if (failure.trap<MyError, std::runtime_error>()) take(1);
  const TaskRef me = co_await current_task;
  take(me.name());
  co_await cancel_point;
  auto shared = chain_of(succeed(text())).share();
  take(co_await shared);
  Value value{Mine{}};
  static_cast<void>(co_await std::move(value));
  auto both = std::vector<Spawned<int>>();
  both.push_back(spawn(nothing_to_wait_for()));
  both.push_back(spawn([n = number()]() -> Task<int> { co_return n; }));
  for (Spawned<int>& one : both) take(co_await std::move(one));
  std::string line = text();
  co_await by_reference(line);
  take(*co_await owned());
}

Task<int> with_signals() {
  Signal signal(2);
  const int which = co_await signal;
  co_return which;
}

// Waiting that is structured, and values one at a time.

Task<int> child(Event& event) {
  co_await event;
  co_return number();
}
Task<> structured() {
  Event event;
  Lock lock;
  Semaphore most(2);
  const int sum = co_await with_nursery([&](Nursery& nursery) -> Task<int> {
    Spawned<int> spawned = nursery.spawn(child(event)).named("child");
    const TaskRef started = co_await nursery.start([](Started<TaskRef>& ready) -> Task<> {
      ready(current_task());
      co_await Pause{1s};
    });
    take(started.name());
    event.set();
    co_return co_await std::move(spawned);
  });
  take(sum);
  const auto [word, more] = co_await all(Theirs{}, Mine{});
  take(word);
  take(more);
  take((co_await all(std::vector<Mine>(2))).front());
  const auto settled = co_await all_settled(succeed(text()), child(event));
  take(std::get<0>(settled).value());
  const std::variant<std::string, int> first = co_await race(Theirs{}, child(event));
  take(std::get<0>(first));
  take(static_cast<int>((co_await any(Mine{}, Theirs{})).index()));
  const std::optional<int> in_time = co_await move_on_after(1s, child(event));
  take(in_time.value_or(0));
  CancelScope scope;
  co_await scope.run(shield(child(event)));
  const Permit permit = co_await most.acquire();
  take(co_await with_lock(lock, nothing_to_wait_for));
  Channel<std::string> lines(2);
  co_await lines.send(text());
  take((co_await lines.receive()).value_or(text()));
  const RemoteSender<std::string> sender = lines.remote_sender();
  take(sender.is_closed() ? 1 : 0);
  const std::vector<int> numbers(3);
  co_await for_each_at_most(2, numbers, [](int n) -> Task<> {
    take(n);
    co_return;
  });
  Deferred<void> later = to_deferred(all(Pause{1s}, Pause{2s})).add_callback([](auto&&) {});
  co_await std::move(later);
}

Generator<int, std::string, Large> counts() {
  take(co_yield 1);
  const Large last = co_yield elements_of([]() -> Generator<int, std::string, Large> {
    co_yield 2;
    co_return Large(3);
  }());
  co_return last;
}
AsyncGenerator<std::string> lines_of(Event& event) {
  co_await event;
  co_yield text();
}
Task<> one_at_a_time(Event& event) {
  Generator<int, std::string, Large> numbers = counts();
  take(numbers.next().value_or(0));
  take(numbers.send(text()).value_or(0));
  take(numbers.result());
  auto lines = lines_of(event);
  for (auto line = co_await lines.next(); line; line = co_await lines.next()) take(*line);
  co_await lines.close();
}

const TaskLocal<std::string> of_this_task("nobody's");

struct Counts : Tracer {
  void task_runs(const TaskRef& task) noexcept override { take(task.name()); }
};
void seen(Reactor& reactor) {
  const auto restore = of_this_task.set(text());
  take(of_this_task.get());
  for (const TaskInfo& info : reactor.tasks()) take(info.name);
  take(reactor.dump_tasks(Dump::json));
  const SlowReport report = report_slow(reactor, 50ms);
  LoopingCall loop(1s, [](std::uint64_t ticks) { take(static_cast<int>(ticks)); });
  Deferred<void> ended = loop.start();
  std::move(ended).detach();
  take(to_future(defer_later(1s, number)).get());
}

// Threads, and the network.

Task<> elsewhere(Reactor& other) {
  testing::ManualPool pool;
  ThreadPool threads(2);
  take(co_await in_thread(number));
  take(co_await in_thread(pool, text));
  const auto call = in_thread(threads, [](int n) { return n + 1; }, 2);
  static_cast<void>(call);
  take(co_await on(other, number));
  take(co_await on(other, nothing_to_wait_for));
  Deferred<int> deferred = defer_to_thread(number);
  take(co_await std::move(deferred));
}
int from_a_thread(const RemoteReactor& remote) {
  if (!remote.call_from_thread([] { take(1); })) return 0;
  return blocking_call_from_thread(remote, number) +
         blocking_call_from_thread(remote, nothing_to_wait_for);
}

Task<> serve_one(io::Stream stream) {
  char buffer[100];
  const std::size_t got = co_await with_timeout(1s, stream.read_some(buffer));
  co_await stream.write_all({buffer, got});
  const std::optional<std::string> text = co_await io::read_netstring(stream);
  if (text) take(*text);
}
Task<> serve() {
  io::Listener listener = io::listen("127.0.0.1", 0);
  for (;;) spawn(serve_one(co_await listener.accept())).detach();
}
Task<> ask(std::uint16_t port) {
  io::Stream stream = co_await with_timeout(1s, io::connect("localhost", port));
  co_await stream.write_all("hello");
  for (;;) {
    const bool more = co_await stream.read_more();
    if (!more) break;
  }
}

Task<> answer(io::Datagram socket) {
  char buffer[100];
  const io::Received got = co_await with_timeout(1s, socket.receive(buffer));
  co_await socket.send_to(std::string_view(buffer, got.size), got.from);
}
Task<> ask_by_datagrams() {
  spawn(answer(io::bind("udp:127.0.0.1:0"))).detach();
  io::Datagram socket = co_await io::connect_datagram("udp:localhost:9");
  co_await socket.send("hello");
  const std::optional<io::Address> peer = socket.peer();
  if (peer) take(peer->port());
}

// The reactor, and handles as members, in containers, and perhaps there.

struct Handles {
  DelayedCall call;
  Watch watch;
  SignalWatch signal;
  std::vector<ShutdownTrigger> triggers;
  std::map<int, TaskRef> tasks;
};

template <class H, class Make>
void perhaps(Make make) {
  std::optional<H> kept;
  if (number() > 0) kept.emplace(make());
  if (number() > 1) kept.reset();
  take(kept.has_value());
  std::optional moved(make());
  kept = std::move(moved);
}
template <class H, class Make>
void for_a_while(Make make) {
  std::optional kept = make();
  take(1);
  kept.reset();
  take(2);
}
template <class H, class Make>
void once(Make make) {
  std::optional<H> kept;
  if (number() > 0) kept = make();
}
template <class H, class Make>
void held(Make make) {
  perhaps<H>(make);
  for_a_while<H>(make);
  once<H>(make);
}

void handles(Reactor& reactor) {
  Handles all;
  all.call = reactor.call_later(1s, [] { take(1); });
  all.watch = reactor.watch(0, Ready::read, [](Ready) { take(2); });
  all.signal = reactor.on_signal(2, [](int signal) { take(signal); });
  all.triggers.push_back(reactor.at_shutdown(Phase::before, [] { return succeed(); }));
  all.tasks[1] = spawn(reactor, waits()).task();
  all.tasks[1].cancel();
  all.tasks[1].throw_(MyError{2});
  const auto registered = reactor.registry().when_type<Pause>(
      [](const Pause&, Waiter<void> waiter) { waiter.resume(); });
  reactor.set_error_hook([](const Failure& failure, std::string_view) { take(failure.what()); });
  reactor.call_when_running([] { take(3); });
  reactor.post([] { take(4); });

  held<DelayedCall>([&] { return reactor.call_later(1s, [] {}); });
  held<Watch>([&] { return reactor.watch(0, Ready::write, [] {}); });
  held<SignalWatch>([&] { return reactor.on_signal(3, [] {}); });
  held<TaskRef>([&] { return spawn(reactor, serve()).task(); });
  held<Spawned<int>>([&] { return spawn(reactor, nothing_to_wait_for()); });
  held<Spawned<void>>([&] { return spawn(reactor, ask(80)); });
  held<Spawned<void>>([&] { return spawn(reactor, ask_by_datagrams()); });
  held<io::Datagram>([&] { return io::bind(reactor, "udp:127.0.0.1:0"); });
  held<Deferred<int>>([] { return succeed(1); });
  held<Deferred<void>>([] { return fail<void>(MyError{1}); });
  held<Deferred<std::string>>([&] { return inlined(reactor, text()); });
  held<Promise<int>>([] { return std::move(make_deferred<int>().first); });
  held<SharedDeferred<int>>([] { return succeed(1).share(); });
  held<Outcome<int>>([] { return Outcome<int>(1); });
  held<Outcome<std::string>>([] { return Outcome<std::string>(text()); });
  held<Failure>([] { return Failure(MyError{1}); });
  held<Task<int>>([] { return nothing_to_wait_for(); });
  held<RemoteReactor>([&] { return reactor.remote(); });
  held<Waiter<int>>([] { return Waiter<int>(); });
  held<WeakWaiter<int>>([] { return WeakWaiter<int>(); });
  held<ReplySender<int>>([] { return Reply<int>().send(); });
  held<Registration>(
      [&] { return reactor.registry().when_type<Mine>([](const Mine&, Waiter<int>) {}); });
  held<ShutdownTrigger>([&] { return reactor.at_shutdown(Phase::after, [] {}); });
  held<Value>([] { return Value(Mine{}); });
}

int run() {
  reactors::VirtualTime time;
  Reactor tested{time};
  handles(tested);
  fire_some<int>();
  fire_some<std::string>();
  fire_some<Large>();
  fire_some<std::unique_ptr<int>>();
  fire_void();
  time.advance(1s);
  Reactor reactor;
  spawn(reactor, elsewhere(tested)).detach();
  take(reactor.run_until(inlined(reactor, text())));
  take(reactor.run_until(spawn(reactor, nothing_to_wait_for())));
  take(reactor.run_until(Mine{}));
  return reactor.run(with_signals()) + from_a_thread(reactor.remote());
}
