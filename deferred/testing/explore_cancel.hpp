// SPDX-License-Identifier: MIT
//
// explore_cancel: what does a program do when it is cut off wherever it waits? It is run again and
// again in virtual time, and cut at each place where it can be, in each way, and once more at each
// later place. For tests, in the library deferred-testing. (loom, exhaustigen: all of them, not
// some at random)
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/testing/must.hpp"
#include "reactors/virtual_time.hpp"

namespace deferred::testing {

/// A way to cut a program off.
enum class Cut : unsigned char {
  cancel,       ///< TaskRef::cancel(): thrown at each await from there on.
  cancel_once,  ///< TaskRef::cancel_once(), as Deferred::cancel() of its result does.
  close,        ///< TaskRef::close().
  throw_,       ///< TaskRef::throw_(CutError()).
  timeout,      ///< The limit of a with_timeout() around it is moved to now.
};

/// What Cut::throw_ throws.
struct DEFERRED_API CutError : std::runtime_error {
  CutError() : std::runtime_error("an error thrown in by explore_cancel()") {}
};

class CutRun;

/// One object, of which each copy has to be destroyed once before its run is over.
class DEFERRED_API DestroyedOnce {
 public:
  explicit DestroyedOnce(CutRun& run);
  DestroyedOnce(const DestroyedOnce& other);
  DestroyedOnce& operator=(const DestroyedOnce& other);
  ~DestroyedOnce();

 private:
  CutRun* run_;
};

/// A run, as its program sees it.
class DEFERRED_API CutRun {
 public:
  /// Made by explore_cancel().
  CutRun(Reactor& reactor, reactors::VirtualTime& time) noexcept : reactor_(reactor), time_(time) {}
  CutRun(const CutRun&) = delete;
  CutRun& operator=(const CutRun&) = delete;
  ~CutRun();

  Reactor& reactor() const noexcept { return reactor_; }
  reactors::VirtualTime& time() const noexcept { return time_; }
  /// It has been cut off by now; in that way.
  bool cut() const noexcept { return !cuts_.empty(); }
  bool cut(Cut how) const noexcept { return cuts_.contains(how); }

  /// An object that lives until the run is over, whatever becomes of the program's frames: what a
  /// peer or a check needs. The last one made is destroyed first.
  template <class T, class... A>
  T& keep(A&&... arguments) {
    auto kept = std::make_shared<T>(std::forward<A>(arguments)...);
    T& object = *kept;
    kept_.push_back(std::move(kept));
    return object;
  }
  /// Calls `f()` when the program has ended, however it did, and nothing is left to do; with the
  /// reactor and what was kept. It checks what must hold: that nothing was lost. It throws what
  /// says that it does not; see must().
  void at_end(std::function<void()> f) { checks_.push_back(std::move(f)); }
  /// Calls `f(place)` at each place from here on, before it is cut there: for a peer that has a
  /// hand in what the program waits for. What it throws is a fault.
  void at_each_place(std::function<void(std::size_t)> f) { meddlers_.push_back(std::move(f)); }
  /// The program may end with an `E`, or leave one unhandled.
  template <class E>
  void may_fail_with() {
    expected_.push_back([](const Failure& failure) { return failure.check<E>() != nullptr; });
  }

 private:
  friend class DestroyedOnce;
  friend class CutRuns;

  Reactor& reactor_;
  reactors::VirtualTime& time_;
  std::set<Cut> cuts_;
  std::vector<std::shared_ptr<void>> kept_;
  std::vector<std::function<void()>> checks_;
  std::vector<std::function<void(std::size_t)>> meddlers_;
  std::vector<bool (*)(const Failure&)> expected_;
  std::set<const DestroyedOnce*> alive_;
  bool destroyed_twice_ = false, copied_late_ = false;
};

struct ExploreCancelOptions {
  std::vector<Cut> cuts = {Cut::cancel, Cut::cancel_once, Cut::close, Cut::throw_, Cut::timeout};
  bool twice = true;  ///< Also in two places, the second of which may be the first again.
  /// Of more runs with two cuts than that, so many are made, evenly chosen.
  std::size_t most_runs = 10'000;
  /// A run that takes more turns than that does not end. A way to cut after which one does not is
  /// not tried twice.
  std::size_t most_turns = 1'000;
  /// Nothing may be left as soon as it has ended, not even what would end by itself: a timer, a
  /// task. What at_end() has to do with is there until then.
  bool at_once = false;
  /// Only this run, as a fault begins: "cancel at 3, close at 5"; "" is the one without a cut.
  std::optional<std::string> only = {};
};

struct ExploreCancelReport {
  std::size_t places = 0;           ///< At which the program could be cut, when it was not.
  std::size_t runs = 0;             ///< That were made.
  std::size_t left_out = 0;         ///< That most_runs forbade.
  std::vector<std::string> faults;  ///< "cancel at 3: it waits for ever, as task #1 waiting on ..."
  /// "7 places, 412 runs, 0 faults", and the faults, a line each.
  DEFERRED_API std::string summary() const;
};

/// Runs `program(run)`, a microthread in virtual time, to its end: not cut, then cut once at each
/// place in each way, then twice. Places are numbered from 0, which is before its first turn; after
/// each turn follows one, as long as it is not done. A turn is made of one round of what is ready
/// (Reactor::set_event_interval), so that there is one wherever the program, or a task it started,
/// waits, whether it has its answer already or not.
///
/// The program has to do the same each time until it is cut: what it needs it makes, or keeps in
/// `run`. These are faults:
/// - it does not end, or it waits when nothing can wake it;
/// - it ends with, or leaves unhandled, what is no answer to the cuts: Cancelled to a cancel,
///   AbandonedError to a close, CutError, TimeoutError. So does what it was not cut for, unless it
///   is one of CutRun::may_fail_with();
/// - when it has ended and all timers were called (but see ExploreCancelOptions::at_once): a live
///   task; when what it kept is gone: a timer, a watched descriptor, a post; when the reactor is
///   gone: a DestroyedOnce, or an open descriptor;
/// - a reactor on which a new task cannot pause and end;
/// - a DestroyedOnce that is destroyed twice, or copied from one that is destroyed;
/// - what a function of CutRun::at_end() or at_each_place() throws, whatever it is, and what comes
///   to the error hook.
///
/// REQUIRES: no reactor in use on this thread; not inside itself.
DEFERRED_API ExploreCancelReport explore_cancel(const std::function<Task<>(CutRun&)>& program,
                                                const ExploreCancelOptions& options = {});

}  // namespace deferred::testing
