// SPDX-License-Identifier: MIT
//
// Shapes of coroutine that some compiler gets wrong, run one by one, each in a child process:
// what became of it is printed as a table and compared with the table known of this compiler, so
// that a change of compiler shows. The house rules against these shapes are in
// tools/deferred-hazards. Uses nothing of the library: the Task here is the smallest that shows
// them.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coroutine>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

namespace {

/// Counts its lives. It owns nothing, so that a second destruction harms nobody and is only
/// counted.
struct Tracked {
  static inline int made = 0;
  static inline int destroyed = 0;

  Tracked() noexcept { ++made; }
  Tracked(const Tracked&) noexcept { ++made; }
  Tracked& operator=(const Tracked&) noexcept = default;
  ~Tracked() { ++destroyed; }
};

/// A coroutine that waits to be started; a subtask goes on with its caller by symmetric transfer.
struct Task {
  struct promise_type {
    std::coroutine_handle<> caller = std::noop_coroutine();

    Task get_return_object() {
      return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct ToCaller {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
          return h.promise().caller;
        }
        void await_resume() noexcept {}
      };
      return ToCaller{};
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  explicit Task(std::coroutine_handle<promise_type> h) : handle(h) {}
  Task(Task&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle) handle.destroy();
  }

  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
    handle.promise().caller = h;
    return handle;
  }
  void await_resume() {}

  std::coroutine_handle<promise_type> handle;
};

/// Suspends, so that temporaries of the await expression live in the frame; gives `value`.
struct Later {
  static inline std::coroutine_handle<> waiting;

  explicit Later(bool v = true) : value(v) {}
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> h) { waiting = h; }
  bool await_resume() { return value; }
  bool value;
};

bool passed = false;  // set by a shape that must get somewhere

// In a condition, in a coroutine without a local variable.

Task in_if() {
  if (co_await Later{}) passed = true;
}
Task in_if_with_a_local() {
  [[maybe_unused]] int local = 0;
  if (co_await Later{}) passed = true;
}
Task in_while() {
  while (co_await Later{!passed}) passed = true;
}
Task in_do_while() {
  do {
    passed = true;
  } while (co_await Later{false});
  passed = passed && true;
}
Task in_for() {
  for (; co_await Later{!passed};) passed = true;
}
Task around_the_condition_of_a_for() {
  for (bool go_on = co_await Later{}; go_on; go_on = co_await Later{false}) passed = true;
}
Task in_switch() {
  switch (co_await Later{}) {
    case true:
      passed = true;
  }
}
Task before_the_if() {
  const bool ok = co_await Later{};
  if (ok) passed = true;
}

// An aggregate with a non-trivial member as a temporary.

struct Aggregate {
  Tracked member;
};
struct WithConstructor {
  WithConstructor() {}
  Tracked member;
};
struct AwaitedAggregate {
  Tracked member;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> h) { Later::waiting = h; }
  void await_resume() {}
};

template <class T>
Later take(T) {
  return Later{};
}
template <class T>
Later look(const T&) {
  return Later{};
}

Task aggregate_argument() {
  co_await take(Aggregate{});
  passed = true;
}
Task aggregate_by_reference() {
  co_await look(Aggregate{});
  passed = true;
}
Task aggregate_awaited() {
  co_await AwaitedAggregate{};
  passed = true;
}
Task constructed_argument() {
  co_await take(WithConstructor{});
  passed = true;
}

// A lambda with a non-trivial capture.

Task lambda_argument() {
  Tracked t;
  co_await take([t] { (void)t; });
  passed = true;
}
Task lambda_by_reference() {
  Tracked t;
  co_await look([t] { (void)t; });
  passed = true;
}
Task lambda_called() {
  Tracked t;
  co_await [t]() -> Task {
    (void)t;
    co_await Later{};
  }();
  passed = true;
}
Task lambda_trivial_captures() {
  Tracked t;
  co_await look([&t] { (void)t; });
  passed = true;
}
Task lambda_named() {
  Tracked t;
  auto named = [t] { (void)t; };
  co_await look(named);
  passed = true;
}

// A conditional operator over class temporaries.

Task conditional(bool which) {
  co_await take(which ? Tracked{} : Tracked{});
  passed = true;
}
Task conditional_before(bool which) {
  const Tracked chosen = which ? Tracked{} : Tracked{};
  co_await take(chosen);
  passed = true;
}

// A temporary lambda that is a coroutine.

struct Lambda {
  Lambda() = default;
  Lambda(const Lambda&) noexcept { ++alive; }
  ~Lambda() { --alive; }
  static inline int alive = 1;
};
bool captures_alive = true;

Task spawned_temporary() {
  return [capture = Lambda{}]() -> Task {
    (void)&capture;
    captures_alive = Lambda::alive > 0;
    passed = true;
    co_return;
  }();
}

// Symmetric transfer, which must not use the stack.

Task leaf() { co_return; }
Task many_subtasks() {
  for (int i = 0; i < 1'000'000; ++i) co_await leaf();
  passed = true;
}

/// Runs a shape to its end, as far as it goes, and tells what became of it.
template <class Shape>
const char* verdict(Shape shape) {
  {
    Task task = shape();
    task.handle.resume();
    for (int rounds = 0; Later::waiting && rounds < 10; ++rounds)
      std::exchange(Later::waiting, nullptr).resume();
    if (!task.handle.done()) return "never finishes";
  }
  if (!passed) return "finishes without its body";
  if (!captures_alive) return "captures dangle";
  if (Tracked::destroyed > Tracked::made) return "destroyed twice";
  if (Tracked::destroyed < Tracked::made) return "leaks";
  return "right";
}

/// The verdict of a child process, or that it crashed.
template <class Shape>
std::string apart(Shape shape) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    // A crash is a verdict, not a report; and a stack has an end on every machine.
    const rlimit no_core{0, 0}, stack{8 << 20, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_STACK, &stack);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
    const std::string text = verdict(shape);
    const bool written = write(ends[1], text.data(), text.size()) == ssize_t(text.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  char text[64];
  const ssize_t size = read(ends[0], text, sizeof text);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0 || size <= 0) return "crashes";
  return {text, std::size_t(size)};
}

std::string table;

void row(const char* shape, const std::string& what) {
  char line[128];
  std::snprintf(line, sizeof line, "%-58s %s\n", shape, what.c_str());
  table += line;
}

std::string compiler() {
#ifdef __clang__
  return "clang-" + std::to_string(__clang_major__);
#else
  return "g++-" + std::to_string(__GNUC__);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  row("co_await in if, no local variable", apart(in_if));
  row("co_await in if, a local variable", apart(in_if_with_a_local));
  row("co_await in while, no local variable", apart(in_while));
  row("co_await in do-while, no local variable", apart(in_do_while));
  row("co_await in for, no local variable", apart(in_for));
  row("co_await around the condition of a for", apart(around_the_condition_of_a_for));
  row("co_await in switch, no local variable", apart(in_switch));
  row("co_await before the if", apart(before_the_if));
  row("temporary aggregate, by value", apart(aggregate_argument));
  row("temporary aggregate, by reference", apart(aggregate_by_reference));
  row("temporary aggregate, awaited", apart(aggregate_awaited));
  row("temporary with a constructor, by value", apart(constructed_argument));
  row("capturing lambda, by value", apart(lambda_argument));
  row("capturing lambda, by reference", apart(lambda_by_reference));
  row("capturing lambda, called and awaited", apart(lambda_called));
  row("lambda with trivial captures", apart(lambda_trivial_captures));
  row("capturing lambda, named before", apart(lambda_named));
  row("conditional operator over temporaries", apart([] { return conditional(true); }));
  row("conditional operator, before", apart([] { return conditional_before(true); }));
  row("braced list", BRACED_LIST_COMPILES ? "right" : "does not compile");
  row("temporary capturing lambda that is a coroutine", apart(spawned_temporary));
  row("symmetric transfer, 10^6 subtasks at -O0", apart(many_subtasks));

  std::printf("%s\n%s", compiler().c_str(), table.c_str());
  std::ifstream file(std::string(argc > 1 ? argv[1] : ".") + "/" + compiler() + ".txt");
  if (!file) {
    std::printf("\nNothing is known of this compiler: no expected/%s.txt\n", compiler().c_str());
    return 0;
  }
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  if (expected == table) return 0;
  std::printf("\nexpected:\n%s", expected.c_str());
  return 1;
}
