// SPDX-License-Identifier: MIT
#include "deferred/testing/streams/context.hpp"

#include <system_error>
#include <utility>

#include "deferred/yieldables/pause.hpp"

namespace deferred::testing {

Task<StreamPair> StreamContext::connect() const {
  StreamPair pair = co_await tried_.make(Reactor::current());
  if (swapped_) std::swap(pair.near, pair.far);
  co_return pair;
}

// Turns for what is only handed on, and time for what takes some.
Task<> StreamContext::rest() const {
  for (int turn = 0; turn < 4; ++turn) co_await Pause{};
  co_await Pause{tried_.rest};
  co_await Pause{};
}

void StreamContext::require_error(const Failure& failure, std::string_view operation,
                                  const std::string& peer, SourceLocation where) const {
  const std::string begin = std::string(operation) + peer;
  check(static_cast<bool>(failure), "there is an error, '" + begin + "...'", where);
  const std::string text = failure.what();
  check(failure.check<std::system_error>() != nullptr, "'" + text + "' is a std::system_error",
        where);
  check(text.starts_with(begin), "'" + text + "' begins with '" + begin + "'", where);
}

StreamContext::Limit::Limit(const StreamContext& context, Reactor& reactor)
    : over_(reactor.call_later(context.limit_, [&context, &reactor] {
        context.base_.note_failure("it does not end; its tasks:\n" + reactor.dump_tasks());
        reactor.stop();
      })) {}

}  // namespace deferred::testing
