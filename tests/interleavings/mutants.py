# SPDX-License-Identifier: MIT
"""mutants.py ROOT OUT...: writes headers with faulty copies of what the explorer looks at, one for
the inbox, one for wake-ups and one for RemoteWaiter.

Each is the library's own source with one text replaced, in a namespace of its own:
deferred::mutants::NAME. Fails if a text is not there any more, or not once.
"""

import pathlib
import re
import sys

# name: (sources, text, what takes its place, and so on)
INBOX = ["deferred/reactor/detail/inbox.hpp"]
WAKE_FD = ["reactors/detail/wake_fd.hpp", "reactors/detail/wake_fd.cpp"]
POLL_SET = [*WAKE_FD, "reactors/detail/poll_set.hpp", "reactors/detail/poll_set.cpp"]
EPOLL = [*WAKE_FD, "reactors/epoll.hpp", "reactors/epoll.cpp"]
REMOTE_WAITER = ["deferred/tasks/detail/remote_answer.hpp", "deferred/tasks/remote_waiter.hpp"]
MUTANTS = {
    # The pusher's own reference is missing: its wake-up uses an inbox that is gone.
    "push_without_reference": (INBOX, "      if (!std::exchange(held, true)) retain();\n", ""),
    # Whether the message will be the first is looked at once, and not again when the push has to be
    # tried again.
    "reference_by_first_look": (
        INBOX,
        "      if (!message.next) before_first();\n",
        "",
        "  Added add(Message& message, bool is_call, F before_first) noexcept {\n"
        "    std::uintptr_t head = head_.load(std::memory_order_relaxed);\n",
        "  Added add(Message& message, bool is_call, F before_first) noexcept {\n"
        "    std::uintptr_t head = head_.load(std::memory_order_relaxed);\n"
        "    if (!message_of(head)) before_first();\n",
    ),
    "stop_without_reference": (
        INBOX,
        "    retain();  // run() may return, and the reactor be destroyed, before the wake-up is done\n",
        "",
        "    wake();\n    release();\n",
        "    wake();\n",
    ),
    # The backend may end between the look at it and the call.
    "wake_outside_mutex": (
        INBOX,
        "    const std::lock_guard lock(mutex_);\n    if (backend_) backend_->wake();",
        "    if (backend_) backend_->wake();",
    ),
    # The wake-up comes before what it tells of.
    "wake_before_push": (
        INBOX,
        "    const Added added = add(message, is_call, [this, &held] {\n",
        "    if (empty()) wake();\n    const Added added = add(message, is_call, [this, &held] {\n",
        "    if (added == Added::first) wake();\n    if (held)",
        "    if (held)",
    ),
    "drain_in_two_steps": (
        INBOX,
        "    if (empty()) return;\n    take(head_.exchange(mask_, std::memory_order_acquire));\n",
        "    if (empty()) return;\n    const auto all = head_.load(); head_.store(mask_); take(all);\n",
    ),
    "close_in_two_steps": (
        INBOX,
        "    take(head_.exchange(closed, std::memory_order_acquire));\n",
        "    const auto all = head_.load(); head_.store(closed); take(all);\n",
    ),
    # A call that was taken already is thrown away with the refusal.
    "refuse_by_store": (
        INBOX,
        "head_.fetch_or(refuse_bit, std::memory_order_relaxed);",
        "head_.store(refuse_bit, std::memory_order_relaxed);",
    ),
    # The refusal is looked at once, and not again when the push has to be tried again.
    "refusal_seen_once": (
        INBOX,
        "      if (head == closed || (is_call && (head & refuse_bit))) return Added::no;\n",
        "      if (head == closed) return Added::no;\n",
        "    std::uintptr_t head = head_.load(std::memory_order_relaxed);\n    do {",
        "    std::uintptr_t head = head_.load(std::memory_order_relaxed);\n"
        "    if (is_call && (head & refuse_bit)) return Added::no;\n    do {",
    ),
    "state_before_eventfd": (
        WAKE_FD,
        """  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
  state_.exchange(State::listening);""",
        """  state_.exchange(State::listening);
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);""",
    ),
    "wake_in_two_steps": (
        POLL_SET,
        "const State before = state_.exchange(State::woken);",
        "const State before = state_.load(); state_.store(State::woken);",
    ),
    "sleep_over_a_mark": (POLL_SET, "    if (before == State::woken) return;\n", ""),
    "listen_over_a_mark": (
        POLL_SET,
        "  return listens;",
        "  return true;",
    ),
    # A wake-up leaves a mark, and nobody looks at it.
    "poll_without_listening": (POLL_SET, "} else if (!wake_.listen()) {", "} else if (wake_.woken()) {"),
    "epoll_without_listening": (
        EPOLL,
        "  if (timeout > Duration::zero() && !wake_->listen()) timeout = Duration::zero();\n",
        "  if (wake_->woken()) timeout = Duration::zero();\n",
    ),
    "turn_ends_with_a_mark": (
        EPOLL,
        "  if (!wake_->listen()) wake_->ring();\n",
        "  wake_->listen();\n",
    ),
    "deadline_without_listening": (
        EPOLL,
        "  return wake_->listen() ? deadline_ : TimePoint::min();",
        "  return deadline_;",
    ),
    "one_reference": (REMOTE_WAITER, "refs{2}", "refs{1}"),
    "refused_not_released": (
        REMOTE_WAITER,
        "if (!inbox.push(*this)) release();",
        "[[maybe_unused]] const bool taken = inbox.push(*this);",
    ),
    "no_hold_on_inbox": (
        REMOTE_WAITER,
        "    inbox.retain();\n",
        "",
        "  ~RemoteAnswer() { inbox.release(); }\n",
        "",
    ),
}


def copy_of(root, name, sources, *replacements):
    text = "".join((root / source).read_text() for source in sources)
    for old, new in zip(replacements[::2], replacements[1::2]):
        if text.count(old) != 1:
            sys.exit(f"mutant {name}: a text stands {text.count(old)} times in {sources}: {old}")
        text = text.replace(old, new)
    includes = re.findall(r"^#include <.*", text, re.MULTILINE)
    text = re.sub(r"^(#include|#pragma once).*", "", text, flags=re.MULTILINE)
    text = re.sub(r"^(struct pollfd|class WakeFd);.*", "", text, flags=re.MULTILINE)
    text = text.replace(
        "\nnamespace detail {\n", "\nnamespace detail {\nusing namespace ::deferred::detail;\n"
    )
    # What is in detail stands beside the rest.
    text = text.replace("detail::RemoteAnswer", "RemoteAnswer")
    # Waiter::remote() is the library's.
    text = re.sub(r"^template <class R>\nRemoteWaiter<R> Waiter<R>::remote.*?^}\n", "", text,
                  flags=re.MULTILINE | re.DOTALL)
    used = ["deferred::detail"]
    if sources[0].startswith("reactors/"):
        used.append("deferred::reactors")
    text = re.sub(
        r"^namespace deferred(::\w+)? \{",
        f"namespace deferred::mutants::{name} {{\n" + "".join(f"using namespace {room};\n" for room in used),
        text,
        flags=re.MULTILINE,
    )
    return includes, text


def write(root, out, wanted_sources):
    includes, texts = set(), []
    for name, (sources, *replacements) in MUTANTS.items():
        if sources not in wanted_sources:
            continue
        includes.update(f'#include "{source}"' for source in sources if source.endswith(".hpp"))
        wanted, text = copy_of(root, name, sources, *replacements)
        includes.update(wanted)
        texts.append(f"// ---- {name}\n{text}")
    out.write_text("#pragma once\n" + "\n".join(sorted(includes)) + "\n" + "\n".join(texts))


def main(root, inbox, wake, remote):
    write(root, inbox, [INBOX])
    write(root, wake, [WAKE_FD, POLL_SET, EPOLL])
    write(root, remote, [REMOTE_WAITER])


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
