// SPDX-License-Identifier: MIT
#include "deferred/io/run.hpp"

#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "deferred/tasks/nursery.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io {
namespace {

// A child that does not read all is no error.
Task<> give(Stream& input, std::string_view text) {
  try {
    co_await input.write_all(text);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::broken_pipe) throw;
  }
  input.close();
}

Task<> collect(Stream& from, std::size_t limit, std::string& into) {
  into = co_await from.read_to_end(limit);
}

Task<Completed> complete(Process& child, const RunOptions& options) {
  std::string output;
  std::string errors;
  const auto streams = [&](Nursery& nursery) -> Task<> {
    if (child.input.is_open()) nursery.spawn(give(child.input, options.given));
    if (child.output.is_open()) nursery.spawn(collect(child.output, options.limit, output));
    if (child.errors.is_open()) nursery.spawn(collect(child.errors, options.limit, errors));
    co_return;
  };
  co_await with_nursery(streams);
  const Exit exit = co_await child.wait();
  co_return Completed(exit, std::move(output), std::move(errors));
}

}  // namespace

Task<Completed> run(Command command, RunOptions options) {
  co_await cancel_point;
  if (!options.given.empty() && options.input != Standard::pipe) {
    throw std::invalid_argument("run: what is given needs an input that is a pipe");
  }
  Process child = Process::start(std::move(command), options);
  std::exception_ptr error;
  try {
    co_return co_await complete(child, options);
  } catch (...) {
    error = std::current_exception();
  }
  co_await child.terminate(options.grace);
  std::rethrow_exception(error);
}

}  // namespace deferred::io
