# SPDX-License-Identifier: MIT
"""W8: echo of 64-byte messages over TCP on the loopback, for each server of echo/.

A server runs on the first core, the load on the second. CPU time is the server's own (getrusage), taken while nothing is
under way, so it belongs to exactly the messages between two looks. Instructions are the server's in user space, counted by
callgrind; system calls are those that strace saw. Both slow the server down, so that it finds more ready at once than
it would; time is never taken with them."""

import contextlib
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile

# work: connections; messages to get warm with, in a timed window, in a counted one.
WORKS = {
    'W8-1': (1, 500, 600, 1_000),
    'W8-50': (50, 5_000, 6_000, 4_000),
    'W8-1000': (1000, 5_000, 8_000, 6_000),
}
# Timed ones a round, of which the cheapest counts: many short ones, for a machine that others use too has short quiet
# spells.
WINDOWS = 6
PATIENCE = 60  # seconds for anything to answer

# peer: program and argument. Ours are added by what the build has.
SERVERS = {
    'raw-epoll': ('bench_echo_raw', 'epoll'),
    'raw-poll': ('bench_echo_raw', 'poll'),
    'libuv-write': ('bench_echo_uv', 'write'),
    'libuv-try-write': ('bench_echo_uv', 'try-write'),
    'asio': ('bench_echo_asio',),
    'kj': ('bench_echo_kj',),
}
NOTES = {
    'asio': 'awaitable',
    'kj': '.then, the packaged release has no coroutines',
}
OURS = 'bench_echo_deferred'
FASTEST = ['epoll', 'uv', 'poll']  # which backend stands under our bare name


class Trouble(Exception):
    """A server that does not do what it should."""


def commands(build):
    """The servers of this build by peer, and the notes on them."""
    folder = build / 'tests' / 'bench' / 'echo'
    if not folder.is_dir():
        folder = build / 'echo'
    found, notes = {}, {}
    ours = folder / OURS
    if os.access(ours, os.X_OK):
        backends = subprocess.run([ours], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        fastest = next(backend for backend in FASTEST if backend in backends)
        found['deferred'], notes['deferred'] = [str(ours), fastest], f'on {fastest}'
        for backend in backends:
            if backend != 'epoll':  # it would be the same row twice
                found[f'deferred-{backend}'] = [str(ours), backend]
    for peer, (program, *rest) in SERVERS.items():
        if os.access(folder / program, os.X_OK):
            found[peer] = [str(folder / program), *rest]
            notes[peer] = NOTES.get(peer, '')
    return found, notes, folder / 'bench_echo_load'


def pinned(core):
    """For preexec_fn: on that core alone, if there are as many, and with room for 1000 connections."""
    def apply():
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return apply


@contextlib.contextmanager
def running(command, core, **options):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=pinned(core), **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def line_of(process, who):
    line = process.stdout.readline()
    if not line:
        raise Trouble(f'{who} ended with {process.wait(PATIENCE)}')
    return line


class Server:
    """A running one. `pid` is its own, whatever it runs under."""

    def __init__(self, process):
        self.process = process
        self.port, self.pid = (int(word) for word in line_of(process, 'the server').split())

    def used(self):
        """Microseconds of CPU so far, user and system. A mark in what watches it, too."""
        os.kill(self.pid, signal.SIGUSR2)
        user, system = (int(word) for word in line_of(self.process, 'the server').split())
        return user, system

    def stop(self):
        """Ends it, and waits until what watches it has written down what it saw."""
        os.kill(self.pid, signal.SIGTERM)
        self.process.wait(PATIENCE)


@contextlib.contextmanager
def load_on(server, load, connections):
    """Gives a function that sends so many messages, and tells the seconds that took."""
    with running([str(load), str(server.port), str(connections)], 1, stdin=subprocess.PIPE) as process:
        def send(messages):
            process.stdin.write(f'{messages}\n')
            process.stdin.flush()
            return float(line_of(process, 'the load'))
        yield send


def time_round(command, load, works):
    """One round of a server: for each work the CPU nanoseconds a message, their user part, messages a second."""
    figures = {}
    with running(command, 0) as process:
        server = Server(process)
        for work in works:
            connections, warm, messages, _ = WORKS[work]
            with load_on(server, load, connections) as send:
                send(warm)
                for _ in range(WINDOWS):
                    before = server.used()
                    seconds = send(messages)
                    user, system = (1000 * (b - a) / messages for a, b in zip(before, server.used()))
                    figures.setdefault(work, []).append((user + system, user, messages / seconds))
    return figures


def watched(command, load, works):
    """Runs a server through the counted windows, each between two marks; gives their message counts."""
    with running(command, 0, stderr=subprocess.DEVNULL) as process:
        server = Server(process)
        for work in works:
            connections, warm, _, messages = WORKS[work]
            with load_on(server, load, connections) as send:
                send(warm)
                server.used()
                send(messages)
                server.used()
        server.stop()


def instructions(command, load, works):
    """In user space, a message. A dump holds what was counted since the dump before: each second one is a window."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / 'dump'
        watched(['valgrind', '-q', '--tool=callgrind', f'--callgrind-out-file={out}', *command], load, works)
        counts = {}
        for number, work in enumerate(works):
            dump = pathlib.Path(f'{out}.{2 * number + 2}').read_text(errors='replace')
            # Not the summary: that of a dump out of a signal handler goes on from the dump before.
            total = re.search(r'^totals: (\d+)', dump, re.MULTILINE)
            counts[work] = int(total[1]) / WORKS[work][3]
        return counts


def syscalls(command, load, works):
    """A message, by name: what strace wrote down between two marks."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / 'trace'
        watched(['strace', '-f', '-qq', '-o', str(out), *command], load, works)
        counts, marks = {work: {} for work in works}, 0
        for line in out.read_text(errors='replace').splitlines():
            if '--- SIGUSR2' in line:
                marks += 1
            # An odd number of marks: inside a window. A resumed call was counted when it began.
            call = re.match(r'(?:\d+\s+)?(\w+)\(', line)
            if call and marks % 2 == 1 and not call[1].startswith(('rt_sig', 'getrusage')):
                names = counts[works[marks // 2]]
                names[call[1]] = names.get(call[1], 0) + 1
        return {work: {name: count / WORKS[work][3] for name, count in names.items()}
                for work, names in counts.items()}


def measure(build, works, peers, rounds, only_instructions):
    """The rows, and whether all went well."""
    found, notes, load = commands(build)
    found = {peer: command for peer, command in found.items() if not peers or peer in peers}
    figures, well = {}, True

    def trial(peer, what, take):
        nonlocal well
        try:
            return take(found[peer], load, works)
        except (Trouble, OSError, subprocess.SubprocessError, ValueError, TypeError) as trouble:
            print(f'W8 {peer}: {what}: {trouble}', file=sys.stderr)
            well = False
            return {}

    for round_ in range(0 if only_instructions else rounds):
        names = list(found)
        for peer in names[round_ % len(names):] + names[:round_ % len(names)] if names else []:
            for work, taken in trial(peer, 'timing', time_round).items():
                figures.setdefault((work, peer), []).extend(taken)
    rows = []
    for peer in found:
        counted = trial(peer, 'callgrind', instructions)
        calls = {} if only_instructions else trial(peer, 'strace', syscalls)
        for work in works:
            row = {'work': work, 'peer': peer, 'note': notes.get(peer, '')}
            if (work, peer) in figures:
                cpus, users, rates = zip(*figures[work, peer])
                # The kernel tells user from system by sampling: only the sum over all windows is worth something.
                row |= {'ns': round(min(cpus)), 'user_ns': round(min(cpus) * sum(users) / sum(cpus)), 'allocs': None,
                        'messages_per_second': round(max(rates))}
            if work in counted:
                row['instructions'] = round(counted[work])
            if work in calls:
                row['syscalls'] = round(sum(calls[work].values()), 2)
                row['syscalls_by_name'] = {name: round(count, 2) for name, count in calls[work].items()
                                           if count >= 0.005}
            rows.append(row)
    rows.sort(key=lambda row: works.index(row['work']))
    return rows, well


# What ours has to keep to: CPU time of the bare system call that the backend sits on, a message's system calls and user
# instructions.
TARGETS = ['W8-50', 'W8-1000']
LEAST_OF_RAW, MOST_SYSCALLS, MOST_INSTRUCTIONS = 0.95, 3, 600
TARGET = f'>= {LEAST_OF_RAW:.0%}, <= {MOST_SYSCALLS} calls, <= {MOST_INSTRUCTIONS} instr'
LEGEND = ("Each server alone on a core, a message's CPU time (its part in user space beside it), user instructions "
          'and system calls; CPU time of raw epoll, or of raw poll on poll, over it')


def is_ours(peer):
    return peer.split('-')[0] == 'deferred'


def on_poll(row):
    """Whether what it is compared with is the raw poll, and not the raw epoll."""
    return row['peer'].endswith('-poll') or row['note'] == 'on poll'


def of_raw(row, rows):
    raw = 'raw-poll' if on_poll(row) else 'raw-epoll'
    for other in rows:
        if (other['work'], other['peer']) == (row['work'], raw) and 'ns' in other and 'ns' in row:
            return other['ns'] / row['ns']
    return None


def verdict(row, share):
    # GLib's loop is neither of the two.
    if row['work'] not in TARGETS or not is_ours(row['peer']) or row['peer'].endswith('-glib'):
        return '-'
    missed = []
    if share is not None and share < LEAST_OF_RAW:
        missed.append(f'{share:.0%}')
    if row.get('syscalls', 0) > MOST_SYSCALLS:
        missed.append(f'{row["syscalls"]} calls')
    if row.get('instructions', 0) > MOST_INSTRUCTIONS:
        missed.append(f'{row["instructions"]} instr')
    return f'MISSED {", ".join(missed)}' if missed else 'OK'


def table(rows):
    """Lines of cells, the heading first."""
    lines = [['work', 'server', 'CPU ns', 'user ns', 'instructions', 'syscalls', 'messages/s', 'raw/it', 'target',
              'verdict']]
    for row in rows:
        share = of_raw(row, rows)
        result = verdict(row, share)
        figures = [str(row.get(key, '-')) for key in
                   ('ns', 'user_ns', 'instructions', 'syscalls', 'messages_per_second')]
        lines.append([row['work'], row['peer'], *figures, '-' if share is None else f'{share:.0%}',
                      '-' if result == '-' else TARGET, result])
    return lines


def misses(rows):
    """A line for each of ours that misses its target."""
    told = [(row, verdict(row, of_raw(row, rows))) for row in rows]
    return [f'{row["work"]} {row["peer"]}: {text.removeprefix("MISSED ")}; {TARGET}'
            for row, text in told if text.startswith('MISSED')]
