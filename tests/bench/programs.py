# SPDX-License-Identifier: MIT
"""The benchmark programs of a build: which there are, whose rows they print, and their output."""

import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
OURS, FLOOR = 'deferred', 'floor'

# Program by program, in the order of the columns; the first is ours.
PROGRAMS = ['bench_deferred', 'bench_floor', 'bench_kj', 'bench_asio', 'bench_uv', 'bench_fiber']
PEERS = [OURS, FLOOR, 'kj', 'asio', 'libuv', 'boost.fiber', 'twisted']
TWISTED = 'twisted_bench.py'

# Our works once more, compiled otherwise; their rows get a name of their own: W1-lto.
VARIANTS = {'bench_deferred_one_unit': '-one-unit', 'bench_deferred_lto': '-lto', 'bench_deferred_shared': '-shared'}
SCALING = 'bench_deferred_scaling'


def base_of(peer):
    """Whose row it is: 'deferred/poll' and 'deferred-uv' are ours on other backends."""
    return re.split('[/-]', peer)[0]


def peer_of(name):
    """The column of a program, from its name alone: good enough to leave it out."""
    return {'bench_uv': 'libuv', 'bench_fiber': 'boost.fiber', TWISTED: 'twisted'}.get(
        name, name.removeprefix('bench_').split('_')[0])


def find(build, names, peers=(), quiet=False):
    """The commands that this build has of these; a word to stderr about those it has not, if not quiet."""
    folders = [build / 'tests' / 'bench', build]
    wanted = {base_of(peer) for peer in peers}
    commands = {}
    for name in names:
        if wanted and peer_of(name) not in wanted:
            continue
        found = [folder / name for folder in folders if os.access(folder / name, os.X_OK)]
        if found:
            commands[name] = [str(found[0])]
        elif not quiet:
            print(f'{name}: not built', file=sys.stderr)
    return commands


def twisted(peers=()):
    """The interpreter that runs this file is Debian's, which has Debian's Twisted."""
    if peers and 'twisted' not in peers:
        return {}
    return {TWISTED: [sys.executable, str(HERE / TWISTED)]}


def output(name, command, environment=None):
    """The JSON lines of one run, and whether it ended well; rows printed before a crash count."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env=environment)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or ['']
        print(f'{name}: ended with {done.returncode}: {reason[0]}', file=sys.stderr)
    return rows, done.returncode == 0


def named(name, rows):
    """The rows of a program, those of a variant under their own names and without those on other backends."""
    suffix = VARIANTS.get(name)
    if suffix is None:
        return rows
    return [{**row, 'work': row['work'] + suffix} for row in rows if row['peer'] == OURS]
