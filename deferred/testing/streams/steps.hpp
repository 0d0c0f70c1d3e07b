// SPDX-License-Identifier: MIT
//
// What the cases of the stream conformance kit do with streams.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "deferred/io/errors.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/testing/streams/context.hpp"

namespace deferred::testing::streams {

using io::Errc;
using io::Stream;
using Context = StreamContext;
using conformance::failed_with;
using conformance::pattern;
using conformance::what_of;
using enum StreamTrait;

/// What errors begin with.
inline constexpr const char* reading = "read from ";
inline constexpr const char* writing = "write to ";
inline constexpr const char* shutting_down = "shut down writing to ";

/// More than any stream keeps whose writer ever waits: StreamTrait::clogs.
const std::string& much();

/// So many turns for the others.
Task<> turns(int count);
/// Reads until there are so many bytes, or the end; at most so many at once.
Task<std::string> take(Stream& stream, std::size_t count, std::size_t at_once = 7000);
Task<std::string> take_some(Stream& stream, std::size_t at_most);
/// A task's own copy is written.
Task<> put(Stream& stream, std::string text);
Task<> put_in_pieces(Stream& stream, std::string text, std::size_t piece);
Task<> put_and_close(Stream& stream, std::string text);
/// Writes until no more is taken, each time a part of `text`, and gives what was.
Task<std::string> fill(const Context& c, Stream& stream, std::string_view text);
/// One that waits to write, as far as can be told: a kernel may find room after all. What it and
/// others have written is put behind `expected`.
Task<Spawned<void>> stuck_writer(const Context& c, Stream& stream, std::string& expected);
/// Reads and drops until no more comes.
Task<> drain(const Context& c, Stream& stream);
/// Reads and drops until the end, or an error.
Task<> read_to_any_end(Stream& stream);

}  // namespace deferred::testing::streams
