// SPDX-License-Identifier: MIT
//
// Every await of io that may read, write, connect or accept is a cancel point, whether it would
// have to wait or not; and one that is cut has done nothing.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "deferred/io/connect.hpp"
#include "deferred/io/descriptor_passing.hpp"
#include "deferred/io/length_prefixed.hpp"
#include "deferred/io/lines.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/io/names.hpp"
#include "deferred/io/netstring.hpp"
#include "deferred/io/run.hpp"
#include "deferred/io/serve.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/readable.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Listener;
using io::Stream;

namespace {

/// An await, alone in a coroutine.
struct Await {
  std::string name;
  Task<> (*wait)(Stream& stream, Listener& listener);
};

const std::vector<Await> awaits = {
    {"read_some",
     [](Stream& stream, Listener&) -> Task<> {
       std::array<char, 8> buffer;
       static_cast<void>(co_await stream.read_some(buffer));
     }},
    {"read_some, as a task",
     [](Stream& stream, Listener&) -> Task<> {
       std::array<char, 8> buffer;
       Task<std::size_t> read = stream.read_some(buffer);
       co_await std::move(read);
     }},
    {"read_more", [](Stream& stream, Listener&) -> Task<> { co_await stream.read_more(); }},
    {"read_to_end", [](Stream& stream, Listener&) -> Task<> { co_await stream.read_to_end(); }},
    {"read_exactly",
     [](Stream& stream, Listener&) -> Task<> {
       std::array<char, 8> buffer;
       co_await stream.read_exactly(buffer);
     }},
    {"read_netstring",
     [](Stream& stream, Listener&) -> Task<> {
       static_cast<void>(co_await io::read_netstring(stream));
     }},
    {"receive_with_descriptors",
     [](Stream& stream, Listener&) -> Task<> {
       std::array<char, 8> buffer;
       static_cast<void>(co_await io::receive_with_descriptors(stream, buffer));
     }},
    {"waiting for readiness",
     [](Stream& stream, Listener&) -> Task<> { co_await stream.transport().readable().wait(); }},
    {"write_some",
     [](Stream& stream, Listener&) -> Task<> {
       static_cast<void>(co_await stream.write_some("lost"));
     }},
    {"write_some, as a task",
     [](Stream& stream, Listener&) -> Task<> {
       Task<std::size_t> write = stream.write_some("lost");
       co_await std::move(write);
     }},
    {"send_with_descriptors",
     [](Stream& stream, Listener&) -> Task<> {
       co_await io::send_with_descriptors(stream, "lost", std::span<const int>());
     }},
    {"read_line",
     [](Stream& stream, Listener&) -> Task<> {
       static_cast<void>(co_await io::read_line(stream, 4));
     }},
    {"read_prefixed",
     [](Stream& stream, Listener&) -> Task<> {
       static_cast<void>(co_await io::read_prefixed<std::uint8_t>(stream, 4));
     }},
    {"write_prefixed",
     [](Stream& stream, Listener&) -> Task<> {
       co_await io::write_prefixed<std::uint8_t>(stream, "lost");
     }},
    {"write_all", [](Stream& stream, Listener&) -> Task<> { co_await stream.write_all("lost"); }},
    {"write_all, as a task",
     [](Stream& stream, Listener&) -> Task<> {
       Task<> write = stream.write_all("lost");
       co_await std::move(write);
     }},
    {"write_all of nothing",
     [](Stream& stream, Listener&) -> Task<> { co_await stream.write_all(""); }},
    {"shutdown_write",
     [](Stream& stream, Listener&) -> Task<> { co_await stream.shutdown_write(); }},
    {"accept",
     [](Stream&, Listener& listener) -> Task<> { static_cast<void>(co_await listener.accept()); }},
    {"accept on localhost",
     [](Stream&, Listener&) -> Task<> {
       Listener local = io::listen("localhost", 0);
       static_cast<void>(co_await local.accept());
     }},
    {"serve",
     [](Stream&, Listener& listener) -> Task<> {
       co_await io::serve(listener, [](Stream) -> Task<> { co_return; });
     }},
    {"connect",
     [](Stream&, Listener& listener) -> Task<> {
       static_cast<void>(co_await io::connect("127.0.0.1", listener.port()));
     }},
    {"connect to an endpoint",
     [](Stream&, Listener& listener) -> Task<> {
       static_cast<void>(co_await io::connect("tcp:" + listener.local()));
     }},
    {"connect to what is no endpoint",
     [](Stream&, Listener&) -> Task<> { static_cast<void>(co_await io::connect("nothing")); }},
    {"connect to what is no address",
     [](Stream&, Listener&) -> Task<> {
       static_cast<void>(co_await io::connect("no address", 1));
     }},
    {"looking up a name",
     [](Stream&, Listener&) -> Task<> {
       static_cast<void>(co_await io::names::look_up("localhost"));
     }},
    {"run", [](Stream&, Listener&) -> Task<> { static_cast<void>(co_await io::run({"true"})); }},
    {"waiting for a child that has ended",
     [](Stream&, Listener&) -> Task<> {
       io::Process child = io::Process::start({"true"});
       static_cast<void>(co_await child.wait());
     }},
    {"read_some of a stream without a connection",
     [](Stream&, Listener&) -> Task<> {
       Stream none;
       std::array<char, 8> buffer;
       static_cast<void>(co_await none.read_some(buffer));
     }},
    {"write_some of a stream without a connection",
     [](Stream&, Listener&) -> Task<> {
       Stream none;
       static_cast<void>(co_await none.write_some("lost"));
     }},
    {"shutdown_write of a stream without a connection",
     [](Stream&, Listener&) -> Task<> {
       Stream none;
       co_await none.shutdown_write();
     }},
    {"read_more of a stream without a connection",
     [](Stream&, Listener&) -> Task<> {
       Stream none;
       co_await none.read_more();
     }},
};

/// What an await finds.
enum class There { nothing, in_the_kernel, in_the_buffer };
const std::vector<There> all_there = {There::nothing, There::in_the_kernel, There::in_the_buffer};

Task<> cancelled(const Await& await, Stream& stream, Listener& listener) {
  TaskRef self = co_await current_task;
  self.cancel();
  co_await await.wait(stream, listener);
}

/// Cuts the await as it begins, and looks whether all is there still.
Task<> cut(const Await& await, There there) {
  Ends ends = co_await connected(Reactor::current());
  Listener listener = io::listen("127.0.0.1", 0);
  Stream waiting;
  if (there != There::nothing) {
    waiting = co_await io::connect("127.0.0.1", listener.port());
    co_await Readable{listener.acceptor().descriptor()};
    co_await ends.far.write_all("5:hello,");
    co_await Readable{ends.near.transport().descriptor()};
  }
  if (there == There::in_the_buffer) co_await ends.near.read_more();

  auto spawned = spawn(cancelled, std::cref(await), std::ref(ends.near), std::ref(listener));
  const Outcome<void> outcome = co_await as_outcome(std::move(spawned));

  CHECK(outcome.check<Cancelled>());
  if (there != There::nothing) {
    const auto text = co_await io::read_netstring(ends.near);
    CHECK(text == "hello");
    const Stream accepted = co_await listener.accept();
    CHECK(accepted.peer() == waiting.local());
  }
  ends.near.close();
  const std::string written = co_await ends.far.read_to_end();
  CHECK(written.empty());
}

TEST_CASE("every await of io is a cancel point, and does nothing when it is cut") {
  for (const Await& await : awaits) {
    for (const There there : all_there) {
      CAPTURE(await.name);
      CAPTURE(static_cast<int>(there));
      const Unhandled unhandled;
      Reactor reactor;
      reactor.run_until(cut(await, there));
    }
  }
}

TEST_CASE("a one-shot cancel before an await of io is kept for one that waits") {
  const Unhandled unhandled;
  Reactor reactor;
  const bool done = reactor.run_until([]() -> Task<bool> {
    Ends ends = co_await connected(Reactor::current());
    co_await ends.far.write_all("hello");
    co_await Readable{ends.near.transport().descriptor()};
    TaskRef self = co_await current_task;

    self.cancel_once();
    const bool more = co_await ends.near.read_more();
    CHECK(more);
    CHECK(ends.near.buffered() == "hello");
    const Outcome<bool> next = co_await as_outcome(ends.near.read_more());

    CHECK(next.check<Cancelled>());
    co_return true;
  }());
  CHECK(done);
}

}  // namespace
