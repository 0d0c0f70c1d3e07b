// SPDX-License-Identifier: MIT
//
// faulty: any stream, on which something goes wrong at a chosen operation; at_every_step: what does
// a protocol do when it goes wrong at each of them? For tests, in the library deferred-testing.
// (seastar, SQLite: each call fails once)
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/results/any_duration.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/testing/stream_pair.hpp"

namespace deferred::testing {

/// What goes wrong. The first two do no harm: whoever reads and writes is owed the same result.
enum class StreamFault : std::uint8_t {
  would_block,  ///< It has to wait, once, though it need not.
  one_byte,     ///< A read or write moves one byte.
  error,        ///< It fails, and so does all that follows in its direction.
  end,          ///< A read comes to the end, a write to a peer that is gone (EPIPE), for good.
};
/// "would_block"
DEFERRED_API const char* name_of(StreamFault fault) noexcept;

/// When it goes wrong. The operations of a stream, of both directions, are numbered from 0: each
/// time it is asked to read, to write, to bring what was written to the kernel, or to shut down.
struct FaultPlan {
  StreamFault fault = StreamFault::would_block;
  std::size_t at = 0;
  /// From that operation on: each has to wait once, and each moves one byte.
  bool from_then_on = false;
  /// What StreamFault::error fails with.
  std::error_code error = std::make_error_code(std::errc::connection_reset);
  /// Where the operations are counted; nowhere if it is null. The stream keeps it.
  std::shared_ptr<std::size_t> operations;
};

/// The same stream, on which it goes wrong. What is below, and so the other end, learns of an error
/// or an end when it is closed. REQUIRES: as DecoratedTransport.
DEFERRED_API io::Stream faulty(io::Stream stream, const FaultPlan& plan);

/// What is tried by at_every_step(): uses the pair, one end of which is faulty, and checks; what it
/// throws says that something is wrong, but see there. It is called again and again, and lives as
/// long.
using StreamScenario = std::function<Task<>(StreamPair& pair, const FaultPlan& plan)>;

struct EveryStepOptions {
  std::vector<StreamFault> faults = {StreamFault::would_block, StreamFault::one_byte,
                                     StreamFault::error, StreamFault::end};
  std::error_code error = std::make_error_code(std::errc::connection_reset);
  bool near = true;  ///< Runs in which the near end is the faulty one.
  bool far = true;   ///< And the far one.
  /// A run that takes longer does not end: its tasks are listed, and it is cancelled. In virtual
  /// time a long one costs nothing.
  AnyDuration limit = std::chrono::seconds(10);
  /// A scenario with more operations than that does not come to its end: that is a fault.
  std::size_t most = 10'000;
};

struct EveryStepReport {
  std::size_t runs = 0;             ///< That were made.
  std::vector<std::string> faults;  ///< "near, one_byte at 3: read from ...: it was cut short"
  /// "212 runs, 0 faults", and the faults, a line each.
  DEFERRED_API std::string summary() const;
};

/// Runs `scenario` on a fresh pair for each fault, each end, and each operation of that end, until
/// there is none of that number; one run after the other, on the running reactor:
/// `reactor.run_until(at_every_step(make, scenario))`. These are faults:
/// - it does not end;
/// - it throws, whatever that is; but with StreamFault::error and StreamFault::end it may throw a
///   std::system_error;
/// - it leaves a task, a timer or a watched descriptor behind.
///
/// Throws what `make` throws.
DEFERRED_API Task<EveryStepReport> at_every_step(MakeStreamPair make, StreamScenario scenario,
                                                 EveryStepOptions options = {});

}  // namespace deferred::testing
