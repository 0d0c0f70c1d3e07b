// SPDX-License-Identifier: MIT
// Streams, their reactor and their tasks end in any order.
#include <sys/mman.h>

#include <array>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>

#include "deferred/reactor/reactor.hpp"
#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::streams {

/// A reactor whose place is nobody's when it is gone: who uses it then comes to harm.
class BuriedReactor {
 public:
  explicit BuriedReactor(std::unique_ptr<Backend> backend) {
    if (place_ == MAP_FAILED) throw std::bad_alloc();
    try {
      reactor_ = ::new (place_) Reactor(std::move(backend));
    } catch (...) {
      ::munmap(place_, sizeof(Reactor));
      throw;
    }
  }
  BuriedReactor(const BuriedReactor&) = delete;
  BuriedReactor& operator=(const BuriedReactor&) = delete;
  ~BuriedReactor() {
    bury();
    ::munmap(place_, sizeof(Reactor));
  }

  Reactor& operator*() const noexcept { return *reactor_; }
  void bury() noexcept {
    if (!reactor_) return;
    reactor_->~Reactor();
    reactor_ = nullptr;
    ::mprotect(place_, sizeof(Reactor), PROT_NONE);
  }

 private:
  void* place_ =
      ::mmap(nullptr, sizeof(Reactor), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Reactor* reactor_ = nullptr;
};

namespace {

/// The pair's reactor is gone, and then the pair is ended, the near end first or the far one.
template <class Begin>
void outlive(Context& c, Begin begin) {
  for (const bool near_first : {true, false}) {
    BuriedReactor reactor(c.make_backend());
    std::optional<StreamPair> pair;
    c.run_on(*reactor, [&]() -> Task<> {
      pair.emplace(co_await c.connect());
      co_await begin(*pair);
      co_await turns(3);
    });
    reactor.bury();
    Stream& first = near_first ? pair->near : pair->far;
    Stream& last = near_first ? pair->far : pair->near;
    first.close();
    first = Stream();
    last.abort();
    pair.reset();
  }
}

const StreamCase cases_of_lives[] = {
    {"an end that is open can be asked for its name, and its peer's", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       for (Stream* const end : {&p.near, &p.far}) {
         const std::string own = end->local();
         c.check(!end->peer().empty(), "the peer of '" + own + "' has a name, for messages");
       }
     }},
    {"a stream outlives its reactor, and is closed then", nothing,
     [](Context& c) { outlive(c, [](StreamPair&) -> Task<> { co_return; }); }},
    {"a stream that was closed outlives its reactor", nothing,
     [](Context& c) {
       outlive(c, [](StreamPair& pair) -> Task<> {
         pair.near.close();
         pair.far.close();
         co_return;
       });
     }},
    {"a stream outlives its reactor with bytes that nobody has read", nothing,
     [](Context& c) {
       outlive(c, [](StreamPair& pair) -> Task<> { co_await pair.near.write_all("unread"); });
     }},
    {"a stream outlives its reactor, and the tasks that waited on it", nothing,
     [](Context& c) {
       outlive(c, [](StreamPair& pair) -> Task<> {
         spawn(pair.near.write_all(much())).detach();
         spawn(read_to_any_end(pair.near)).detach();
         spawn(pair.far.read_more()).detach();
         co_return;
       });
     }},
    {"whoever waits on another reactor than the stream's is refused, and has done nothing", nothing,
     [](Context& c) {
       std::optional<StreamPair> pair;
       c.run_on(c.reactor(), [&]() -> Task<> { pair.emplace(co_await c.connect()); });
       Reactor other(c.make_backend());
       c.run_on(other, [&]() -> Task<> {
         std::array<char, 4> room;
         const auto refused = [&c](const auto& outcome, const char* what) {
           c.check(outcome.template check<std::logic_error>() != nullptr,
                   std::string(what) + " is a std::logic_error: " + what_of(outcome));
         };
         const auto some = co_await as_outcome(pair->far.read_some(room));
         const auto exactly = co_await as_outcome(pair->far.read_exactly(room));
         const auto more = co_await as_outcome(pair->far.read_more());
         const auto to_end = co_await as_outcome(pair->far.read_to_end());
         const auto all = co_await as_outcome(pair->near.write_all("lost"));
         const auto part = co_await as_outcome(pair->near.write_some("lost"));
         refused(some, "read_some");
         refused(exactly, "read_exactly");
         refused(more, "read_more");
         refused(to_end, "read_to_end");
         refused(all, "write_all");
         refused(part, "write_some");
       });
       c.run_on(c.reactor(), [&]() -> Task<> {
         co_await pair->near.write_all("hello");
         const std::string got = co_await take(pair->far, 5);
         c.equal(got, "hello", "what is read on its own reactor");
         pair.reset();
         co_await c.rest();
       });
     }},
    {"both ends end in any order, waited on or not, and nothing is left", nothing,
     [](Context& c) -> Task<> {
       for (int i = 0; i < 16; ++i) {
         StreamPair p = co_await c.connect();
         if (i & 1) spawn(read_to_any_end(p.far)).detach();
         if (i & 2) co_await p.near.write_all("unread");
         if (i & 1) co_await turns(i);
         Stream& first = i & 4 ? p.near : p.far;
         if (i & 8) {
           first.abort();
         } else {
           first = Stream();
         }
       }
     }},
};

}  // namespace

std::span<const StreamCase> life_cases() { return cases_of_lives; }

}  // namespace deferred::testing::streams
