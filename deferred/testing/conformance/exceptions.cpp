// SPDX-License-Identifier: MIT
// What each kind of callback throws is reported once, and the reactor goes on.
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

/// The reactor still takes timers and posts.
void check_it_goes_on(Context& c) {
  std::string log;
  c.reactor().post([&] { log += "p"; });
  const DelayedCall timer = c.reactor().call_later(0ns, [&] { log += "t"; });
  c.turn();
  c.equal(log, "tp", "what runs afterwards");
}

const ConformanceCase cases_of_exceptions[] = {
    {"a timer that throws is reported, and the reactor goes on", nothing,
     [](Context& c) {
       const DelayedCall timer = c.reactor().call_later(0ns, [] { oops(); });
       c.turn();
       c.equal(c.report_texts(), "oops", "what is reported");
       c.check(!timer.active(), "it is over");
       check_it_goes_on(c);
     }},
    {"a timer that throws does not keep the next one of the same turn from its call", nothing,
     [](Context& c) {
       int calls = 0;
       const DelayedCall first = c.reactor().call_later(0ns, [] { oops(); });
       const DelayedCall second = c.reactor().call_later(0ns, [&] { ++calls; });
       c.turn();
       c.equal(c.report_texts(), "oops", "what is reported");
       c.equal(calls, 1, "the number of the other's calls");
     }},
    {"a post that throws is reported, and the reactor goes on", nothing,
     [](Context& c) {
       int calls = 0;
       c.reactor().post([] { oops(); });
       c.reactor().post([&] { ++calls; });
       c.turn();
       c.equal(c.report_texts(), "oops", "what is reported");
       c.equal(calls, 1, "the number of the next one's calls");
       check_it_goes_on(c);
     }},
    {"a call of another thread that throws is reported on the reactor's thread", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       int calls = 0;
       Joined([&] {
         reactor.call_from_thread([] { oops("from afar"); });
         reactor.call_from_thread([&] { ++calls; });
       }).join();
       c.turn();
       c.equal(c.report_texts(), "from afar", "what is reported");
       c.equal(calls, 1, "the number of the next one's calls");
       check_it_goes_on(c);
     }},
    {"a watch that throws is reported each time, and stays", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [] { oops(); });
       c.turns(3);
       c.equal(c.report_texts(), "oops, oops, oops", "what is reported");
       c.check(watch.active(), "it is still there");
     }},
    {"a watch that throws does not keep another of the same descriptor from its call", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       const Watch first = c.reactor().watch(pair[0], Ready::read, [] { oops(); });
       const Watch second = c.reactor().watch(pair[0], Ready::read, [&] { ++calls; });
       c.turn();
       c.equal(c.report_texts(), "oops", "what is reported");
       c.equal(calls, 1, "the number of the other's calls");
     }},
    {"a watch that throws does not keep another descriptor's from its call", descriptors,
     [](Context& c) {
       SocketPair one, other;
       one.write(1);
       other.write(1);
       int calls = 0;
       const Watch first = c.reactor().watch(one[0], Ready::read, [&] {
         ++calls;
         oops();
       });
       const Watch second = c.reactor().watch(other[0], Ready::read, [&] {
         ++calls;
         oops();
       });
       c.turn();
       c.equal(calls, 2, "the number of calls");
       c.equal(c.report_texts(), "oops, oops", "what is reported");
       check_it_goes_on(c);
       c.equal(c.report_texts(), "oops, oops", "what is reported in one turn more");
     }},
    {"a watch that drops itself and throws is reported once", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&] {
         watch = Watch();
         oops();
       });
       c.turns(3);
       c.equal(c.report_texts(), "oops", "what is reported");
     }},
    {"a detached task that throws is reported, and the reactor goes on", nothing,
     [](Context& c) {
       const auto fail_later = []() -> Task<> {
         co_await Pause{};
         oops();
       };
       spawn(c.reactor(), fail_later);
       c.turns(3);
       c.equal(c.report_texts(), "oops", "what is reported");
       check_it_goes_on(c);
     }},
    {"a task that throws and is awaited is not reported", nothing,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         const auto fail_at_once = []() -> Task<> {
           oops();
           co_return;
         };
         Spawned<void> task = spawn(context.reactor(), fail_at_once);
         const auto outcome = co_await as_outcome(std::move(task));
         context.equal(what_of(outcome), "oops", "what the awaiting one is told");
       });
     }},
    {"what is thrown need not be an exception class", nothing,
     [](Context& c) {
       c.reactor().post([] { throw 42; });
       const DelayedCall timer = c.reactor().call_later(0ns, [] { throw "text"; });
       c.turn();
       c.equal(c.reports().size(), std::size_t{2}, "the number of reports");
       check_it_goes_on(c);
     }},
    {"an errback that a timer's failure reaches keeps it from being reported", nothing,
     [](Context& c) {
       auto [promise, deferred] = make_deferred<int>();
       std::string handled;
       std::move(deferred)
           .add_callback([](int) { oops("in a callback"); })
           .add_errback([&](const std::runtime_error& error) { handled = error.what(); })
           .detach();
       const DelayedCall timer =
           c.reactor().call_later(0ns, [p = std::move(promise)]() mutable { p.callback(1); });
       c.turn();
       c.equal(handled, "in a callback", "what the errback got");
     }},
    {"a callable whose destructor runs at the end of a throwing call sees the reactor in order",
     nothing,
     [](Context& c) {
       class PostsAtEnd {
        public:
         PostsAtEnd(Reactor& reactor, int& calls) noexcept : reactor_(&reactor), calls_(&calls) {}
         PostsAtEnd(PostsAtEnd&& other) noexcept
             : reactor_(std::exchange(other.reactor_, nullptr)), calls_(other.calls_) {}
         PostsAtEnd& operator=(PostsAtEnd&&) = delete;
         ~PostsAtEnd() {
           if (reactor_) reactor_->post([count = calls_] { ++*count; });
         }

        private:
         Reactor* reactor_;
         int* calls_;
       };
       int calls = 0;
       c.reactor().call_later(0ns, [end = PostsAtEnd(c.reactor(), calls)] { oops(); }).detach();
       c.reactor().post([end = PostsAtEnd(c.reactor(), calls)] { oops(); });
       c.turns(2);
       c.equal(calls, 2, "the number of posts that the destructors made");
       c.equal(c.report_texts(), "oops, oops", "what is reported");
     }},
    {"callbacks that throw within run() do not end it", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&] {
         watch = Watch();
         oops("w");
       });
       c.reactor().post([] { oops("p"); });
       const DelayedCall timer = c.reactor().call_later(0ns, [] { oops("t"); });
       c.run_for(2ms);
       c.equal(c.reports().size(), std::size_t{3}, "the number of reports");
     }},
};

}  // namespace

std::span<const ConformanceCase> exception_cases() { return cases_of_exceptions; }

}  // namespace deferred::testing::conformance
