// SPDX-License-Identifier: MIT
//
// The stream conformance kit: small cases that say what a stream has to do, and so the laws of
// io::Transport, run on streams of any kind and on any backend. For who writes a transport. Knows
// no test framework. The fronts: stream_conformance_doctest.hpp for doctest,
// stream_conformance_main.hpp for a program of its own. The cases: deferred/testing/streams/, in
// the library deferred-testing. (trio: check_one_way_stream, check_two_way_stream,
// check_half_closeable_stream)
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/testing/reactor_conformance.hpp"
#include "deferred/testing/stream_pair.hpp"

namespace deferred::testing {

/// What a kind of stream is. A case that is about more is skipped, and told as such.
enum class StreamTrait : unsigned {
  nothing = 0,
  /// Both ends read and write, and all is tried with either as the writer. Without it the near one
  /// writes and the far one reads.
  two_ways = 1,
  /// shutdown_write() ends what its end writes, and nothing else.
  half_close = 2,
  /// A writer waits when nobody reads, before it is 32 MiB ahead.
  clogs = 4,
  /// abort() is an error to the peer, and no end.
  reset = 8,
};

constexpr StreamTrait operator|(StreamTrait a, StreamTrait b) noexcept {
  return static_cast<StreamTrait>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr StreamTrait operator&(StreamTrait a, StreamTrait b) noexcept {
  return static_cast<StreamTrait>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
/// All of it, as TCP has it.
constexpr StreamTrait whole_stream =
    StreamTrait::two_ways | StreamTrait::half_close | StreamTrait::clogs | StreamTrait::reset;

/// poll(2) in real time; and virtual time, where a case takes none. In the latter a transport may
/// use descriptors, but no threads.
DEFERRED_API ReactorUnderTest on_poll();
DEFERRED_API ReactorUnderTest in_virtual_time();

/// The kind of stream that is to be tried.
struct StreamUnderTest {
  std::string name;     ///< Of the report: "tcp".
  MakeStreamPair make;  ///< Two connected ends, fresh ones at each call. They keep some bytes that
                        ///< nobody has read yet: 64 at least.
  StreamTrait traits = whole_stream;
  ReactorUnderTest reactor = on_poll();  ///< On what the cases run; its name is in the report.
  /// How long it takes at most until what was written, or a close, has come to the other end.
  /// Cases wait as long before they look at what others have done meanwhile.
  Duration rest = std::chrono::milliseconds(2);
  std::map<std::string, std::string, std::less<>> skip;  ///< Name of a case: why it is not run.
};

class StreamContext;

/// What a case does: a coroutine on the case's reactor, or a function that runs it itself.
class StreamCaseBody {
 public:
  using InTask = Task<> (*)(StreamContext&);
  using Outside = void (*)(StreamContext&);
  template <class F>
    requires(std::is_convertible_v<F, InTask> || std::is_convertible_v<F, Outside>)
  StreamCaseBody(F f) {
    if constexpr (std::is_convertible_v<F, InTask>) {
      in_task = f;
    } else {
      outside = f;
    }
  }
  InTask in_task = nullptr;  // one of the two
  Outside outside = nullptr;
};

/// One sentence of the contract, with the code that tries it.
struct StreamCase {
  const char* name;  ///< "the end stays the end"
  StreamTrait needs;
  StreamCaseBody body;
  const char* group = "";  ///< "ends"
};

/// All cases, in the order they are run.
DEFERRED_API const std::vector<StreamCase>& stream_cases();

struct StreamReport {
  struct Line {
    const StreamCase* of;
    CaseResult result;
  };
  std::vector<Line> lines;

  DEFERRED_API std::size_t count(Verdict verdict) const noexcept;
  /// "conformance NAME: N passed, N failed, N skipped"
  DEFERRED_API std::string summary(const std::string& name) const;
};

/// Runs one case, each time on a fresh reactor: with the ends as they were made and, of two ways,
/// the other way round. Fails too if it does not end, telling what its tasks wait for; if it leaves
/// a timer, a watch, a post, a task or a descriptor behind, or a failure that nobody handled.
DEFERRED_API CaseResult run_stream_case(const StreamUnderTest& tried, const StreamCase& one,
                                        const ConformanceOptions& options = {});

/// Runs all cases, and prints a line for each that failed or was skipped, and the summary. Throws
/// std::invalid_argument if the filter lets no case pass, or a name of `skip` is no case's.
DEFERRED_API StreamReport run_stream_conformance(const StreamUnderTest& tried,
                                                 const ConformanceOptions& options = {});

}  // namespace deferred::testing
