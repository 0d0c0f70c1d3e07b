// SPDX-License-Identifier: MIT
// The proof of the stream conformance kit: transports with one fault each, and the cases that catch
// them.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "deferred/testing/memory_pipe.hpp"
#include "deferred/testing/stream_conformance_doctest.hpp"
#include "tests/streams/faulty_transports.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace deferred::testing::faulty_transports;
using namespace std::chrono_literals;

namespace {

template <class T>
StreamPair both_of(StreamPair pair) {
  io::Stream near = io::make_stream<T>(std::move(pair.near));
  io::Stream far = io::make_stream<T>(std::move(pair.far));
  return StreamPair(std::move(near), std::move(far));
}
template <class T>
StreamPair in_memory(Reactor& reactor) {
  return both_of<T>(memory_pipe(reactor));
}
template <class T>
Task<StreamPair> over_unix(Reactor&) {
  static int number = 0;
  const std::string name = std::to_string(::getpid()) + "-" + std::to_string(++number);
  StreamPair pair = co_await connected_pair("unix:@deferred-mutant-" + name);
  co_return both_of<T>(std::move(pair));
}

template <class T>
Task<StreamPair> over_tcp(Reactor&) {
  StreamPair pair = co_await connected_pair("127.0.0.1:0");
  co_return both_of<T>(std::move(pair));
}

struct Mutant {
  const char* does;
  MakeStreamPair make;
  std::vector<const char*> caught_by;  // cases that have to fail
};

const char* const small_pieces =
    "what is written in any pieces is read in any pieces, in order and whole";
const char* const peer_gone = "writing to a peer that is gone becomes an error, and stays one";
const char* const when_ready =
    "bytes, an end and room that are there when a wait begins are reported, in a later turn";

const Mutant mutants[] = {
    {"reads for a reader that was cut off, and drops it",
     in_memory<WithReadable<ReadsForTheDead>>,
     {"bytes that come when a read has been cut are the next reader's"}},
    {"forgets what it has when somebody waits",
     over_unix<ForgetsWhatItHas>,
     {"a message that has come whole is read byte by byte, to its last",
      "bytes that are left by a short read are reported to who waits next"}},
    {"drops the rest of what it read", in_memory<DropsTheRestOfARead>, {small_pieces}},
    {"counts a byte too few", in_memory<CountsOneTooFew>, {small_pieces}},
    {"says that it is drained, always",
     in_memory<IsAlwaysDrained>,
     {"a transport is drained only if nothing is left in it or below"}},
    {"clears a bit of each byte",
     in_memory<ReadsSevenBits>,
     {"each value that a byte may have comes through"}},
    {"reports inside arm()", in_memory<WithReadable<ReportsInsideArm>>, {when_ready}},
    {"looks at what is below for one wait only",
     in_memory<WithReadable<LooksOnce>>,
     {"each wait for bytes is woken, however many there were"}},
    {"reports all the time",
     in_memory<WithReadable<ReportsAllTheTime>>,
     {"who waits costs next to no processor time"}},
    {"is never writable",
     in_memory<IsNeverWritable>,
     {"each wait for room is woken, however many there were", when_ready}},
    {"has one wake-up for both directions",
     in_memory<WakesOneOnly>,
     {"one waits to read and one to write on the same end, and each has its own wake-up"}},
    {"ends both directions when one has ended",
     in_memory<EndsBothAtTheEnd>,
     {"after shutdown_write the peer reads the end, and can still write",
      "both ways end, one after the other"}},
    {"stops reading when it shuts down writing",
     in_memory<StopsReadingAtShutdown>,
     {"after shutdown_write the peer reads the end, and can still write"}},
    {"has a byte behind the end", in_memory<GoesOnBehindTheEnd>, {"the end stays the end"}},
    {"takes the end for an error",
     in_memory<TakesTheEndForAnError>,
     {"what was written before close() is read, and then the end"}},
    {"takes writes after shutdown_write",
     in_memory<TakesWritesAfterShutdown>,
     {"after shutdown_write nothing more is written: that is an error each time"}},
    {"says after an error of reading that it was the end",
     in_memory<ForgetsAReadError>,
     {"an abort is an error to one who waits to read, and stays one",
      "behind an abort comes nothing but an error, again and again"}},
    {"takes writes after an error", in_memory<ForgetsAWriteError>, {peer_gone}},
    {"does not name its peer in an error", in_memory<NamesNobody>, {peer_gone}},
    {"throws what is no std::system_error", in_memory<ThrowsWhatItLikes>, {peer_gone}},
    {"is silent of an error that is there when a wait begins",
     over_tcp<WithReadable<IsSilentOfErrors>>,
     {"an abort that has come is reported to who begins to wait, for bytes or for room"}},
    {"has no name",
     in_memory<HasNoName>,
     {"an end that is open can be asked for its name, and its peer's"}},
    {"claims more than it takes",
     in_memory<ClaimsMoreThanItTakes>,
     {"what write_some has taken goes out by itself, and no more than that"}},
    {"takes nothing, where it would have to wait",
     in_memory<TakesNothingWhereItWouldBlock>,
     {"what is written behind a part that was taken may be anything"}},
    {"sends what it had refused, in the place of the next",
     in_memory<SendsWhatItRefused>,
     {"what is written behind a part that was taken may be anything"}},
    {"sends what was cut off",
     in_memory<SendsWhatWasCut>,
     {"write_some that is cut has taken nothing, and the next goes on"}},
    {"keeps what nobody brings to the kernel",
     in_memory<SaysThatItHasFlushed>,
     {"a byte that is written is read"}},
    {"shuts down before what it keeps has gone",
     in_memory<ShutsDownBeforeItFlushes>,
     {"what was written, or taken, before shutdown_write arrives before the end"}},
    {"closes what is below at its end only",
     in_memory<ClosesAtItsEndOnly>,
     {"what was written before close() is read, and then the end"}},
    {"closes its descriptor again at its end",
     over_unix<ClosesItsDescriptorTwice>,
     {"after close() nothing below is touched, whoever has its number by then"}},
    {"says a clean end where it is aborted",
     in_memory<AbortsPolitely>,
     {"an abort is an error to one who waits to read, and stays one"}},
    {"says an error where it is closed",
     in_memory<ClosesRudely>,
     {"what was written before close() is read, and then the end"}},
    {"uses its reactor when it is closed, though that is gone",
     in_memory<UsesItsReactorAtTheEnd>,
     {"a stream outlives its reactor, and is closed then"}},
};
static_assert(std::size(mutants) >= 25);

StreamUnderTest with(const Mutant& mutant) {
  StreamUnderTest tried;
  tried.name = "mutant";
  tried.make = mutant.make;
  tried.reactor = in_virtual_time();
  return tried;
}

const StreamCase& case_of(const std::string& name) {
  for (const StreamCase& one : stream_cases()) {
    if (one.name == name) return one;
  }
  throw std::logic_error("there is no case '" + name + "'");
}

}  // namespace

TEST_CASE("without a fault the mutants' transports conform") {
  const Mutant right[] = {
      {"nothing else", in_memory<DecoratedTransport>, {}},
      {"nothing else", in_memory<WithReadable<PassesAll>>, {}},
  };
  for (const Mutant& mutant : right) {
    StreamUnderTest tried = with(mutant);
    tried.name = "mutants-without-a-fault";
    check_stream(tried);
  }
}

TEST_CASE("every faulty transport is caught by the cases that are meant for it") {
  ConformanceOptions options;
  options.isolate = true;
  options.limit = 500ms;  // what spins takes twice that; what hangs takes no time
  std::size_t caught = 0;
  for (const Mutant& mutant : mutants) {
    bool by_all = true;
    for (const char* name : mutant.caught_by) {
      const CaseResult result = run_stream_case(with(mutant), case_of(name), options);
      const bool by_this = result.verdict == Verdict::failed;
      by_all = by_all && by_this;
      std::printf("%s: a transport that %s\n    %s: %s\n", by_this ? "caught" : "SURVIVES",
                  mutant.does, name, result.reason.substr(0, result.reason.find('\n')).c_str());
      std::fflush(stdout);
      const std::string which = std::string(mutant.does) + ": " + name;
      CHECK_MESSAGE(by_this, which);
    }
    caught += by_all;
  }
  std::printf("faulty transports: %zu of %zu caught\n", caught, std::size(mutants));
}
