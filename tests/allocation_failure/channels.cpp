// SPDX-License-Identifier: MIT
//
// Events, permits, channels, and so many at once.
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

const std::string long_text = "an item that is longer than what a string holds in place";

void events(Reactor& reactor) {
  Event event;
  const auto body = [&]() -> Task<> {
    co_await event;
    event.clear();
    co_await event;
  };
  Spawned<void> task = spawn(reactor, body);
  const ClosedAtEnd closed(task.task());
  turns(reactor, 2);
  event.set();
  turns(reactor, 2);
  event.set();
  right(event.is_set(), "what was set is not");
  has_value_or_no_memory(end_of(reactor, std::move(task)));
}

void semaphores(Reactor& reactor) {
  Semaphore semaphore(1);
  const auto body = [&]() -> Task<> {
    const Permit permit = co_await semaphore.acquire();
    right(permit.held(), "a permit is none");
  };
  std::optional<Permit> held = semaphore.try_acquire();
  Spawned<void> task = spawn(reactor, body);
  const TaskRef ref = task.task();
  const ClosedAtEnd closed(ref);
  turns(reactor, 2);
  right(ref.done() || semaphore.waiting() == 1, "who waits is not in the line");
  held->release();
  has_value_or_no_memory(end_of(reactor, std::move(task)));
  right(semaphore.available() == 1, "a permit is lost");
}
void locks(Reactor& reactor) {
  Lock lock;
  const auto work = []() -> Task<int> {
    co_await Pause{1ms};
    co_return 3;
  };
  const auto body = [&]() -> Task<int> {
    const auto other = [&]() -> Task<> { static_cast<void>(co_await with_lock(lock, work)); };
    Spawned<void> spawned = spawn(other);
    const ClosedAtEnd closed(spawned.task());
    const int got = co_await with_lock(lock, work);
    co_await std::move(spawned);
    co_return got;
  };
  has_value_or_no_memory(end_of(reactor, body), 3);
  turn_until(reactor, [&] { return !lock.locked(); });
  right(!lock.locked(), "a lock is left locked");
}

// An item that cannot be sent is the sender's, and may be sent again.
void sends(Reactor& reactor) {
  Channel<std::string> channel(1);
  std::string items[] = {long_text, long_text, long_text};
  const auto body = [&]() -> Task<> {
    for (std::string& item : items) {
      try {
        co_await channel.send(std::move(item));
      } catch (const std::bad_alloc&) {
        right(item == long_text, "an item that could not be sent is lost");
      }
    }
  };
  Spawned<void> task = spawn(reactor, body);
  const TaskRef ref = task.task();
  const ClosedAtEnd closed(ref);
  std::size_t got = 0;
  turn_until(reactor, [&] {
    if (channel.try_receive()) ++got;
    return ref.done() && channel.size() == 0;
  });
  right(channel.capacity() == 1 && channel.size() == 0, "an item is left");
  for (const std::string& item : items) got += item == long_text ? 1U : 0U;
  right(got == 3, "an item is lost");
  has_value_or_no_memory(end_of(reactor, std::move(task)));
}
void receives(Reactor& reactor) {
  Channel<std::string> channel(0);
  std::string item = long_text;
  const auto body = [&]() -> Task<std::string> {
    std::optional<std::string> got;
    while (!got) {
      try {
        got = co_await channel.receive();
      } catch (const std::bad_alloc&) {
      }
    }
    co_return *std::move(got);
  };
  Spawned<std::string> task = spawn(reactor, body);
  const TaskRef ref = task.task();
  const ClosedAtEnd closed(ref);
  turns(reactor, 2);
  if (!ref.done()) right(channel.try_send(std::move(item)), "who waits gets nothing");
  has_value_or_no_memory(end_of(reactor, std::move(task)), long_text);
}
void hand_over(Reactor& reactor) {
  Channel<std::string> channel(0);
  const auto body = [&]() -> Task<std::string> {
    const auto other = [&channel]() -> Task<> {
      std::string item = long_text;
      co_await channel.send(std::move(item));
    };
    const Spawned<void> spawned = spawn(other);
    const ClosedAtEnd closed(spawned.task());
    const auto got = co_await with_timeout(1ms, channel.receive());
    co_return got.value_or("nothing");
  };
  const Outcome<std::string> outcome = end_of(reactor, body);
  const bool late = allocation_failed() && outcome.check<TimeoutError>();  // it was not sent
  if (!late) has_value_or_no_memory(outcome, long_text);
}
// Those that wait are told, if not of what then of that.
void closes(Reactor& reactor) {
  Channel<std::string> channel(0);
  std::string item = long_text;
  const auto body = [&]() -> Task<> { co_await channel.send(std::move(item)); };
  Spawned<void> task = spawn(reactor, body);
  const ClosedAtEnd closed(task.task());
  turns(reactor, 2);
  channel.close();
  right(channel.is_closed(), "what was closed is not");
  const Outcome<void> outcome = end_of(reactor, std::move(task));
  right(out_of_memory(outcome) || outcome.check<ChannelClosedError>(), "another error");
  right(item == long_text, "an item that was not sent is lost");
  const Outcome<void> late = end_of(reactor, body);
  right(out_of_memory(late) || late.check<ChannelClosedError>(), "another error");
}

void remote_senders(Reactor& reactor) {
  Channel<std::string> channel(2);
  const RemoteSender<std::string> sender = channel.remote_sender(reactor);
  std::size_t sent = 0;
  std::string item = long_text;
  for (int i = 0; i < 3; ++i) {
    try {
      if (sender.try_send(std::move(item))) {
        ++sent;
        item = long_text;
      }
    } catch (const std::bad_alloc&) {
      if (item.empty()) item = long_text;
    }
  }
  try {
    if (sent < 2 && sender.send(std::move(item))) ++sent;
  } catch (const std::bad_alloc&) {
  }
  right(!sender.is_closed(), "a channel is closed by a lack of memory");
  turns(reactor, 1);
  right(channel.size() == sent, "an item is lost on its way");
}

void some_at_once(Reactor& reactor) {
  const std::vector<int> items = {1, 2, 3};
  int sum = 0;
  const auto work = [&sum](int item) -> Task<> {
    co_await Pause{1ms};
    sum += item;
  };
  const Outcome<void> outcome =
      end_of(reactor, [&]() -> Task<> { co_await for_each_at_most(2, items, work); });
  has_value_or_no_memory(outcome);
  right(!outcome.has_value() || sum == 6, "an item is left out");
}

}  // namespace

Programs channel_programs() {
  return {
      {"Event",
       {"co_await deferred::Event", "deferred::Event::set()", "deferred::Event::clear()",
        "deferred::Event::is_set()"},
       &events},
      {"Semaphore and Permit",
       {"co_await deferred::Acquire", "deferred::Acquire::Acquire()",
        "deferred::Semaphore::Semaphore()", "deferred::Semaphore::acquire()",
        "deferred::Semaphore::try_acquire()", "deferred::Semaphore::available()",
        "deferred::Semaphore::waiting()", "deferred::Permit::held()",
        "deferred::Permit::release()"},
       &semaphores},
      {"Lock and with_lock",
       {"deferred::Lock::Lock()", "deferred::Lock::locked()", "deferred::with_lock()"},
       &locks},
      {"a Channel that is sent to",
       {"deferred::Channel::Channel()", "co_await deferred::Send", "deferred::Send::Send()",
        "deferred::Channel::send()", "deferred::Channel::try_receive()",
        "deferred::Channel::size()", "deferred::Channel::capacity()"},
       &sends},
      {"a Channel that is received from",
       {"co_await deferred::Receive", "deferred::Receive::Receive()",
        "deferred::Channel::receive()", "deferred::Channel::try_send()"},
       &receives},
      {"a Channel from task to task", {"deferred::Channel::receive()"}, &hand_over},
      {"a Channel that is closed",
       {"deferred::Channel::close()", "deferred::Channel::is_closed()"},
       &closes},
      {"RemoteSender",
       {"deferred::Channel::remote_sender()", "deferred::RemoteSender::send()",
        "deferred::RemoteSender::try_send()", "deferred::RemoteSender::is_closed()"},
       &remote_senders},
      {"for_each_at_most", {"deferred::for_each_at_most()"}, &some_at_once},
  };
}

}  // namespace deferred::testing
