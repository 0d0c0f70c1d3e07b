// SPDX-License-Identifier: MIT
//
// Simulation: a network of machines in virtual time, inside of one process. The programs on it are
// those of production: they connect, listen and serve by io/, and name no network. A seed says all
// that is left to chance. For tests, in the library deferred-testing. Next: node.hpp, link.hpp,
// faults.hpp, for_each_seed.hpp. (FoundationDB, turmoil, madsim)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/results/any_duration.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/faults.hpp"
#include "deferred/testing/link.hpp"
#include "deferred/testing/node.hpp"
#include "deferred/testing/random.hpp"
#include "reactors/virtual_time.hpp"

namespace deferred::testing {

/// A program that does the same for each seed does the same again for the same seed, on every
/// platform: what it draws is to come from random(), and it may not look at a clock but its
/// reactor's, at addresses of objects, or at other threads.
///
///     testing::Simulation sim(17);
///     sim.node("server").spawn(server_main);              // listen("tcp:*:80")
///     auto client = sim.node("client").spawn(client_main);  // connect("tcp:server:80")
///     sim.run_until(std::move(client));
///
/// Of TCP it has what programs see: bytes in order and in time; a window of 64 KiB; the end, half
/// closed too; reset, where a stream is closed with bytes unread, and where bytes come to a peer
/// that is gone; refused, full and slow accepts. Packets that do not get through are sent again as
/// Linux does: a call after 1, 2, 4 ... s, given up after 127 s; data after 0.2, 0.4 ... s, at most
/// 2 min, given up after 15.4 min, so ETIMEDOUT; what a closed stream has left for 102 s. Unix
/// sockets are those of one node, and of streams: to their peers an abort, or a death, is an end.
/// Of UDP: datagrams that get lost, come twice and overtake each other; to nobody, of which one
/// that is connected hears; too large ones.
///
/// At its end the tasks of its nodes are closed, then their streams and listeners. REQUIRES: not
/// destroyed in one of its tasks or callbacks.
class DEFERRED_API Simulation {
 public:
  /// With a reactor of its own, in virtual time.
  explicit Simulation(std::uint64_t seed);
  /// On another. Its tasks that are of no node have no network. Either of the two may end first.
  Simulation(std::uint64_t seed, Reactor& reactor, reactors::VirtualTime& time);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  ~Simulation();

  std::uint64_t seed() const noexcept { return seed_; }
  Reactor& reactor() noexcept { return reactor_; }
  reactors::VirtualTime& time() noexcept { return time_; }
  /// For the load, and for whatever the test draws: what it draws leaves the rest as it is.
  Random& random() noexcept { return random_; }

  /// The machine of this name, which its first use makes: `localhost`, 127.0.0.1 and ::1 to itself
  /// (no other address of 127.0.0.0/8), to the others its name, 10.0.0.N and fd00::N.
  Node& node(std::string_view name);
  /// A name of several, of which a look-up gives all the addresses. Those that are not there yet
  /// are made.
  void name(std::string_view host, const std::vector<std::string>& nodes);

  /// Between two nodes, or within one.
  Link link(std::string_view a, std::string_view b);
  /// Between any two that have nothing of their own.
  Link links();

  /// From now on no packet gets from these to those, nor back: `partition({"a"}, {"b", "c"})`. It
  /// comes on top of those before. What is on its way is lost; of connections that have to send,
  /// it is sent again. An address in the place of a name, "fd00::1", is only that way to a node.
  void partition(const std::vector<std::string>& these, const std::vector<std::string>& those);
  /// All get through again. What was lost comes when it is sent again, and not before.
  void heal();

  /// An object that lives until all tasks are closed, whatever they do then: what they use, and
  /// what is not theirs. The last one made is destroyed first.
  template <class T, class... A>
  T& keep(A&&... arguments) {
    auto kept = std::make_shared<T>(std::forward<A>(arguments)...);
    T& object = *kept;
    kept_.push_back(std::move(kept));
    return object;
  }

  /// From now on all streams are as bad as this.
  void faults(const Faults& faults);
  /// After so many more bytes that `stream` sends the connection breaks. Its peer gets them, and
  /// then ECONNRESET; so does `stream`, at once. Throws std::invalid_argument for what is not a
  /// stream of a simulation, but one over it, or none.
  void reset_after(const io::Stream& stream, std::uint64_t bytes);

  /// Lets virtual time go on until nothing is left that would happen by itself, at most so long;
  /// true if nothing is. Throws std::logic_error if something goes on at one moment without end.
  bool run(AnyDuration limit = std::chrono::hours(1));
  /// Until the task is done. Gives its result, or throws its failure. Throws StuckError, which
  /// lists what the tasks wait for, if it is not done then, or nothing is left that could wake it.
  template <class T>
  T run_until(Spawned<T> task, AnyDuration limit = std::chrono::hours(1)) {
    run_until_true([&task] { return task.done(); }, limit);
    return std::move(task).deferred().result().value();
  }
  /// The same until `done()` is true, which is asked after each turn.
  void run_until_true(const std::function<bool()>& done, AnyDuration limit = std::chrono::hours(1));

  /// What has happened so far, in one number: two runs of the same seed have the same, or something
  /// hangs on more than the seed. When, between whom and how many bytes are in it; the bytes are
  /// not, for those of an encrypted stream are others each time.
  std::uint64_t trace_hash() const noexcept;
  /// How many events that were: arrivals of packets, and what of streams is to be told.
  std::uint64_t events() const noexcept;
  /// From now on writes a line for each, for people: "0.004231846  client > server #3 segment 12".
  /// Null: no more. REQUIRES: `out` lives until then.
  void trace(std::ostream* out);

 private:
  enum class Left : std::uint8_t { done, nothing, time };
  struct Parts;

  [[gnu::visibility("hidden")]] Simulation(std::uint64_t seed, std::unique_ptr<Parts> parts);
  [[gnu::visibility("hidden")]] Left take_turns(const std::function<bool()>& done, Duration limit);

  std::uint64_t seed_;
  std::vector<std::shared_ptr<void>> kept_;
  std::unique_ptr<Parts> parts_;
  reactors::VirtualTime& time_;
  Reactor& reactor_;
  Random random_;
};

}  // namespace deferred::testing
